/* What of this process is in memory. */
#ifndef RESIDENT_H
#define RESIDENT_H

#include <stdio.h>
#include <unistd.h>

static inline size_t resident_kb(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  unsigned long all, resident;
  assert_non_null(f);
  assert_int_equal(fscanf(f, "%lu %lu", &all, &resident), 2);
  fclose(f);
  return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

#endif
