/* Memory that nobody may touch, told to the address sanitizer where there is
 * one: an allocator that hands out parts of a block makes their ends visible.
 * Otherwise nothing. */
#ifndef SS_BASE_POISON_H
#define SS_BASE_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SS_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SS_SANITIZED 1
#endif

#ifdef SS_SANITIZED
#include <sanitizer/asan_interface.h>
#define SS_POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define SS_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define SS_POISON(p, n) ((void)(p), (void)(n))
#define SS_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#endif
