/* Feeds parse_record with damaged records. Alone it mutates the records that its arguments name, and every case follows from the seed and its number;
 * built with -fsanitize=fuzzer -DOSTLER_LIBFUZZER it is driven by libFuzzer. */
#include "../holder/holder.h"
#include <stdlib.h>

void __attribute__((weak)) __sanitizer_set_death_callback(void (*)(void));

static volatile size_t touched;

static void must(bool is_true, const char *what) {
  if (is_true) return;
  fprintf(stderr, "a record was taken that it may not take: %s\n", what);
  abort();
}

/* Walks through all that a holder uses of a record, each byte once. */
static void walk(const struct launch *launch, const char *bytes, size_t size) {
  const struct head *head = launch->head;
  const char *texts[] = {launch->dir, launch->boot, launch->cwd, launch->notify};
  char **lists[] = {launch->cgroups, launch->argv, launch->envp};
  uint32_t counts[] = {head->cgroups, head->argc, head->envc};
  uint64_t sum = 0;
  for (size_t i = 0; i < COUNT(texts); i++) sum += strlen(texts[i]);
  for (uint32_t i = 0; i < head->limits; i++) sum += launch->limits[i].soft ^ launch->limits[i].hard;
  for (uint32_t i = 0; i < head->groups; i++) sum += launch->groups[i];
  for (uint32_t i = 0; i < head->spec_bytes; i++) sum += (unsigned char)launch->spec[i];
  for (size_t list = 0; list < COUNT(lists); list++) {
    for (uint32_t i = 0; i < counts[list]; i++) {
      must(lists[list][i] >= bytes && lists[list][i] + strlen(lists[list][i]) < bytes + size, "a string lies outside");
      sum += strlen(lists[list][i]);
    }
    must(lists[list][counts[list]] == NULL, "a list has no end");
  }
  must(strlen(launch->dir) <= 4000 && strlen(launch->boot) <= 200, "a string is too long");
  must(launch->dir[0] == '/' && head->segment_bytes >= 4096 && head->segment_files > 0, "a value is out of bounds");
  touched += (size_t)sum;
}

/* Of exactly its size, so that a byte read too much is seen. */
static bool takes(const uint8_t *data, size_t size) {
  struct launch launch;
  char *bytes = malloc(size ? size : 1);
  memcpy(bytes, data, size);
  bool is_taken = parse_record(bytes, size, &launch);
  if (is_taken) walk(&launch, bytes, size);
  free(bytes);
  return is_taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size <= RECORD_MAX) takes(data, size);
  return 0;
}

#ifndef OSTLER_LIBFUZZER
#define SEEDS_MAX 64
#define CASE_MAX 65536
static struct {
  uint8_t bytes[CASE_MAX];
  size_t size;
} seeds[SEEDS_MAX];
static uint8_t bytes[CASE_MAX];
static uint64_t seed, number, state;

static void tell_case(void) { fprintf(stderr, "seed %llu, case %llu\n", (unsigned long long)seed, (unsigned long long)number); }

/* splitmix64 */
static uint64_t next(void) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}
static size_t below(size_t bound) { return bound ? (size_t)(next() % bound) : 0; }

static void put(size_t at, uint32_t value) { memcpy(bytes + at, &value, sizeof value); }

static size_t mutate(size_t size) {
  static const uint32_t odd[] = {0, 1, 2, 15, 16, 17, 63, 64, 65, 255, 1023, 1024, 1025, 4095, 4096, 16384, 16385, 65535, 65536, 300000001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
  for (size_t steps = 1 + below(5); steps > 0; steps--) {
    size_t at = below(size), length = 1 + below(64);
    switch (below(8)) {
    case 0: bytes[at] ^= (uint8_t)(1u << below(8)); break;
    case 1: bytes[at] = (uint8_t)next(); break;
    case 2: case 3: put(4 * below(sizeof(struct head) / 4), odd[below(COUNT(odd))]); break;
    case 4: put(4 * below(sizeof(struct head) / 4), (uint32_t)below(40)); break;
    case 5: size = sizeof(struct head) + below(size - sizeof(struct head) + 1); break;
    case 6:
      if (length > size - at) length = size - at;
      if (size - length < sizeof(struct head)) break;
      memmove(bytes + at, bytes + at + length, size - at - length);
      size -= length;
      break;
    default:
      if (size + length > CASE_MAX) break;
      memmove(bytes + at + length, bytes + at, size - at);
      memset(bytes + at, below(2) ? 0 : (int)next(), length);
      size += length;
    }
  }
  /* Else nearly none would come past the first look. */
  if (below(8)) put(offsetof(struct head, bytes), (uint32_t)size);
  if (below(8)) put(0, MAGIC("OSR1")), put(4, 1);
  return size;
}

/* All of them are there, and still they are too many: `most` are taken, one more is not. `unit`: bytes of each; `at`: where they stand. */
static void refuse_one_more(const uint8_t *good, size_t size, size_t field, uint32_t most, size_t unit, size_t at) {
  uint32_t has;
  memcpy(&has, good + field, sizeof has);
  for (uint32_t count = most; count <= most + 1; count++) {
    size_t more = (count - has) * unit;
    memcpy(bytes, good, at);
    memset(bytes + at, 0, more);
    memcpy(bytes + at + more, good + at, size - at);
    put(field, count);
    put(offsetof(struct head, bytes), (uint32_t)(size + more));
    must(takes(bytes, size + more) == (count == most), "one more than it may have, or not as many");
  }
}

/* What must be refused of a good record, whatever comes by chance. */
static void refuse_crafted(const uint8_t *good, size_t size) {
  static const size_t counts[] = {offsetof(struct head, limits), offsetof(struct head, groups), offsetof(struct head, spec_bytes),
                                  offsetof(struct head, cgroups), offsetof(struct head, argc), offsetof(struct head, envc)};
  static const uint32_t wrong[] = {0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x0aaaaaab, 0x40000000, 0x15555556};
  must(takes(good, size), "the good one is refused");
  for (size_t shorter = 0; shorter < size; shorter++) {
    memcpy(bytes, good, size);
    must(!takes(bytes, shorter), "cut off");
    if (shorter >= sizeof(struct head)) put(offsetof(struct head, bytes), (uint32_t)shorter);
    must(!takes(bytes, shorter), "cut off, and its length says so");
  }
  struct head head;
  memcpy(&head, good, sizeof head);
  size_t after_limits = sizeof head + head.limits * sizeof(struct limit);
  refuse_one_more(good, size, offsetof(struct head, limits), 64, sizeof(struct limit), after_limits);
  refuse_one_more(good, size, offsetof(struct head, groups), GROUPS_MAX, sizeof(uint32_t), after_limits + head.groups * sizeof(uint32_t));
  refuse_one_more(good, size, offsetof(struct head, cgroups), 16, 1, size);
  refuse_one_more(good, size, offsetof(struct head, argc), STRINGS_MAX / 4, 1, size);
  refuse_one_more(good, size, offsetof(struct head, envc), STRINGS_MAX / 4, 1, size);
  memcpy(bytes, good, size);
  bytes[size] = 0;
  must(!takes(bytes, size + 1), "too long");
  put(offsetof(struct head, bytes), (uint32_t)size + 1);
  must(!takes(bytes, size + 1), "too long, and its length says so");
  for (uint32_t version = 0; version < 300; version++) {
    memcpy(bytes, good, size);
    put(offsetof(struct head, version), version);
    must(takes(bytes, size) == (version == 1), "of another version");
  }
  for (size_t i = 0; i < COUNT(counts); i++)
    for (size_t k = 0; k < COUNT(wrong); k++) {
      memcpy(bytes, good, size);
      put(counts[i], wrong[k]);
      must(!takes(bytes, size), "with a count that it cannot have");
    }
}

int main(int argc, char **argv) {
  if (argc < 5) return fprintf(stderr, "usage: record SECONDS SEED FIRST RECORD...\n"), 2;
  double limit = atof(argv[1]);
  seed = strtoull(argv[2], NULL, 10);
  uint64_t first = strtoull(argv[3], NULL, 10), taken = 0;
  size_t count = 0;
  for (int i = 4; i < argc && count < SEEDS_MAX; i++) {
    int fd = open(argv[i], O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, seeds[count].bytes, CASE_MAX / 2);
    if (size < (ssize_t)sizeof(struct head)) return fprintf(stderr, "%s is no record\n", argv[i]), 2;
    close(fd);
    seeds[count++].size = (size_t)size;
  }
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(tell_case);
  for (size_t i = 0; i < count; i++) refuse_crafted(seeds[i].bytes, seeds[i].size);
  struct timespec begun, now;
  clock_gettime(CLOCK_MONOTONIC, &begun);
  double gone = 0;
  for (number = first; gone < limit; number++) {
    state = seed ^ number * 0xd1342543de82ef95u;
    size_t one = below(count);
    memcpy(bytes, seeds[one].bytes, seeds[one].size);
    taken += takes(bytes, mutate(seeds[one].size));
    if (number % 1024) continue;
    clock_gettime(CLOCK_MONOTONIC, &now);
    gone = (double)(now.tv_sec - begun.tv_sec) + (double)(now.tv_nsec - begun.tv_nsec) / 1e9;
  }
  printf("%llu records in %.1f s, %.0f a second, %llu of them taken: seed %llu\n", (unsigned long long)(number - first), gone, (double)(number - first) / gone,
         (unsigned long long)taken, (unsigned long long)seed);
  return 0;
}
#endif
