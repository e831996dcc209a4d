/* Blocks of up to four kilobytes, kept for the next that want one: a call has a
 * few of them (its messages, its records, what it says), and they are more than
 * the C library keeps at hand for each thread, so that each costs it a search
 * and a merge. Nothing is kept where a sanitizer or valgrind looks on. */
#ifndef SS_BASE_BLOCKS_H
#define SS_BASE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

/* Of this thread, which keeps two megabytes at most. NULL: not of that size, or
 * there is none. */
void *ss_block_take(size_t n);
/* What is to be asked of the C library instead, so that it fits later. */
size_t ss_block_size(size_t n);
/* False: it isn't kept; free it. */
bool ss_block_keep(void *p);
void ss_blocks_free(void); /* all that this thread keeps */

#endif
