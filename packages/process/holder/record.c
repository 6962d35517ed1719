#include "holder.h"

/* Of pages of their own, so that they can be given back. */
char record_bytes[RECORD_MAX] __attribute__((aligned(65536)));
static char *strings[STRINGS_MAX] __attribute__((aligned(65536)));

static char *next_string(char **at, const char *end) {
  char *start = *at, *nul = start < end ? memchr(start, 0, (size_t)(end - start)) : NULL;
  if (nul) *at = nul + 1;
  return nul ? start : NULL;
}

static char **string_list(char **at, const char *end, char ***into, uint32_t count) {
  char **first = *into;
  for (uint32_t i = 0; i < count; i++)
    if (!(*(*into)++ = next_string(at, end))) return NULL;
  *(*into)++ = NULL;
  return first;
}

bool parse_record(char *bytes, size_t size, struct launch *out) {
  const struct head *head = (const struct head *)bytes;
  if (size < sizeof *head || head->magic != MAGIC("OSR1") || head->version != 1 || head->bytes != size) return false;
  if (head->kind < HOLD || head->kind > DRAIN || (head->kind == HOLD && head->argc == 0)) return false;
  if (head->limits > 64 || head->groups > GROUPS_MAX || head->cgroups > 16 || head->argc > STRINGS_MAX / 4 || head->envc > STRINGS_MAX / 4) return false;
  if (head->segment_bytes < 4096 || head->segment_files == 0 || head->first_segment > 300000000 || (head->flags & OWN_CGROUP && !head->cgroups)) return false;
  size_t fixed = sizeof *head + head->limits * sizeof(struct limit) + head->groups * sizeof(uint32_t);
  if (fixed > size || head->spec_bytes > size - fixed) return false;
  char *at = bytes + fixed + head->spec_bytes, **into = strings;
  const char *end = bytes + size;
  *out = (struct launch){.head = head, .limits = (const struct limit *)(head + 1), .spec = bytes + fixed};
  out->groups = (const uint32_t *)(out->limits + head->limits);
  if (!(out->dir = next_string(&at, end)) || !(out->boot = next_string(&at, end)) || !(out->cwd = next_string(&at, end))) return false;
  if (!(out->notify = next_string(&at, end)) || out->dir[0] != '/' || strlen(out->dir) > 4000 || strlen(out->boot) > 200) return false;
  if (!(out->cgroups = string_list(&at, end, &into, head->cgroups)) || !(out->argv = string_list(&at, end, &into, head->argc))) return false;
  return (out->envp = string_list(&at, end, &into, head->envc)) && at == end;
}

/* It holds secrets, and pages kept for nothing are multiplied by the number of workers. */
void forget_record(void) {
#ifdef __linux__
  madvise(record_bytes, sizeof record_bytes, MADV_DONTNEED);
  madvise(strings, sizeof strings, MADV_DONTNEED);
#else
  memset(record_bytes, 0, ((const struct head *)record_bytes)->bytes);
#endif
}
