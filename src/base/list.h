/* Intrusive doubly linked lists. A node that is in no list points to itself
 * (after ss_list_init) or is zeroed; removing such a node does nothing. */
#ifndef SS_BASE_LIST_H
#define SS_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ss_list {
  struct ss_list *next, *prev;
} ss_list;

#define SS_CONTAINER(ptr, type, member)                                        \
  ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void ss_list_init(ss_list *l) {
  l->next = l->prev = l;
}

static inline bool ss_list_linked(const ss_list *n) {
  return n->next && n->next != n;
}

static inline bool ss_list_empty(const ss_list *l) {
  return l->next == l || !l->next;
}

static inline void ss_list_append(ss_list *l, ss_list *n) {
  n->prev = l->prev;
  n->next = l;
  l->prev->next = n;
  l->prev = n;
}

static inline void ss_list_remove(ss_list *n) {
  if (!n->next)
    return;
  n->prev->next = n->next;
  n->next->prev = n->prev;
  n->next = n->prev = n;
}

/* The first node, unlinked, or NULL. Loops that call out use this: what the
 * callee adds or removes can't break them. */
static inline ss_list *ss_list_shift(ss_list *l) {
  ss_list *n = l->next;
  if (!n || n == l)
    return NULL;
  ss_list_remove(n);
  return n;
}

/* Moves every node of `from` to the empty list `to`. */
static inline void ss_list_take(ss_list *to, ss_list *from) {
  ss_list_init(to);
  if (ss_list_empty(from))
    return;
  *to = *from;
  to->next->prev = to;
  to->prev->next = to;
  ss_list_init(from);
}

#endif
