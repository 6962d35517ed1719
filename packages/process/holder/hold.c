#include "holder.h"

/* The file `exit`. Layout: src/instance/exit-record.ts. */
struct ended {
  uint32_t magic;
  uint8_t state, kind, dumped, none_left;
  int32_t value;
  uint32_t oom_kills;
  uint64_t reaped_ns, lost, user_us, system_us, max_rss, zero2;
};

static int dir = -1;
/* Nothing is blocked (all bits 0 is the empty set on Linux and on macOS). */
static const sigset_t none;

static int open_in(const char *name, int how) { return openat(dir, name, how | O_CLOEXEC, 0600); }

static bool write_file(const char *name, const void *bytes, size_t length) {
  int fd = open_in(name, O_WRONLY | O_CREAT | O_TRUNC);
  ssize_t put = fd < 0 ? -1 : write(fd, bytes, length);
  if (fd >= 0) close(fd);
  if (put >= 0 && put < (ssize_t)length) errno = ENOSPC;
  return put == (ssize_t)length;
}

/* "PID START BOOT" of this process, as src/identity reads it: field 22 of proc_pid_stat(5), or what ps(1) of macOS prints. */
static size_t identity(char text[300], const char *boot, uint64_t *start) {
  *start = 0;
#ifdef __linux__
  char stat[1024] = "";
  int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, stat, sizeof stat - 1) < 0) return 0;
  close(fd);
  char *at = strrchr(stat, ')');
  for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
  while (at && *++at >= '0' && *at <= '9') *start = *start * 10 + (uint64_t)(*at - '0');
  return (size_t)snprintf(text, 300, "%d %llu %s\n", getpid(), (unsigned long long)*start, boot);
#else
  struct kinfo_proc self;
  size_t size = sizeof self;
  struct tm utc;
  char day[20], time[20];
  if (sysctl((int[]){CTL_KERN, KERN_PROC, KERN_PROC_PID, getpid()}, 4, &self, &size, NULL, 0)) return 0;
  gmtime_r(&self.kp_proc.p_starttime.tv_sec, &utc);
  strftime(day, sizeof day, "%a_%b", &utc);
  strftime(time, sizeof time, "%H:%M:%S_%Y", &utc);
  return (size_t)snprintf(text, 300, "%d %s_%d_%s %s\n", getpid(), day, utc.tm_mday, time, boot);
#endif
}

/* What the directory has before a worker runs; the exit record too, so that no full disk can refuse it later. */
static bool fill(const struct head *head) {
  static const char *const fifos[] = {"out.p", "err.p", "alive", "draining", "control"};
  for (size_t i = 0; i < COUNT(fifos); i++) {
    struct stat made;
    if (mkfifoat(dir, fifos[i], 0600) && (errno != EEXIST || fstatat(dir, fifos[i], &made, AT_SYMLINK_NOFOLLOW) || !S_ISFIFO(made.st_mode))) return false;
    /* So that a worker of another user can open /dev/stdout. */
    if (i < 2 && (head->flags & ACCOUNT) && fchownat(dir, fifos[i], head->uid, head->gid, AT_SYMLINK_NOFOLLOW)) return false;
  }
  return write_file("exit", &(struct ended){.magic = MAGIC("OSX1")}, sizeof(struct ended));
}

/* A new one is made under another name and appears whole, its holder named in it. One that exists is claimed by whoever makes that name first. */
static enum stage make_instance(const struct launch *launch) {
  char fresh[PATH_MAX], claim[300];
  uint64_t start;
  size_t length = identity(claim, launch->boot, &start);
  bool exists = launch->head->flags & EXISTS;
  snprintf(fresh, sizeof fresh, "%.*s/.new-%d", (int)(strrchr(launch->dir, '/') - launch->dir), launch->dir, getpid());
  if (!exists && mkdir(fresh, 0700)) return IN_DIRECTORY;
  if ((dir = open(exists ? launch->dir : fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) return IN_DIRECTORY;
  int file = open_in("holder", O_WRONLY | O_CREAT | O_EXCL);
  if (file < 0) return errno == EEXIST ? CLAIMED : IN_DIRECTORY;
  if (write(file, claim, length) < 0 || close(file) || !fill(launch->head)) return IN_DIRECTORY;
  if (exists) return RAN;
  if (!write_file("spec.json", launch->spec, launch->head->spec_bytes)) return IN_DIRECTORY;
  return !rename(fresh, launch->dir) ? RAN : errno == ENOTEMPTY || errno == EEXIST ? CLAIMED : IN_DIRECTORY;
}

static bool enter_cgroups(const struct launch *launch, uint32_t from) {
  for (uint32_t i = from; i < launch->head->cgroups; i++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/cgroup.procs", launch->cgroups[i]);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if ((fd < 0 || write(fd, "0", 1) != 1) && (launch->head->flags & NEEDS_CGROUPS)) return false;
    if (fd >= 0) close(fd);
  }
  return true;
}

static bool set_limits(const struct launch *launch) {
  for (uint32_t i = 0; i < launch->head->limits; i++) {
    const struct limit *limit = &launch->limits[i];
    struct rlimit now, want = {.rlim_cur = (rlim_t)limit->soft, .rlim_max = (rlim_t)limit->hard};
    if (limit->keeps_hard && !getrlimit((int)limit->resource, &now)) want.rlim_max = now.rlim_max;
    if (setrlimit((int)limit->resource, &want) && !limit->keeps_hard) return false;
  }
  return true;
}

static bool change_account(const struct launch *launch) {
  const struct head *head = launch->head;
#ifdef __linux__
  if ((head->flags & NO_NEW_PRIVILEGES) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return false;
#endif
  if (!(head->flags & ACCOUNT)) return true;
  return !setgroups(head->groups, (const gid_t *)launch->groups) && !setgid(head->gid) && !setuid(head->uid);
}

/* The worker, until it executes its command. Tells how far it came: once when it is recorded, again if it fails. */
static _Noreturn void become(const struct launch *launch, const struct stream *streams, int news, bool is_in_own) {
  char text[300];
  struct reply reply = {.stage = IN_CGROUP};
  /* A session of its own: what it sends to its group does not reach the holder, and the holder's end is no hangup for it where it is stopped. */
  setsid();
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (enter_cgroups(launch, is_in_own) && (reply.stage = IN_LIMIT) && set_limits(launch) && (reply.stage = IN_FOLDER) && !chdir(launch->cwd)) {
    size_t length = identity(text, launch->boot, &reply.start);
    bool is_recorded = length > 0 && write_file("pid.tmp", text, length) && !renameat(dir, "pid.tmp", dir, "pid");
    reply.stage = is_recorded ? RAN : IN_DIRECTORY;
    if (write(news, &reply, sizeof reply) < 0 || !is_recorded || dup2(streams[0].write_end, 1) < 0 || dup2(streams[1].write_end, 2) < 0) _exit(126);
    if (change_account(launch)) {
      extern char **environ;
      umask(022);
      environ = launch->envp;
      execvp(launch->argv[0], launch->argv);
      reply.stage = IN_EXEC;
    } else reply.stage = IN_ACCOUNT;
    dprintf(2, "%s: %s\n", launch->argv[0], strerror(errno));
  }
  reply.error = errno;
  if (write(news, &reply, sizeof reply) < 0) _exit(126);
  _exit(reply.error == ENOENT ? 127 : 126);
}

static pid_t fork_worker(const struct launch *launch, bool *is_in_own) {
  bool has_own = (launch->head->flags & OWN_CGROUP) && (!mkdir(launch->cgroups[0], 0755) || errno == EEXIST);
  int group = has_own ? open(launch->cgroups[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  pid_t pid = group >= 0 ? fork_into(group) : -1;
  if (group >= 0) close(group);
  *is_in_own = pid >= 0;
  return pid >= 0 ? pid : fork();
}

static void on_child(int number) { (void)number; }

/* Ends by SIGKILL, or with its work: what a terminal or a group is sent is not meant for it. */
static void begin(int lock) {
  static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};
  sigset_t child = none;
  setsid();
  for (size_t i = 0; i < COUNT(ignored); i++) signal(ignored[i], SIG_IGN);
  sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child}, NULL);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
#ifdef __linux__
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  prctl(PR_SET_NAME, "ostler-holder", 0, 0, 0);
#endif
  if (lock >= 0) close(lock);
}

static uint64_t us_of(struct timeval time) { return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec; }

/* The state byte goes last: who sees it sees the whole record. */
static bool keep_exit(int file, int status, const struct rusage *used) {
  struct ended ended = {.magic = MAGIC("OSX1"), .kind = WIFEXITED(status) ? 1 : 2, .dumped = WIFSIGNALED(status) && WCOREDUMP(status),
                        .value = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), .oom_kills = UINT32_MAX, .lost = lost_bytes(),
                        .reaped_ns = now_ns(), .user_us = us_of(used->ru_utime), .system_us = us_of(used->ru_stime), .max_rss = (uint64_t)used->ru_maxrss};
  return pwrite(file, &ended, sizeof ended, 0) > 0 && pwrite(file, &(char){1}, 1, offsetof(struct ended, state)) == 1;
}

/* One byte each: a signal for the worker's group, from 128 on for the worker alone. Its number cannot be another's before it is reaped. */
static void obey(int control, pid_t worker) {
  unsigned char orders[64];
  ssize_t count = read(control, orders, sizeof orders);
  for (ssize_t i = 0; worker > 0 && i < count; i++)
    if ((orders[i] & 128) || kill(-worker, orders[i])) kill(worker, orders[i] & 127);
}

/* Until the worker is reaped, its descendants too (they come to us), and nobody can write any more. */
static void look_after(pid_t worker, struct stream streams[2], int exit_file, int alive, int control, int notify) {
  for (bool has_children = worker > 0;;) {
    int status, fds[] = {control, notify, streams[0].read_end, streams[1].read_end};
    struct rusage used;
    for (pid_t pid = 1; has_children && pid > 0;) {
      if ((pid = wait4(-1, &status, WNOHANG, &used)) < 0) has_children = false;
      if (pid != worker || worker < 0) continue;
      worker = -1;
      /* What it wrote is in the segments before its end is told; not more than that, since a descendant may write without end. */
      for (int i = 0; i < 64; i++) drain_stream(&streams[i & 1]);
      keep_exit(exit_file, status, &used);
      close(alive);
      for (int i = 0; i < 2; i++) close(streams[i].write_end);
    }
    if (!has_children && streams[0].at_end && streams[1].at_end) return;
    fd_set ready;
    FD_ZERO(&ready);
    for (size_t i = 0; i < 4; i++)
      if (fds[i] >= 0 && (i < 2 || !streams[i - 2].at_end)) FD_SET(fds[i], &ready);
    if (pselect(FD_SETSIZE, &ready, NULL, NULL, NULL, &none) < 0) continue;
    size_t moved = 0;
    for (int i = 0; i < 2; i++) {
      if (streams[i].at_end || !FD_ISSET(streams[i].read_end, &ready)) continue;
      size_t bytes = drain_stream(&streams[i]);
      streams[i].at_end = bytes == 0 && worker < 0;
      moved += bytes;
    }
    if (control >= 0 && FD_ISSET(control, &ready)) obey(control, worker);
#ifdef __linux__
    if (notify >= 0 && FD_ISSET(notify, &ready)) take_notify(notify);
#endif
    /* A reader that comes back for each line makes a slow writer. A pipe of 64 KiB is full after 0.3 ms at the earliest, one of 1 MiB after 5. */
    if (moved > 8192) nanosleep(&(struct timespec){.tv_nsec = moved > 98304 ? 1000000 : 150000}, NULL);
  }
}

void hold(const struct launch *launch, int replies, int lock) {
  const struct head *head = launch->head;
  uint32_t seq = head->seq;
  struct stream streams[2];
  int news[2] = {-1, -1}, notify = -1;
  struct reply reply, last;
  begin(-1);
  reply = (struct reply){.stage = make_instance(launch), .error = errno};
  /* From here on the directory tells of this start. */
  if (lock >= 0) close(lock);
  if (reply.stage != RAN) return answer(replies, seq, reply);
  int alive = open_in("alive", O_RDWR), draining = open_in("draining", O_RDWR), control = open_in("control", O_RDWR | O_NONBLOCK), file = open_in("exit", O_WRONLY);
  bool is_open = alive >= 0 && draining >= 0 && control >= 0 && file >= 0 && open_streams(dir, streams) && open_segments(dir, head) && !pipe(news);
#ifdef __linux__
  if (is_open && (head->flags & LISTEN)) is_open = (notify = listen_notify(dir, launch->notify, head->flags & ACCOUNT ? head->uid : getuid())) >= 0;
#endif
  if (!is_open) return answer(replies, seq, (struct reply){.stage = IN_DIRECTORY, .error = errno});
  for (int i = 0; i < 2; i++) fcntl(news[i], F_SETFD, FD_CLOEXEC);
  bool is_in_own;
  pid_t worker = fork_worker(launch, &is_in_own);
  if (worker < 0) return answer(replies, seq, (struct reply){.stage = IN_FORK, .error = errno});
  if (worker == 0) become(launch, streams, news[1], is_in_own);
  close(news[1]);
  for (reply = (struct reply){.stage = IN_FORK}; read(news[0], &last, sizeof last) == (ssize_t)sizeof last; reply = last)
    last.pid = last.stage == RAN ? worker : reply.pid;
  close(news[0]);
  forget_record();
  answer(replies, seq, reply);
  /* Without its record nothing has run, and the directory must not tell of an end. */
  if (reply.pid == 0) return;
  look_after(worker, streams, file, alive, control, notify);
  uint64_t lost = lost_bytes();
  if (pwrite(file, &lost, sizeof lost, offsetof(struct ended, lost)) < 0) return;
#ifdef __linux__
  if (pwrite(file, &(char){1}, 1, offsetof(struct ended, none_left)) < 0) return;
#endif
}

/* Goes on where a killed holder left off. It is nobody's parent: that nobody can write any more tells that all is over. */
void drain(const struct launch *launch, int replies, int lock) {
  struct stream streams[2];
  begin(lock);
  dir = open(launch->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool is_ready = dir >= 0 && open_in("draining", O_RDWR) >= 0 && open_streams(dir, streams) && open_segments(dir, launch->head);
  answer(replies, launch->head->seq, (struct reply){.stage = is_ready ? RAN : IN_DIRECTORY, .error = is_ready ? 0 : errno});
  forget_record();
  if (!is_ready) return;
  for (int i = 0; i < 2; i++) close(streams[i].write_end);
  look_after(-1, streams, -1, -1, -1, -1);
}
