/* Blocks of up to four kilobytes, cut from slabs of one size each. A call has
 * two dozen of them, of which most live for half a minute after its end (RFC
 * 3261 17.2.2): in the C library's heap, among the script's own, each costs a
 * search and a merge with cold neighbours, and what lives on keeps pages from
 * going back. Here neighbours have the same age, and a slab that is empty goes
 * back as a whole.
 *
 * One heap for all threads, behind a lock. There is none where a sanitizer or
 * valgrind looks on, and none but on Linux. */
#ifndef SS_BASE_SLABS_H
#define SS_BASE_SLABS_H

#include <stddef.h>

/* Aligned to 16 bytes; what is in it is not defined. NULL: too large, or no
 * memory; the C library may still have some. */
void *ss_slab_take(size_t n);
/* How much there is in a block; 0: it isn't one of these. */
size_t ss_slab_room(const void *p);
void ss_slab_give(void *p);
/* The kernel gets back what no block is in: a part of it, four megabytes at the
 * most, beginning at 0. Returns where the next part begins, 0: that was the
 * last. What is given back meanwhile may be left for the next time. */
size_t ss_slabs_trim(size_t from);
void ss_slabs_trim_all(void);

#endif
