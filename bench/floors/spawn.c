// A floor: the fastest that one process can start N others, whose output goes straight into a file. spawn N WORKER STAMPS LOG LINES
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  posix_spawn_file_actions_t output;
  posix_spawn_file_actions_init(&output);
  int log = open(argv[4], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (log < 0) return 1;
  posix_spawn_file_actions_adddup2(&output, log, 1);
  posix_spawn_file_actions_adddup2(&output, log, 2);
  for (long index = 0; index < atol(argv[1]); index++) {
    char number[16];
    snprintf(number, sizeof number, "%ld", index);
    char *const command[] = {argv[2], argv[3], number, argv[5], NULL};
    pid_t pid;
    if (posix_spawn(&pid, argv[2], &output, NULL, command, environ) != 0) return 1;
  }
  for (;;) pause();
}
