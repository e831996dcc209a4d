/* The core's only door to the heap. Memory comes zeroed; NULL is always a
 * possible answer and every caller handles it. Tests make the n-th allocation
 * fail, or put an allocator of their own underneath. */
#ifndef SS_BASE_ALLOC_H
#define SS_BASE_ALLOC_H

#include <stddef.h>

typedef struct ss_allocator {
  void *(*resize)(void *p, size_t n); /* n == 0 frees and returns NULL */
} ss_allocator;

void *ss_alloc(size_t n); /* zeroed */
void *ss_realloc(void *p, size_t n);
void ss_free(void *p);

/* Free memory goes back to the system, as far as the C library can do that: a
 * part of it, as in slabs.h, and with the last one all that the C library
 * has. */
size_t ss_alloc_trim(size_t from);
/* The C library does now what it would do later for all that has been given
 * back till then: the collector's small blocks, 10 ms when there are 100,000 of
 * them. Costs next to nothing where there is nothing to do. */
void ss_alloc_tidy(void);

/* NULL puts the C library's back. Only while nothing is allocated. */
void ss_alloc_set(const ss_allocator *allocator);
/* The n-th allocation from now on fails (1 is the next one), and only that
 * one; 0 switches it off. */
void ss_alloc_fail_at(long n);
/* Allocations made since the start, and blocks alive now. */
size_t ss_alloc_made(void);
size_t ss_alloc_alive(void);

#endif
