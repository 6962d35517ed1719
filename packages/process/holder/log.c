#include "holder.h"

/* The layout is told in src/log/segment.ts. */
struct frame {
  uint32_t magic;
  uint8_t kind, zero[3];
  uint64_t at_ns;
  uint32_t length, lost;
};

static struct segment {
  int dir, file;
  uint32_t index, files, untold;
  uint64_t size, limit, lost, told;
} segment;

uint64_t lost_bytes(void) { return segment.lost; }

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static const char *segment_name(char name[12], uint32_t index) {
  memcpy(name, "log.aaaaaa", 11);
  for (int place = 9; place > 3; place--, index /= 26) name[place] = (char)('a' + index % 26);
  return name;
}

/* The oldest goes first: on a full disk that makes the room for the next. Each begins with the number of bytes before it, those lost included. */
static bool next_segment(uint32_t index) {
  char name[12];
  struct { struct frame frame; uint64_t before; } first = {{.magic = MAGIC("OSF1"), .kind = 3, .at_ns = now_ns(), .length = 8}, segment.told};
  if (index >= segment.files) unlinkat(segment.dir, segment_name(name, index - segment.files), 0);
  int file = openat(segment.dir, segment_name(name, index), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 || write(file, &first, sizeof first) != (ssize_t)sizeof first) {
    if (file >= 0) close(file), unlinkat(segment.dir, name, 0);
    return false;
  }
  if (segment.file >= 0) close(segment.file);
  segment.file = file;
  segment.index = index;
  segment.size = sizeof first;
  return true;
}

bool open_segments(int dir, const struct head *head) {
  segment = (struct segment){.dir = dir, .file = -1, .files = head->segment_files, .limit = head->segment_bytes, .told = head->bytes_before};
  return next_segment(head->first_segment);
}

/* The write end is read-write: then it can be opened first, and a worker that has it never meets a broken pipe, whoever of us dies. The read end is
 * an open file of its own, since it must not block and the worker's must. */
bool open_streams(int dir, struct stream streams[2]) {
  for (int i = 0; i < 2; i++) {
    const char *name = i == 0 ? "out.p" : "err.p";
    streams[i] = (struct stream){.write_end = openat(dir, name, O_RDWR | O_CLOEXEC), .kind = (uint8_t)(i + 1)};
    streams[i].read_end = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (streams[i].write_end < 0 || streams[i].read_end < 0) return false;
  }
  return true;
}

static bool put_frame(uint8_t kind, size_t length, uint32_t lost) {
  struct frame frame = {.magic = MAGIC("OSF1"), .kind = kind, .at_ns = now_ns(), .length = (uint32_t)length, .lost = lost};
  return pwrite(segment.file, &frame, sizeof frame, (off_t)segment.size) == (ssize_t)sizeof frame;
}

/* Takes `want` bytes out of the pipe, as many of them as there is room for behind the frame's head. Returns how many are in the file. */
static size_t take_bytes(int from, size_t want, bool has_room, size_t *taken) {
  off_t at = (off_t)(segment.size + sizeof(struct frame));
  size_t kept = 0;
  char chunk[4096];
#ifdef __linux__
  /* No page of ours is touched on the way. Refused for files opened with O_APPEND, and by some file systems. */
  for (ssize_t moved; has_room && kept < want && (moved = splice(from, NULL, segment.file, &at, want - kept, 0)) > 0;) kept += (size_t)moved;
#endif
  *taken = kept;
  for (ssize_t got; *taken < want; *taken += (size_t)got) {
    if ((got = read(from, chunk, want - *taken < sizeof chunk ? want - *taken : sizeof chunk)) <= 0) break;
    for (ssize_t put, done = 0; has_room && done < got; done += put, at += put, kept += (size_t)put)
      has_room = (put = pwrite(segment.file, chunk + done, (size_t)(got - done), at)) > 0, put = put < 0 ? 0 : put;
  }
  return kept;
}

/* What no segment takes is read and counted all the same: the worker never waits for the disk. Returns the bytes that left the pipe. */
size_t drain_stream(struct stream *stream) {
  int have = 0;
  if (stream->at_end || ioctl(stream->read_end, FIONREAD, &have) || have <= 0) return 0;
  size_t head = sizeof(struct frame), want = (size_t)have, taken;
  bool has_room = segment.size + 2 * head < segment.limit || next_segment(segment.index + 1);
  if (has_room && segment.untold && (has_room = put_frame(0, 0, segment.untold))) {
    segment.size += head;
    segment.told += segment.untold;
    segment.untold = 0;
  }
  if (has_room && want > segment.limit - segment.size - head) want = (size_t)(segment.limit - segment.size - head);
  size_t kept = take_bytes(stream->read_end, want, has_room && put_frame(stream->kind, want, 0), &taken);
  if (kept > 0 && kept < want && !put_frame(stream->kind, kept, 0)) kept = 0;
  if (kept > 0) segment.size += head + kept;
  segment.told += kept;
  /* What lies behind is torn, and the next frame may not reach over it. */
  if (kept < want && ftruncate(segment.file, (off_t)segment.size)) next_segment(segment.index + 1);
  segment.lost += taken - kept;
  segment.untold = taken - kept > 0xfffffffeu - segment.untold ? 0xfffffffeu : segment.untold + (uint32_t)(taken - kept);
#ifdef __linux__
  /* Only for one that floods: it costs kernel memory, and only root may have many (pipe(7), pipe-user-pages-soft). */
  if (have > 49152 && fcntl(stream->read_end, F_GETPIPE_SZ) < 1 << 20) fcntl(stream->read_end, F_SETPIPE_SZ, 1 << 20);
#endif
  return taken;
}
