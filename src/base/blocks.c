/* Free blocks by size, a list for each, linked through the blocks themselves.
 * What a block holds is what the C library says it does: a block may have come
 * from anywhere in it. */
#include "base/blocks.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define FINE 64    /* bytes from one size to the next, up to MIDDLE */
#define COARSE 256 /* and from there */
#define LEAST 192  /* up to here the C library is as good */
#define MIDDLE 1024
#define MOST 4096
#define FINE_LISTS ((MIDDLE - LEAST) / FINE)
#define LISTS (FINE_LISTS + (MOST - MIDDLE) / COARSE)
#define KEPT (2 << 20) /* bytes: a collector gives back many at a time */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SS_NO_BLOCKS
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SS_NO_BLOCKS
#endif

#if defined(__GLIBC__) && !defined(SS_NO_BLOCKS)

static _Thread_local void *list[LISTS];
static _Thread_local size_t kept; /* bytes */

static bool is_ours(size_t n) {
  return n > LEAST && n <= MOST;
}

static size_t step_of(size_t n) {
  return n <= MIDDLE ? FINE : COARSE;
}

static size_t index_of(size_t size) {
  return size <= MIDDLE ? (size - LEAST) / FINE - 1
                        : FINE_LISTS + (size - MIDDLE) / COARSE - 1;
}

size_t ss_block_size(size_t n) {
  size_t step = step_of(n);
  return is_ours(n) ? (n + step - 1) / step * step : n;
}

void *ss_block_take(size_t n) {
  if (!is_ours(n))
    return NULL;
  size_t size = ss_block_size(n);
  void **first = &list[index_of(size)], *p = *first;
  if (p) {
    memcpy(first, p, sizeof p);
    kept -= size;
  }
  return p;
}

bool ss_block_keep(void *p) {
  size_t size = malloc_usable_size(p);
  size = size / step_of(size) * step_of(size);
  if (!is_ours(size) || kept + size > KEPT)
    return false;
  void **first = &list[index_of(size)];
  memcpy(p, first, sizeof p);
  *first = p;
  kept += size;
  return true;
}

void ss_blocks_free(void) {
  for (size_t i = 0; i < LISTS; i++) {
    while (list[i]) {
      void *p = list[i];
      memcpy(&list[i], p, sizeof p);
      free(p);
    }
  }
  kept = 0;
}

#else

size_t ss_block_size(size_t n) {
  return n;
}

void *ss_block_take(size_t n) {
  (void)n;
  return NULL;
}

bool ss_block_keep(void *p) {
  (void)p;
  return false;
}

void ss_blocks_free(void) {
}

#endif
