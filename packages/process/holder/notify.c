#include "holder.h"

/* A name with `@` is abstract (unix(7)): a worker of another user reaches it without a way through the instance directory. */
socklen_t notify_address(const char *name, struct sockaddr_un *address) {
  size_t length = strlen(name);
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (length == 0 || length >= sizeof address->sun_path) return 0;
  memcpy(address->sun_path, name, length);
  if (name[0] == '@') address->sun_path[0] = 0;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '@' ? 0 : 1));
}

#ifdef __linux__
/* The file `notify`: what the worker said of itself by sd_notify(3), kept for agents to come. Layout: src/instance/notify-record.ts. */
static struct {
  uint32_t magic;
  uint8_t is_tripped, zero[3];
  uint64_t ready_ns, alive_ns, stopping_ns;
  uint32_t status_length, zero2;
  char status[256];
} said;
static int said_file;
static uint32_t worker_uid;

int listen_notify(int dir, const char *name, uint32_t uid) {
  struct sockaddr_un address;
  socklen_t size = notify_address(name, &address);
  int yes = 1, fd = size ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
  worker_uid = uid;
  said.magic = MAGIC("OSN1");
  said_file = openat(dir, "notify", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || pwrite(said_file, &said, sizeof said, 0) < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes)) return -1;
  return bind(fd, (struct sockaddr *)&address, size) ? -1 : fd;
}

static void take_line(const char *line, size_t length) {
#define SAYS(text) (length == sizeof(text) - 1 && !memcmp(line, text, length))
  if (SAYS("READY=1")) said.ready_ns = now_ns();
  else if (SAYS("WATCHDOG=1")) said.alive_ns = now_ns();
  else if (SAYS("STOPPING=1")) said.stopping_ns = now_ns();
  else if (SAYS("WATCHDOG=trigger")) said.is_tripped = 1;
  else if (length >= 7 && !memcmp(line, "STATUS=", 7)) {
    said.status_length = (uint32_t)(length - 7 < sizeof said.status ? length - 7 : sizeof said.status - 1);
    memcpy(said.status, line + 7, said.status_length);
  }
}

/* Anybody may send to an abstract name: only the worker's user, ours and root are listened to. A descriptor that comes along is dropped. */
void take_notify(int socket) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
  char text[4096];
  for (;;) {
    struct msghdr message = {.msg_iov = &(struct iovec){text, sizeof text}, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) break;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    struct ucred from = {.uid = UINT32_MAX};
    if (head && head->cmsg_type == SCM_CREDENTIALS) memcpy(&from, CMSG_DATA(head), sizeof from);
    if (from.uid != 0 && from.uid != worker_uid && from.uid != getuid()) continue;
    for (char *at = text, *end = text + length, *stop; at < end; at = stop + 1) {
      if (!(stop = memchr(at, '\n', (size_t)(end - at)))) stop = end;
      take_line(at, (size_t)(stop - at));
    }
  }
  if (pwrite(said_file, &said, sizeof said, 0) < 0) return;
}
#endif
