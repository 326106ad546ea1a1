// Preloaded into a runner: counts the system calls that change a file in a folder, and ends the runner with SIGKILL
// instead of one of them, or in the midst of it.
//   REVGRAPH_STRIKE_IN=folder      the folder
//   REVGRAPH_STRIKE_LOG=file       what the calls were, a line each
//   REVGRAPH_STRIKE_AT=n           where; the first call is 0
//   REVGRAPH_STRIKE_TORN=1         half of what call n writes is written
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *folder;
static long at = -1;
static int torn;
static int logs = -1;
static long calls;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, result, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t write_through(int file, const void *bytes, size_t size) {
  REAL("write", ssize_t, int, const void *, size_t);
  return real(file, bytes, size);
}

__attribute__((constructor)) static void begin(void) {
  folder = getenv("REVGRAPH_STRIKE_IN");
  const char *number = getenv("REVGRAPH_STRIKE_AT"), *log = getenv("REVGRAPH_STRIKE_LOG");
  if (number) at = atol(number);
  torn = getenv("REVGRAPH_STRIKE_TORN") != NULL;
  if (log) {
    REAL("open", int, const char *, int, ...);
    logs = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  // What the runner starts is left alone.
  unsetenv("LD_PRELOAD");
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// The path behind the folder, or null where it is neither the folder nor below it.
static const char *below(const char *path) {
  size_t length = folder ? strlen(folder) : 0;
  if (length == 0 || strncmp(path, folder, length) != 0) return NULL;
  return path[length] == '/' ? path + length + 1 : path[length] == 0 ? "." : NULL;
}

// True when this call is the one to be torn. Does not return when it is the one that is not made at all.
static int counted(const char *call, const char *path, int tears) {
  const char *name = below(path);
  if (!name) return 0;
  pthread_mutex_lock(&one_at_a_time);
  long mine = calls++;
  if (logs >= 0) {
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%s %s\n", call, name);
    if (write_through(logs, line, size) < 0) abort();
  }
  pthread_mutex_unlock(&one_at_a_time);
  if (mine != at) return 0;
  if (torn && tears) return 1;
  die();
  return 0;
}

static int counted_file(const char *call, int file, int tears) {
  char link[64], path[PATH_MAX];
  if (!folder) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return counted(call, path, tears);
}

static int counted_at(const char *call, int directory, const char *path) {
  if (path[0] == '/' || directory == AT_FDCWD) return counted(call, path, 0);
  char link[64], whole[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
  ssize_t size = readlink(link, whole, sizeof whole - 1);
  if (size < 0) return 0;
  snprintf(whole + size, sizeof whole - size, "/%s", path);
  return counted(call, whole, 0);
}

ssize_t write(int file, const void *bytes, size_t size) {
  int is_torn = counted_file("write", file, 1);
  ssize_t written = write_through(file, bytes, is_torn ? size / 2 : size);
  if (is_torn) die();
  return written;
}

#define PWRITE(name, offset_type) \
  ssize_t name(int file, const void *bytes, size_t size, offset_type offset) { \
    REAL(#name, ssize_t, int, const void *, size_t, offset_type); \
    int is_torn = counted_file("pwrite", file, 1); \
    ssize_t written = real(file, bytes, is_torn ? size / 2 : size, offset); \
    if (is_torn) die(); \
    return written; \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int file, const struct iovec *parts, int count) {
  REAL("writev", ssize_t, int, const struct iovec *, int);
  counted_file("write", file, 0);
  return real(file, parts, count);
}

#define PWRITEV(name, offset_type) \
  ssize_t name(int file, const struct iovec *parts, int count, offset_type offset) { \
    REAL(#name, ssize_t, int, const struct iovec *, int, offset_type); \
    counted_file("pwrite", file, 0); \
    return real(file, parts, count, offset); \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define OF_A_FILE(name) \
  int name(int file) { \
    REAL(#name, int, int); \
    counted_file("fsync", file, 0); \
    return real(file); \
  }
OF_A_FILE(fsync)
OF_A_FILE(fdatasync)

#define TRUNCATE(name, offset_type) \
  int name(int file, offset_type size) { \
    REAL(#name, int, int, offset_type); \
    counted_file("ftruncate", file, 0); \
    return real(file, size); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define ALLOCATE(name, offset_type) \
  int name(int file, offset_type offset, offset_type size) { \
    REAL(#name, int, int, offset_type, offset_type); \
    counted_file("fallocate", file, 0); \
    return real(file, offset, size); \
  }
ALLOCATE(posix_fallocate, off_t)
ALLOCATE(posix_fallocate64, off64_t)

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(#name, int, const char *, int, ...); \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    if (flags & (O_CREAT | O_TRUNC)) counted("open", path, 0); \
    return real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int directory, const char *path, int flags, ...) { \
    REAL(#name, int, int, const char *, int, ...); \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    if (flags & (O_CREAT | O_TRUNC)) counted_at("open", directory, path); \
    return real(directory, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

#define OF_A_PATH(name, call) \
  int name(const char *path) { \
    REAL(#name, int, const char *); \
    counted(call, path, 0); \
    return real(path); \
  }
OF_A_PATH(unlink, "unlink")
OF_A_PATH(remove, "unlink")
OF_A_PATH(rmdir, "unlink")

int unlinkat(int directory, const char *path, int flags) {
  REAL("unlinkat", int, int, const char *, int);
  counted_at("unlink", directory, path);
  return real(directory, path, flags);
}

#define OF_TWO_PATHS(name) \
  int name(const char *from, const char *to) { \
    REAL(#name, int, const char *, const char *); \
    counted(#name, to, 0); \
    return real(from, to); \
  }
OF_TWO_PATHS(rename)
OF_TWO_PATHS(link)

int mkdir(const char *path, mode_t mode) {
  REAL("mkdir", int, const char *, mode_t);
  counted("mkdir", path, 0);
  return real(path, mode);
}
