/* Free blocks by size, a list for each, linked through the blocks themselves.
 * What a block holds is what the C library says it does: a block may have come
 * from anywhere in it. */
#include "base/blocks.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define STEP 256
#define LEAST 1024 /* up to here the C library is as good */
#define MOST 4096
#define LISTS ((MOST - LEAST) / STEP)
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

static size_t index_of(size_t size) {
  return size / STEP - LEAST / STEP - 1;
}

size_t ss_block_size(size_t n) {
  return is_ours(n) ? (n + STEP - 1) / STEP * STEP : n;
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
  size_t size = malloc_usable_size(p) / STEP * STEP;
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
