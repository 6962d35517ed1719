/* The compiled holder. What it does in which order, and why, is told in README.md. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#else
#include <sys/sysctl.h>
#endif

#define RECORD_MAX (4u << 20)
#define STRINGS_MAX 65536u
#define GROUPS_MAX 1024u
#define COUNT(list) (sizeof(list) / sizeof *(list))
#define MAGIC(letters) ((uint32_t)(letters)[0] | (uint32_t)(letters)[1] << 8 | (uint32_t)(letters)[2] << 16 | (uint32_t)(letters)[3] << 24)

enum kind { HOLD = 1, DRAIN = 2 };
/* EXISTS: the directory is there. OWN_CGROUP: the first is of cgroup v2. ACCOUNT: change to uid, gid, groups. LISTEN: bind the notify socket. */
enum { EXISTS = 1, NEEDS_CGROUPS = 2, OWN_CGROUP = 4, ACCOUNT = 8, NO_NEW_PRIVILEGES = 16, LISTEN = 32 };
/* How far a start came. RAN: the command was executed. */
enum stage { RAN, IN_RECORD, IN_DIRECTORY, CLAIMED, IN_FORK, IN_CGROUP, IN_LIMIT, IN_FOLDER, IN_ACCOUNT, IN_EXEC, HELLO = 100 };

/* What the launcher is told, little endian. After it: limits, groups, the bytes of spec.json, then the strings directory, boot id, working directory,
 * notify socket, cgroups, argv, environment, each with a NUL at its end. */
struct head {
  uint32_t magic, version, bytes, kind, seq, flags, uid, gid;
  uint64_t segment_bytes, bytes_before;
  uint32_t segment_files, first_segment, limits, groups, spec_bytes, cgroups, argc, envc;
};
struct limit { uint32_t resource, keeps_hard; uint64_t soft, hard; };
/* What it answers, once for each HOLD and DRAIN: small enough for a pipe to take it whole (POSIX, PIPE_BUF). start: as in `pid`. */
struct reply {
  uint32_t magic, seq;
  int32_t stage, error, pid, holder;
  uint64_t start;
};
/* A record that was looked through: all pointers lie in it, all strings end in it. */
struct launch {
  const struct head *head;
  const struct limit *limits;
  const uint32_t *groups;
  const char *spec, *dir, *boot, *cwd, *notify;
  char **cgroups, **argv, **envp;
};
/* One output of the worker. The write end keeps a silent worker from looking like one that closed it. */
struct stream {
  int read_end, write_end;
  uint8_t kind;
  bool at_end;
};

extern char record_bytes[RECORD_MAX];
bool parse_record(char *bytes, size_t size, struct launch *out);
void forget_record(void);

bool open_streams(int dir, struct stream streams[2]);
bool open_segments(int dir, const struct head *head);
size_t drain_stream(struct stream *stream);
uint64_t lost_bytes(void);
uint64_t now_ns(void);

int listen_notify(int dir, const char *name, uint32_t uid);
void take_notify(int socket);
socklen_t notify_address(const char *name, struct sockaddr_un *address);

void hold(const struct launch *launch, int replies, int lock);
void drain(const struct launch *launch, int replies, int lock);
pid_t fork_into(int group);
void answer(int replies, uint32_t seq, struct reply reply);
