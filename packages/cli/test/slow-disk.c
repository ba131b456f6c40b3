/* Loaded before the C library (LD_PRELOAD): writing, syncing, renaming and linking below SLOW_FOLDER takes SLOW_MS. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void wait_for(const char *path) {
  const char *folder = getenv("SLOW_FOLDER"), *ms = getenv("SLOW_MS");
  if (!folder || !ms || strncmp(path, folder, strlen(folder)) != 0) return;
  long milliseconds = strtol(ms, NULL, 10);
  struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  nanosleep(&time, NULL);
}

static void wait_for_file(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = 0;
  wait_for(path);
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *data, size_t size) {
  REAL(write);
  wait_for_file(file);
  return real(file, data, size);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
  REAL(pwrite64);
  wait_for_file(file);
  return real(file, data, size, offset);
}

int fsync(int file) {
  REAL(fsync);
  wait_for_file(file);
  return real(file);
}

int fdatasync(int file) {
  REAL(fdatasync);
  wait_for_file(file);
  return real(file);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  wait_for(to);
  return real(from, to);
}

int link(const char *from, const char *to) {
  REAL(link);
  wait_for(to);
  return real(from, to);
}
