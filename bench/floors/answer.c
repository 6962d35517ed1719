// The server that the probes of a bench ask: it answers GET /INDEX with 200, or with 503 as often as GET /fail/INDEX/TIMES has told it, and stamps each
// answer as worker.c does. It prints its port of 127.0.0.1 and ends with its stdin. answer STAMPS
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind { good_answer = 3, bad_answer = 4 };
enum { most_workers = 65536, most_files = 65536, most_head = 4096 };

// stamps.ts reads this: 16 bytes, in the machine's own order.
struct stamp {
  uint64_t ns;
  uint32_t index;
  uint32_t kind;
};

struct connection {
  size_t length;
  char head[most_head];
};

static int stamps;
static unsigned failures[most_workers];
static struct connection *connections[most_files];

static void stamp(uint32_t index, enum kind kind) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct stamp record = {(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, index, kind};
  if (write(stamps, &record, sizeof record) != sizeof record) _exit(111);
}

static void end(int file) {
  free(connections[file]);
  connections[file] = NULL;
  close(file);
}

// 1: the connection stays.
static int answer(int file, const char *head) {
  unsigned index = 0;
  unsigned count = 0;
  int is_good = 1;
  if (sscanf(head, "GET /fail/%u/%u ", &index, &count) == 2 && index < most_workers) {
    failures[index] = count;
  } else if (sscanf(head, "GET /%u ", &index) == 1 && index < most_workers) {
    is_good = failures[index] == 0;
    if (!is_good) failures[index]--;
    stamp(index, is_good ? good_answer : bad_answer);
  } else {
    is_good = 0;
  }
  int is_last = strcasestr(head, "\r\nconnection: close") != NULL;
  char text[160];
  int length = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: 0\r\n%s\r\n", is_good ? "200 OK" : "503 Service Unavailable",
                        is_last ? "Connection: close\r\n" : "");
  // So little always fits into an empty buffer.
  return write(file, text, (size_t)length) == length && !is_last;
}

static void take(int file) {
  struct connection *one = connections[file];
  for (;;) {
    ssize_t got = read(file, one->head + one->length, most_head - 1 - one->length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) break;
    one->length += (size_t)got;
    one->head[one->length] = '\0';
    char *over = strstr(one->head, "\r\n\r\n");
    if (over == NULL && one->length < most_head - 1) continue;
    if (over == NULL || !answer(file, one->head)) break;
    // A client of the bench sends its next request only after the answer.
    one->length = 0;
  }
  end(file);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  stamps = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  int poll = epoll_create1(EPOLL_CLOEXEC);
  if (stamps < 0 || listener < 0 || poll < 0) return 111;
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 4096) < 0) return 111;
  if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) return 111;
  printf("%u\n", ntohs(address.sin_port));
  fflush(stdout);
  for (int file = 0;; file = listener) {
    struct epoll_event event = {EPOLLIN, {.fd = file}};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, file, &event) < 0) return 111;
    if (file == listener) break;
  }
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(poll, events, 64, -1);
    if (count < 0 && errno != EINTR) return 111;
    for (int at = 0; at < count; at++) {
      int file = events[at].data.fd;
      if (file == 0) return 0;
      if (file != listener) {
        take(file);
        continue;
      }
      for (;;) {
        int fresh = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fresh < 0) break;
        struct epoll_event event = {EPOLLIN, {.fd = fresh}};
        if (fresh >= most_files) return 111;
        connections[fresh] = calloc(1, sizeof(struct connection));
        if (connections[fresh] == NULL || epoll_ctl(poll, EPOLL_CTL_ADD, fresh, &event) < 0) return 111;
      }
    }
  }
}
