/* Exchanges each PATTERN-A with its PATTERN-B (in both, %d is 0 to COUNT - 1), over and over, until it is killed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int count = atoi(argv[3]);
  char a[PATH_MAX], b[PATH_MAX];
  for (;;) {
    for (int i = 0; i < count; i++) {
      snprintf(a, sizeof a, argv[1], i);
      snprintf(b, sizeof b, argv[2], i);
      renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
    }
    sched_yield();
  }
}
