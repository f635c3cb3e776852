/*
 * A file system that hands everything on to a folder, and fails, shortens and rounds as it is told:
 *
 *   faultdisk FOLDER MOUNTPOINT
 *
 * Who writes to MOUNTPOINT/.fault-control, all in one write, replaces all rules, one a line:
 *
 *   CALL ERRNO SKIP TIMES PATTERN  a call (* is any) on a path that fnmatch(3) finds fails with this number, after
 *                                  SKIP that go well, TIMES times (0: always); ERRNO 0 only counts
 *   short BYTES PATTERN            one read gives at most so many bytes
 *   limit BYTES                    no file grows larger (EFBIG)
 *   granularity SECONDS            times are shown as multiples of it
 *
 * Reading it gives for each rule with a call: how often it matched, how often it failed, and the last path.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fuse.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CONTROL "/.fault-control"
#define RULES 64
#define TEXT 65536

struct rule {
  char call[16];
  int number;
  long skip, times, seen, failed;
  char pattern[512];
  char last[PATH_MAX];
};

struct handle {
  int fd;
  DIR *dir;
  int is_short, is_written;
  char path[PATH_MAX];
};

static int root;
static char root_path[PATH_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES];
static int rule_count;
static char short_pattern[512];
static long short_bytes, granularity;
static off_t limit;

static const char *rel(const char *path) { return path[1] ? path + 1 : "."; }
static int result(long value) { return value < 0 ? -errno : (int)value; }
static int is_control(const char *path) { return path != NULL && strcmp(path, CONTROL) == 0; }
static struct handle *of(struct fuse_file_info *fi) { return (struct handle *)(uintptr_t)fi->fh; }
/* That of an open file is the one that it was opened by: libfuse gives none for what has a handle. */
static const char *name_of(const char *path, struct fuse_file_info *fi) { return fi && fi->fh ? of(fi)->path : path; }

/* The errno that a rule wants here, negative; 0 where the call is to go on. */
static int fault(const char *call, const char *path) {
  int number = 0;
  if (path == NULL) return 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < rule_count && number == 0; i++) {
    struct rule *rule = &rules[i];
    if (strcmp(rule->call, "*") != 0 && strcmp(rule->call, call) != 0) continue;
    if (fnmatch(rule->pattern, path, 0) != 0) continue;
    long nth = ++rule->seen - rule->skip;
    if (rule->number == 0 || nth <= 0 || (rule->times > 0 && nth > rule->times)) continue;
    rule->failed++;
    snprintf(rule->last, sizeof rule->last, "%s %s", call, path);
    number = rule->number;
  }
  pthread_mutex_unlock(&lock);
  return -number;
}

#define FAIL(call, path)                     \
  do {                                       \
    int fails = fault(call, path);           \
    if (fails) return fails;                 \
  } while (0)

static void parse(char *text) {
  pthread_mutex_lock(&lock);
  rule_count = 0;
  short_bytes = granularity = 0;
  limit = 0;
  char *rest;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    long long bytes;
    struct rule rule = {0};
    if (sscanf(line, "limit %lld", &bytes) == 1) limit = bytes;
    else if (sscanf(line, "granularity %ld", &granularity) == 1) continue;
    else if (sscanf(line, "short %ld %511[^\n]", &short_bytes, short_pattern) == 2) continue;
    else if (rule_count < RULES && sscanf(line, "%15s %d %ld %ld %511[^\n]", rule.call, &rule.number, &rule.skip,
                                          &rule.times, rule.pattern) == 5)
      rules[rule_count++] = rule;
  }
  pthread_mutex_unlock(&lock);
}

static int report(char *buffer, size_t size, off_t offset) {
  static char text[TEXT];
  size_t length = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < rule_count && length < TEXT; i++)
    length += snprintf(text + length, TEXT - length, "%ld %ld %s\n", rules[i].seen, rules[i].failed, rules[i].last);
  if (length > TEXT) length = TEXT;
  size_t part = (size_t)offset >= length ? 0 : length - offset < size ? length - offset : size;
  memcpy(buffer, text + offset, part);
  pthread_mutex_unlock(&lock);
  return part;
}

static void round_times(struct stat *stat) {
  if (granularity == 0) return;
  struct timespec *times[] = {&stat->st_atim, &stat->st_mtim, &stat->st_ctim};
  for (int i = 0; i < 3; i++) {
    times[i]->tv_sec -= times[i]->tv_sec % granularity;
    times[i]->tv_nsec = 0;
  }
}

static int do_getattr(const char *path, struct stat *stat, struct fuse_file_info *fi) {
  if (is_control(name_of(path, fi))) {
    memset(stat, 0, sizeof *stat);
    stat->st_mode = S_IFREG | 0600;
    stat->st_nlink = 1;
    return 0;
  }
  FAIL("getattr", name_of(path, fi));
  int done = fi && fi->fh ? fstat(of(fi)->fd, stat) : fstatat(root, rel(path), stat, AT_SYMLINK_NOFOLLOW);
  if (done == 0) round_times(stat);
  return result(done);
}

static int do_readlink(const char *path, char *buffer, size_t size) {
  FAIL("readlink", path);
  ssize_t length = readlinkat(root, rel(path), buffer, size - 1);
  if (length < 0) return -errno;
  buffer[length] = 0;
  return 0;
}

static int do_mknod(const char *path, mode_t mode, dev_t device) {
  FAIL("create", path);
  return result(mknodat(root, rel(path), mode, device));
}

static int do_mkdir(const char *path, mode_t mode) {
  FAIL("mkdir", path);
  return result(mkdirat(root, rel(path), mode));
}

static int do_unlink(const char *path) {
  FAIL("unlink", path);
  return result(unlinkat(root, rel(path), 0));
}

static int do_rmdir(const char *path) {
  FAIL("rmdir", path);
  return result(unlinkat(root, rel(path), AT_REMOVEDIR));
}

static int do_symlink(const char *target, const char *path) {
  FAIL("symlink", path);
  return result(symlinkat(target, root, rel(path)));
}

static int do_rename(const char *from, const char *to, unsigned flags) {
  FAIL("rename", from);
  FAIL("rename", to);
  return result(renameat2(root, rel(from), root, rel(to), flags));
}

static int do_link(const char *from, const char *to) {
  FAIL("link", from);
  FAIL("link", to);
  return result(linkat(root, rel(from), root, rel(to), 0));
}

static int do_chmod(const char *path, mode_t mode, struct fuse_file_info *fi) {
  FAIL("chmod", name_of(path, fi));
  return result(fi && fi->fh ? fchmod(of(fi)->fd, mode) : fchmodat(root, rel(path), mode, 0));
}

static int do_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi) {
  FAIL("chown", name_of(path, fi));
  return result(fi && fi->fh ? fchown(of(fi)->fd, uid, gid)
                             : fchownat(root, rel(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *fi) {
  if (is_control(name_of(path, fi))) return 0;
  FAIL("truncate", name_of(path, fi));
  if (limit > 0 && size > limit) return -EFBIG;
  if (fi && fi->fh) return result(ftruncate(of(fi)->fd, size));
  int fd = openat(root, rel(path), O_WRONLY | O_NOFOLLOW);
  if (fd < 0) return -errno;
  int done = result(ftruncate(fd, size));
  close(fd);
  return done;
}

static int do_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi) {
  FAIL("utimens", name_of(path, fi));
  return result(fi && fi->fh ? futimens(of(fi)->fd, times)
                             : utimensat(root, rel(path), times, AT_SYMLINK_NOFOLLOW));
}

static int keep(const char *path, int fd, DIR *dir, struct fuse_file_info *fi) {
  struct handle *handle = calloc(1, sizeof *handle);
  handle->fd = fd;
  handle->dir = dir;
  snprintf(handle->path, sizeof handle->path, "%s", path);
  handle->is_short = short_bytes > 0 && dir == NULL && fnmatch(short_pattern, path, 0) == 0;
  handle->is_written = (fi->flags & O_ACCMODE) != O_RDONLY;
  fi->direct_io = handle->is_short;
  fi->fh = (uintptr_t)handle;
  return 0;
}

static int keep_control(struct fuse_file_info *fi) {
  keep(CONTROL, -1, NULL, fi);
  fi->direct_io = 1;
  return 0;
}

static int do_open(const char *path, struct fuse_file_info *fi) {
  if (is_control(path)) return keep_control(fi);
  FAIL("open", path);
  /* Appending is the kernel's affair: it gives the offset with each write. */
  int fd = openat(root, rel(path), (fi->flags | O_NOFOLLOW) & ~(O_APPEND | O_DIRECT | O_CREAT | O_EXCL));
  return fd < 0 ? -errno : keep(path, fd, NULL, fi);
}

static int do_create(const char *path, mode_t mode, struct fuse_file_info *fi) {
  if (is_control(path)) return keep_control(fi);
  FAIL("create", path);
  int fd = openat(root, rel(path), (fi->flags | O_CREAT | O_NOFOLLOW) & ~(O_APPEND | O_DIRECT), mode);
  return fd < 0 ? -errno : keep(path, fd, NULL, fi);
}

static int do_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi) {
  if (is_control(name_of(path, fi))) return report(buffer, size, offset);
  FAIL("read", name_of(path, fi));
  if (of(fi)->is_short && size > (size_t)short_bytes) size = short_bytes;
  return result(pread(of(fi)->fd, buffer, size, offset));
}

static int do_write(const char *path, const char *buffer, size_t size, off_t offset, struct fuse_file_info *fi) {
  if (is_control(name_of(path, fi))) {
    char *text = strndup(buffer, size);
    parse(text);
    free(text);
    return size;
  }
  FAIL("write", name_of(path, fi));
  if (limit > 0 && offset + (off_t)size > limit) return -EFBIG;
  return result(pwrite(of(fi)->fd, buffer, size, offset));
}

static int do_statfs(const char *path, struct statvfs *stat) {
  FAIL("statfs", path);
  return result(fstatvfs(root, stat));
}

static int do_flush(const char *path, struct fuse_file_info *fi) {
  if (is_control(name_of(path, fi))) return 0;
  /* Of what was only read no file system answers with an error, and Node aborts where one does. */
  if (of(fi)->is_written) FAIL("close", name_of(path, fi));
  int copy = dup(of(fi)->fd);
  return copy < 0 ? -errno : result(close(copy));
}

static int do_release(const char *path, struct fuse_file_info *fi) {
  (void)path;
  if (of(fi)->fd >= 0) close(of(fi)->fd);
  free(of(fi));
  return 0;
}

static int do_fsync(const char *path, int data, struct fuse_file_info *fi) {
  if (is_control(name_of(path, fi))) return 0;
  FAIL("fsync", name_of(path, fi));
  return result(data ? fdatasync(of(fi)->fd) : fsync(of(fi)->fd));
}

static int do_opendir(const char *path, struct fuse_file_info *fi) {
  FAIL("opendir", path);
  int fd = openat(root, rel(path), O_RDONLY | O_DIRECTORY);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  return dir == NULL ? -errno : keep(path, fd, dir, fi);
}

static int do_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *fi,
                      enum fuse_readdir_flags flags) {
  (void)offset, (void)flags;
  FAIL("readdir", name_of(path, fi));
  rewinddir(of(fi)->dir);
  for (struct dirent *entry; (errno = 0, entry = readdir(of(fi)->dir)) != NULL;) {
    struct stat stat = {.st_ino = entry->d_ino, .st_mode = entry->d_type << 12};
    if (fill(buffer, entry->d_name, &stat, 0, 0)) break;
  }
  return 0;
}

static int do_releasedir(const char *path, struct fuse_file_info *fi) {
  (void)path;
  closedir(of(fi)->dir);
  free(of(fi));
  return 0;
}

static int do_fsyncdir(const char *path, int data, struct fuse_file_info *fi) {
  (void)data;
  FAIL("fsync", name_of(path, fi));
  return result(fsync(of(fi)->fd));
}

static char *whole(const char *path, char *buffer) {
  snprintf(buffer, PATH_MAX * 2, "%s%s", root_path, path);
  return buffer;
}

static int do_setxattr(const char *path, const char *name, const char *value, size_t size, int flags) {
  char buffer[PATH_MAX * 2];
  FAIL("setxattr", path);
  return result(lsetxattr(whole(path, buffer), name, value, size, flags));
}

static int do_getxattr(const char *path, const char *name, char *value, size_t size) {
  char buffer[PATH_MAX * 2];
  FAIL("getxattr", path);
  return result(lgetxattr(whole(path, buffer), name, value, size));
}

static int do_listxattr(const char *path, char *list, size_t size) {
  char buffer[PATH_MAX * 2];
  FAIL("listxattr", path);
  return result(llistxattr(whole(path, buffer), list, size));
}

static int do_removexattr(const char *path, const char *name) {
  char buffer[PATH_MAX * 2];
  FAIL("removexattr", path);
  return result(lremovexattr(whole(path, buffer), name));
}

static int do_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *fi) {
  FAIL("fallocate", name_of(path, fi));
  if (limit > 0 && offset + length > limit) return -EFBIG;
  return result(fallocate(of(fi)->fd, mode, offset, length));
}

static off_t do_lseek(const char *path, off_t offset, int whence, struct fuse_file_info *fi) {
  FAIL("lseek", name_of(path, fi));
  off_t at = lseek(of(fi)->fd, offset, whence);
  return at < 0 ? -errno : at;
}

/* Names are asked for anew each time, so that a rule holds from the moment it is given. */
static void *do_init(struct fuse_conn_info *conn, struct fuse_config *config) {
  (void)conn;
  config->use_ino = 1;
  config->hard_remove = 1;
  config->nullpath_ok = 1;
  config->auto_cache = 1;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  return NULL;
}

static const struct fuse_operations operations = {
    .init = do_init,         .getattr = do_getattr,       .readlink = do_readlink,   .mknod = do_mknod,
    .mkdir = do_mkdir,       .unlink = do_unlink,         .rmdir = do_rmdir,         .symlink = do_symlink,
    .rename = do_rename,     .link = do_link,             .chmod = do_chmod,         .chown = do_chown,
    .truncate = do_truncate, .utimens = do_utimens,       .open = do_open,           .create = do_create,
    .read = do_read,         .write = do_write,           .statfs = do_statfs,       .flush = do_flush,
    .release = do_release,   .fsync = do_fsync,           .opendir = do_opendir,     .readdir = do_readdir,
    .fsyncdir = do_fsyncdir, .releasedir = do_releasedir, .setxattr = do_setxattr,   .getxattr = do_getxattr,
    .lseek = do_lseek,       .listxattr = do_listxattr,   .removexattr = do_removexattr,
    .fallocate = do_fallocate,
};

int main(int argc, char **argv) {
  if (argc != 3 || realpath(argv[1], root_path) == NULL) return 2;
  root = open(root_path, O_RDONLY | O_DIRECTORY);
  if (root < 0) return 2;
  umask(0);
  int is_root = geteuid() == 0;
  char *arguments[] = {argv[0], "-f", argv[2], "-o", is_root ? "max_threads=4,allow_other" : "max_threads=4", NULL};
  return fuse_main(5, arguments, &operations, NULL);
}
