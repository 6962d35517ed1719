// The worker that every supervisor of the bench runs: worker STAMPS INDEX LINES
// It appends a stamp of its start, prints a line and waits. At SIGUSR1 it prints LINES lines of 100 bytes, one write(2) each, as fast as it can.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum kind { started = 0, first_line = 1, last_line = 2 };

// stamps.ts reads this: 16 bytes, in the machine's own order.
struct stamp {
  uint64_t ns;
  uint32_t index;
  uint32_t kind;
};

static int stamps;
static uint32_t own_index;

// One write to a file opened with O_APPEND: stamps of many workers never mix.
static void stamp(enum kind kind) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct stamp record = {(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, own_index, kind};
  if (write(stamps, &record, sizeof record) != sizeof record) _exit(111);
}

static void print(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(1, bytes, length);
    if (written < 0 && errno == EAGAIN) {
      // Some supervisors hand out a socket that does not block.
      struct pollfd out = {1, POLLOUT, 0};
      poll(&out, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      _exit(112);
    } else if (written > 0) {
      bytes += written;
      length -= (size_t)written;
    }
  }
}

// The number is counted up in the line itself: formatting each one would be a part of what is measured.
static void flood(long lines) {
  char line[100];
  memset(line, 'x', sizeof line);
  memset(line, '0', 9);
  line[9] = ' ';
  line[99] = '\n';
  stamp(first_line);
  for (long number = 0; number < lines; number++) {
    print(line, sizeof line);
    int digit = 8;
    while (digit > 0 && line[digit] == '9') line[digit--] = '0';
    line[digit]++;
  }
  stamp(last_line);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  sigset_t go;
  sigemptyset(&go);
  sigaddset(&go, SIGUSR1);
  sigprocmask(SIG_BLOCK, &go, NULL);
  stamps = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (stamps < 0) return 111;
  own_index = (uint32_t)atol(argv[2]);
  stamp(started);
  print("started\n", 8);
  for (;;) {
    int signal;
    if (sigwait(&go, &signal) == 0) flood(atol(argv[3]));
  }
}
