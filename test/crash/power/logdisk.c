/*
 * A disk that remembers the order of what it was told: a FUSE file system with one file, `disk`, whose
 * writes, flushes and discards are also appended to a log. A loop device on it gives a file system a disk
 * with a volatile cache: what was written since the last flush may be lost in a power cut, wholly or in
 * part (cut-image.ts makes such disks of the log).
 *
 * Usage: logdisk IMAGE LOG MOUNTPOINT. Each record of the log is a struct record, of a write followed by
 * its bytes. One thread: the order in the log is the order in which the kernel was answered.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE = 1, FLUSH = 2, DISCARD = 3 };

struct record {
  uint64_t nanoseconds; /* CLOCK_MONOTONIC, which process.hrtime.bigint() reads as well */
  uint64_t offset;
  uint64_t length;
  uint64_t kind;
};

static int image, journal;
static off_t size;

static void append(const void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = write(journal, (const char *)bytes + done, length - done);
    if (n <= 0) abort();
    done += n;
  }
}

static void note(enum kind kind, off_t offset, size_t length, const char *bytes) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct record record = {now.tv_sec * 1000000000ull + now.tv_nsec, offset, length, kind};
  append(&record, sizeof record);
  if (kind == WRITE) append(bytes, length);
}

static int disk_getattr(const char *path, struct stat *stat, struct fuse_file_info *info) {
  (void)info;
  memset(stat, 0, sizeof *stat);
  stat->st_mode = strcmp(path, "/") == 0 ? S_IFDIR | 0755 : S_IFREG | 0600;
  stat->st_nlink = 1;
  if (strcmp(path, "/disk") == 0) stat->st_size = size;
  else if (strcmp(path, "/") != 0) return -ENOENT;
  return 0;
}

/* Without the page cache in between: each write of the loop device arrives here before it is answered. */
static int disk_open(const char *path, struct fuse_file_info *info) {
  info->direct_io = 1;
  return strcmp(path, "/disk") == 0 ? 0 : -ENOENT;
}

static int disk_read(const char *path, char *bytes, size_t length, off_t offset, struct fuse_file_info *info) {
  (void)path, (void)info;
  ssize_t n = pread(image, bytes, length, offset);
  return n < 0 ? -errno : n;
}

static int disk_write(const char *path, const char *bytes, size_t length, off_t offset, struct fuse_file_info *info) {
  (void)path, (void)info;
  if (offset + (off_t)length > size) return -ENOSPC;
  note(WRITE, offset, length, bytes);
  ssize_t n = pwrite(image, bytes, length, offset);
  return n < 0 ? -errno : n;
}

static int disk_fsync(const char *path, int is_data, struct fuse_file_info *info) {
  (void)path, (void)is_data, (void)info;
  note(FLUSH, 0, 0, NULL);
  return 0;
}

static int disk_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *info) {
  (void)path, (void)info;
  if (!(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))) return -EOPNOTSUPP;
  note(DISCARD, offset, length, NULL);
  return fallocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) ? -errno : 0;
}

static const struct fuse_operations operations = {
    .getattr = disk_getattr,
    .open = disk_open,
    .read = disk_read,
    .write = disk_write,
    .fsync = disk_fsync,
    .fallocate = disk_fallocate,
};

int main(int count, char **arguments) {
  if (count != 4) return 2;
  image = open(arguments[1], O_RDWR);
  journal = open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  struct stat stat;
  if (image < 0 || journal < 0 || fstat(image, &stat) != 0) {
    perror("logdisk");
    return 1;
  }
  size = stat.st_size;
  char *options[] = {arguments[0], "-f", "-s", arguments[3], NULL};
  return fuse_main(4, options, &operations, NULL);
}
