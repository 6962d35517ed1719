// The worker that the chaos run gives the agent: chaos-worker PLACE INDEX VARIANT READY_MS LIVES_MS CODE STUBBORN
// It locks a file of its own, which the kernel gives back at its death and at nothing else, and writes down what happens to it. READY_MS: -1 = it is
// never asked; LIVES_MS: 0 = until it is ended; STUBBORN: 1 = SIGTERM does not end it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum kind { started = 0, second = 1, ready = 2, told = 3, leaves = 4 };

// world.ts reads this: 32 bytes, in the machine's own order. `forked_ns`: when the kernel made this process, which on a busy machine is long before it
// can say anything.
struct record {
  uint64_t ns;
  uint32_t index, kind, pid;
  int32_t value;
  uint64_t forked_ns;
};

static int records;
static uint32_t own_index;
static uint64_t forked;

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
static uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

// Field 22 of proc_pid_stat(5): ticks of CLOCK_BOOTTIME, cut off to 10 ms.
static uint64_t forked_ns(void) {
  char text[1024] = "";
  unsigned long long ticks = 0;
  int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) _exit(111);
  close(fd);
  char *at = strrchr(text, ')');
  if (!at || sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1) _exit(111);
  return now_ns() - (clock_ns(CLOCK_BOOTTIME) - ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK)));
}

// One write to a file opened with O_APPEND: records of many workers never mix.
static void tell(enum kind kind, int value) {
  struct record record = {now_ns(), own_index, kind, (uint32_t)getpid(), value, forked};
  if (write(records, &record, sizeof record) != sizeof record) _exit(111);
}

// sd_notify(3), without its library.
static void notify(const char *text) {
  const char *name = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (!name || strlen(name) >= sizeof address.sun_path) return;
  strcpy(address.sun_path, name);
  if (*name == '@') address.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && sendto(fd, text, strlen(text), MSG_DONTWAIT, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) < 0) {
    // Nobody listens: its holder is gone. The worker goes on.
  }
  if (fd >= 0) close(fd);
}

// Told before it can be seen: whoever starts upon the news started later than that.
static void become_ready(const char *place) {
  char path[4096];
  const char *instance = getenv("OSTLER_INSTANCE");
  tell(ready, 0);
  notify("READY=1\nWATCHDOG=1");
  snprintf(path, sizeof path, "%s/ready/%s", place, instance ? instance : "none");
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
}

static struct timespec until(uint64_t at) {
  uint64_t now = now_ns(), left = at > now ? at - now : 0;
  return (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
}

int main(int argc, char **argv) {
  if (argc != 8) return 2;
  char path[4096];
  const char *place = argv[1];
  own_index = (uint32_t)atol(argv[2]);
  forked = forked_ns();
  long ready_ms = atol(argv[4]), lives_ms = atol(argv[5]);
  bool is_stubborn = atoi(argv[7]) == 1;
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, NULL);
  snprintf(path, sizeof path, "%s/records", place);
  records = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  snprintf(path, sizeof path, "%s/locks/%u", place, own_index);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (records < 0 || lock < 0) return 111;
  if (flock(lock, LOCK_EX | LOCK_NB)) {
    tell(second, errno);
    return 99;
  }
  tell(started, atoi(argv[3]));
  const uint64_t never = UINT64_MAX, began = now_ns();
  const char *watchdog = getenv("WATCHDOG_USEC");
  const uint64_t beat = watchdog ? (uint64_t)atoll(watchdog) * 1000 / 3 : 0;
  uint64_t ready_at = ready_ms < 0 ? never : began + (uint64_t)ready_ms * 1000000, leave_at = lives_ms == 0 ? never : began + (uint64_t)lives_ms * 1000000;
  uint64_t beat_at = never, say_at = began;
  for (long lines = 0;;) {
    uint64_t next = ready_at < leave_at ? ready_at : leave_at;
    if (beat_at < next) next = beat_at;
    if (say_at < next) next = say_at;
    struct timespec left = until(next);
    int signal = sigtimedwait(&term, NULL, &left);
    uint64_t now = now_ns();
    if (signal == SIGTERM) {
      tell(told, signal);
      if (!is_stubborn) return 0;
    }
    if (now >= ready_at) {
      become_ready(place);
      ready_at = never;
      if (beat > 0) beat_at = now + beat;
    }
    if (now >= beat_at) {
      notify("WATCHDOG=1");
      beat_at = now + beat;
    }
    if (now >= say_at) {
      printf("line %ld of worker %u, which goes on for as long as it is let\n", lines++, own_index);
      fflush(stdout);
      say_at = now + 200000000;
    }
    if (now >= leave_at) {
      tell(leaves, atoi(argv[6]));
      return atoi(argv[6]);
    }
  }
}
