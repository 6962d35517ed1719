#include "../holder/holder.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/file.h>
#ifdef __linux__
#include <linux/capability.h>
#endif

/* An agent that has gone reads the directory when it is back, so a reply that nobody takes is no trouble. */
void answer(int replies, uint32_t seq, struct reply reply) {
  reply.magic = MAGIC("OSA1");
  reply.seq = seq;
  reply.holder = getpid();
  if (write(replies, &reply, sizeof reply) < 0 || replies > 2) close(replies);
}

/* A child within that cgroup (Linux 5.7 and later), since to move there waits for all of the host: cgroup_threadgroup_rwsem, 12 ms measured. */
pid_t fork_into(int group) {
#ifdef SYS_clone3
  uint64_t how[11] = {[0] = 0x200000000u /* CLONE_INTO_CGROUP */, [4] = SIGCHLD, [10] = (uint64_t)group};
  return (pid_t)syscall(SYS_clone3, how, sizeof how);
#else
  (void)group;
  errno = ENOSYS;
  return -1;
#endif
}

static bool read_whole(char *into, size_t want) {
  for (ssize_t got; want > 0; into += got, want -= (size_t)got)
    if ((got = read(0, into, want)) <= 0) return false;
  return true;
}

static _Noreturn void carry_out(size_t size, int lock) {
  struct launch launch;
  int replies = fcntl(1, F_DUPFD_CLOEXEC, 3), null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 2; fd++) dup2(null, fd);
  if (null > 2) close(null);
  signal(SIGCHLD, SIG_DFL);
  if (!parse_record(record_bytes, size, &launch)) answer(replies, ((struct head *)record_bytes)->seq, (struct reply){.stage = IN_RECORD, .error = EINVAL});
  else if (launch.head->kind == HOLD) hold(&launch, replies, lock);
  else drain(&launch, replies, lock);
  _exit(0);
}

/* Inheritable ones would come back in a worker of another user with a program that has file capabilities (capabilities(7)). */
static void drop_inheritable(void) {
#ifdef __linux__
  struct __user_cap_header_struct of = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &of, sets)) return;
  sets[0].inheritable = sets[1].inheritable = 0;
  syscall(SYS_capset, &of, sets);
#endif
}

/* How holders get into that cgroup: -1 where this process could move there itself, 0 where it cannot be had. */
static int way_into(const char *folder) {
  int group = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (group < 0) return 0;
  pid_t trial = fork_into(group);
  if (trial == 0) _exit(0);
  if (trial > 0) return group;
  int procs = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  bool is_in = procs >= 0 && write(procs, "0", 1) == 1;
  if (procs >= 0) close(procs);
  close(group);
  return is_in ? -1 : 0;
}

/* Forks a holder for each record on stdin, and ends with the agent, whose end closes it. Each holder has the lock until its directory tells of its
 * start; the launcher of a next agent waits for the locks of those before it, so that its agent begins with all of them to be seen. */
static int launcher(const char *lock_path, char **waits, int count, char **cgroups) {
  static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE, SIGCHLD, SIGTSTP};
  struct reply hello = {.stage = HELLO};
  for (size_t i = 0; i < COUNT(ignored); i++) signal(ignored[i], SIG_IGN);
  drop_inheritable();
  /* What the agent's own parent left open is nobody's here, and a holder would keep it open for as long as its worker lives. */
  for (int fd = 3; fd < 1024; fd++) close(fd);
#ifdef __linux__
  prctl(PR_SET_NAME, "ostler-launcher", 0, 0, 0);
#endif
  int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX)) return answer(1, 0, (struct reply){.stage = HELLO, .error = errno}), 1;
  for (int i = 0, other; i < count; i++, close(other))
    if ((other = open(waits[i], O_RDWR | O_CLOEXEC)) >= 0) flock(other, LOCK_EX);
  int group = 0;
  for (int i = 0; cgroups[i] && group == 0; i++)
    if ((group = way_into(cgroups[i])) != 0) hello.pid = i + 1;
  answer(1, 0, hello);
  const struct head *head = (const struct head *)record_bytes;
  while (read_whole(record_bytes, sizeof *head)) {
    uint32_t size = head->bytes, seq = head->seq;
    bool has_bounds = head->magic == MAGIC("OSR1") && size >= sizeof *head && size <= RECORD_MAX;
    /* Where a next record would begin cannot be told any more. */
    if (!has_bounds) return answer(1, seq, (struct reply){.stage = IN_RECORD, .error = EPROTO}), 1;
    if (!read_whole(record_bytes + sizeof *head, size - sizeof *head)) return 0;
    pid_t pid = group > 0 ? fork_into(group) : -1;
    if (pid < 0) pid = fork();
    if (pid == 0 && group > 0) close(group);
    if (pid == 0) carry_out(size, lock);
    if (pid < 0) answer(1, seq, (struct reply){.stage = IN_FORK, .error = errno});
    memset(record_bytes, 0, size);
  }
  return 0;
}

/* The agent's own word to whoever started it, since Node has no unix datagram sockets: each chunk of stdin, up to a NUL, is sent as one (sd_notify(3)). */
static int notifier(const char *name) {
  struct sockaddr_un address;
  socklen_t size = notify_address(name, &address);
  int fd = size ? socket(AF_UNIX, SOCK_DGRAM, 0) : -1;
  char text[4096];
  size_t length = 0;
  for (ssize_t got; fd >= 0 && length < sizeof text && (got = read(0, text + length, 1)) > 0;) {
    if (text[length++] != 0) continue;
    if (sendto(fd, text, length - 1, 0, (struct sockaddr *)&address, size) < 0) return dprintf(2, "%s: %s\n", name, strerror(errno)), 1;
    length = 0;
  }
  return fd < 0;
}

/* For containers: each file of a folder becomes a variable of its name, then the command is executed. */
static int run_with_files(const char *folder, char **argv) {
  static char value[131072];
  DIR *files = opendir(folder);
  if (!files) return dprintf(2, "%s: %s\n", folder, strerror(errno)), 126;
  for (struct dirent *entry; (entry = readdir(files));) {
    if (entry->d_name[0] == '.') continue;
    int fd = openat(dirfd(files), entry->d_name, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0, got = -1;
    while (fd >= 0 && (got = read(fd, value + length, sizeof value - (size_t)length)) > 0) length += got;
    const char *trouble = got < 0 ? strerror(errno) : length == (ssize_t)sizeof value ? "is too long for a variable" : NULL;
    if (!trouble) value[length] = 0;
    if (!trouble && (strchr(entry->d_name, '=') || strlen(value) != (size_t)length)) trouble = "cannot be a variable";
    if (trouble || setenv(entry->d_name, value, 1)) return dprintf(2, "%s/%s: %s\n", folder, entry->d_name, trouble ? trouble : strerror(errno)), 126;
    close(fd);
  }
  execvp(argv[0], argv);
  return dprintf(2, "%s: %s\n", argv[0], strerror(errno)), errno == ENOENT ? 127 : 126;
}

#ifndef OSTLER_HOLDER_NO_MAIN
int main(int argc, char **argv) {
  int waits = argc >= 4 ? atoi(argv[3]) : 0;
  if (argc >= 4 && !strcmp(argv[1], "launch") && waits >= 0 && waits <= argc - 4) return launcher(argv[2], argv + 4, waits, argv + 4 + waits);
  if (argc >= 4 && !strcmp(argv[1], "env")) return run_with_files(argv[2], argv + 3);
  if (argc == 3 && !strcmp(argv[1], "notify")) return notifier(argv[2]);
  if (argc == 2 && !strcmp(argv[1], "version")) return puts("ostler-holder 1"), 0;
  return dprintf(2, "usage: ostler-holder launch LOCK COUNT [LOCK...] [CGROUP...] | env FOLDER COMMAND... | notify SOCKET | version\n"), 2;
}
#endif
