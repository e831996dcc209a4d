/* The tables of what is live: places that are taken and freed in whatever
 * order, between the pieces of a tidy, by finalizers that run inside of it, and
 * while there is no memory. What a place holds here is its number, as a light
 * userdata; `held` says what has to be in which. */
#include "lua/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEAF 32
#define SLICE 256 /* leaves, at most, that a piece looks at */
#define MOST (1 << 17)

typedef struct fixture {
  lua_State *L;
  lss_world *w;
  long fails; /* the request that fails, counted down; 0: none */
  unsigned held[MOST + 1], taken[MOST], count; /* by place; the places */
  unsigned serial, seed;
  bool finalizing;
} fixture;

static void *resize(void *arg, void *p, size_t old, size_t n) {
  fixture *f = arg;

  if (n == 0) {
    free(p);
    return NULL;
  }
  if ((!p || n > old) && f->fails > 0 && --f->fails == 0) {
    f->fails = 1; /* and so do all after it */
    return NULL;
  }
  return realloc(p, n);
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);

  f->seed = 1;
  f->L = lua_newstate(resize, f);
  f->w = &lss_context_open(f->L)->real;
  lua_settop(f->L, 0);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;

  f->finalizing = false;
  lua_close(f->L);
  free(f);
  return 0;
}

static unsigned chance(fixture *f, unsigned n) {
  f->seed = f->seed * 1664525 + 1013904223;
  return (f->seed >> 8) % n;
}

static void *name(unsigned serial) {
  return (void *)(uintptr_t)serial;
}

/* Finalizers that take places run in here, too. */
static unsigned take(fixture *f) {
  unsigned serial = ++f->serial, place;

  lua_pushlightuserdata(f->L, name(serial));
  place = lss_anchor(f->L, f->w, -1);
  lua_pop(f->L, 1);
  assert_in_range(place, 1, MOST);
  assert_int_equal(f->held[place], 0);
  f->held[place] = serial;
  f->taken[f->count++] = place;
  return place;
}

static void give(fixture *f, unsigned i) {
  unsigned place = f->taken[i];

  lss_release(f->L, f->w, place);
  f->held[place] = 0;
  f->taken[i] = f->taken[--f->count];
}

static void check(fixture *f, unsigned place) {
  lss_push_anchored(f->L, f->w, place);
  assert_ptr_equal(lua_touserdata(f->L, -1), name(f->held[place]));
  lua_pop(f->L, 1);
}

static void check_all(fixture *f) {
  unsigned i;

  for (i = 0; i < f->count; i++)
    check(f, f->taken[i]);
}

static void take_many(fixture *f, unsigned n) {
  while (n-- > 0)
    take(f);
}

static void give_down_to(fixture *f, unsigned n) {
  while (f->count > n)
    give(f, chance(f, f->count));
}

/* All but one place of each leaf. */
static void give_most(fixture *f) {
  unsigned i;

  for (i = f->count; i-- > 0;)
    if (f->taken[i] % LEAF != 7)
      give(f, i);
}

/* A piece looks at so many leaves and no more; how many pieces there were. */
static int tidy(fixture *f) {
  unsigned left;
  int pieces = 0;

  do {
    left = f->w->untidy;
    lss_live_tidy(f->L, f->w);
    assert_true(left == 0 || left - f->w->untidy <= SLICE);
    pieces++;
  } while (f->w->untidy > 0);
  return pieces;
}

static unsigned leaves(fixture *f) {
  unsigned n = 0;

  lss_push_live(f->L, f->w);
  lua_pushnil(f->L);
  while (lua_next(f->L, -2)) {
    n += lua_istable(f->L, -1);
    lua_pop(f->L, 1);
  }
  lua_pop(f->L, 1);
  return n;
}

/* Bytes, once what is garbage has gone. */
static int memory(fixture *f) {
  lua_gc(f->L, LUA_GCCOLLECT);
  return lua_gc(f->L, LUA_GCCOUNT) * 1024 + lua_gc(f->L, LUA_GCCOUNTB);
}

static void what_is_empty_goes_in_pieces(void **state) {
  fixture *f = *state;
  int before = memory(f);
  unsigned places;

  take_many(f, 1000 * LEAF);
  assert_int_equal(leaves(f), 1000);
  give_down_to(f, 20);
  assert_int_equal(tidy(f), 4);
  check_all(f);
  assert_in_range(leaves(f), 1, 20);
  places = f->w->places;
  take_many(f, leaves(f) * LEAF - 20); /* each place that was left */
  assert_int_equal(f->w->places, places);
  check_all(f);
  give_down_to(f, 0);
  tidy(f);
  assert_int_equal(leaves(f), 0);
  assert_int_equal(f->w->places, 0);
  assert_in_range(memory(f), 0, before + 100);
}

static void where_leaves_went_come_new_ones(void **state) {
  fixture *f = *state;

  take_many(f, 600 * LEAF);
  give_most(f);
  while (f->count > 300) /* the first half goes, the last stays */
    give(f, 0);
  tidy(f);
  take_many(f, 600 * LEAF - f->count);
  assert_int_equal(leaves(f), 600);
  assert_in_range(f->w->places, 1, 600 * LEAF);
  check_all(f);
}

/* What is freed where the tidy hasn't been yet is found by it, once. */
static void places_are_freed_and_taken_between_pieces(void **state) {
  fixture *f = *state;
  unsigned i, n;

  take_many(f, 1000 * LEAF);
  give_most(f);
  n = f->count;
  do {
    lss_live_tidy(f->L, f->w);
    for (i = 0; i < 50; i++)
      give(f, chance(f, f->count));
    take_many(f, 20);
    check_all(f);
  } while (f->w->untidy > 0);
  assert_int_equal(f->count, n - 4 * 30);
  take_many(f, 1000 * LEAF - f->count);
  check_all(f);
  assert_in_range(leaves(f), 1, 1002);
}

/* Nobody goes on with it: a rush that comes has places all the same, and what
 * the other left is found when there is time again. */
static void a_tidy_may_be_left_and_gone_on_with(void **state) {
  fixture *f = *state;

  take_many(f, 1000 * LEAF);
  give_most(f);
  lss_live_tidy(f->L, f->w);
  assert_int_equal(f->w->untidy, 1000 - SLICE);
  take_many(f, 1000 * LEAF);
  check_all(f);
  give_down_to(f, 10);
  tidy(f); /* that one's end, */
  tidy(f); /* and what came behind it */
  check_all(f);
  assert_in_range(leaves(f), 1, 10);
  take_many(f, 100);
  check_all(f);
}

static int tidy_protected(lua_State *L) {
  fixture *f = lua_touserdata(L, 1);

  lss_live_tidy(L, f->w);
  return 0;
}

static void no_memory_leaves_all_as_it_was(void **state) {
  fixture *f = *state;
  long n;
  int rc = LUA_ERRMEM, failed = 0;

  take_many(f, 700 * LEAF);
  for (n = 1; rc != LUA_OK || f->w->untidy > 0; n++) {
    give_most(f);
    lua_pushcfunction(f->L, tidy_protected);
    lua_pushlightuserdata(f->L, f);
    f->fails = n;
    rc = lua_pcall(f->L, 1, 0, 0);
    f->fails = 0;
    if (rc != LUA_OK) {
      failed++;
      lua_pop(f->L, 1);
    }
    check_all(f);
    take_many(f, 700 * LEAF - f->count);
    check_all(f);
  }
  assert_in_range(failed, 2, 100);
}

/* --- the relief ----------------------------------------------------------- */

/* One step of it; whether there is more. */
static bool relieve(fixture *f, bool stop) {
  const ss_relief *r = &f->w->loop->relief;
  unsigned left = f->w->untidy;
  lua_State *was = lss_enter(f->w->context, f->L);
  bool more = r->fn(r->arg, stop);

  f->w->context->L = was;
  assert_true(left == 0 || left - f->w->untidy <= SLICE);
  return more;
}

static void have_a_loop(fixture *f) {
  assert_ptr_equal(lss_world_real(f->L), f->w);
}

static void a_relief_looks_at_all_of_it(void **state) {
  fixture *f = *state;

  have_a_loop(f);
  take_many(f, 1000 * LEAF);
  give_down_to(f, 10);
  while (relieve(f, false))
    check_all(f);
  assert_int_equal(f->w->untidy, 0);
  assert_in_range(leaves(f), 1, 10);
  check_all(f);
}

static void a_relief_goes_on_where_another_was_stopped(void **state) {
  fixture *f = *state;

  have_a_loop(f);
  take_many(f, 1000 * LEAF);
  give_down_to(f, 10);
  while (f->w->untidy == 0)
    assert_true(relieve(f, false));
  assert_false(relieve(f, true));
  assert_int_equal(f->w->untidy, 1000 - SLICE);
  assert_true(relieve(f, false));
  assert_int_equal(f->w->untidy, 1000 - 2 * SLICE);
  while (relieve(f, false))
    take(f);
  check_all(f);
  assert_int_equal(f->w->untidy, 0);
}

/* --- whatever comes, also in finalizers ----------------------------------- */

static void something(fixture *f) {
  unsigned n = chance(f, 100);

  if (n < 2) {
    give_down_to(f, f->count / 2);
  } else if (n < 4) {
    lss_live_tidy(f->L, f->w);
  } else if (n < 60 && f->count > 0) {
    give(f, chance(f, f->count));
  } else if (f->count < 20 * LEAF * SLICE / 10) {
    take_many(f, n == 99 ? 2000 : 1);
  }
}

static void watch(fixture *f);

static int finalize(lua_State *L) {
  fixture *f = *(fixture **)lua_touserdata(L, 1);
  lua_State *was = f->L;
  unsigned i, n;

  if (!f->finalizing)
    return 0;
  f->L = L;
  for (i = 0, n = chance(f, 6); i < n; i++)
    something(f);
  watch(f);
  f->L = was;
  return 0;
}

/* Something for the collector to finalize. */
static void watch(fixture *f) {
  *(fixture **)lua_newuserdatauv(f->L, sizeof f, 0) = f;
  lua_createtable(f->L, 0, 1);
  lua_pushcfunction(f->L, finalize);
  lua_setfield(f->L, -2, "__gc");
  lua_setmetatable(f->L, -2);
  lua_pop(f->L, 1);
}

static void whatever_comes(fixture *f) {
  int i;

  for (i = 1; i <= 60000; i++) {
    something(f);
    if (f->count > 0)
      check(f, f->taken[chance(f, f->count)]);
    if (i % 10000 == 0)
      check_all(f);
  }
}

static void whatever_comes_places_are_right(void **state) {
  whatever_comes(*state);
}

static void finalizers_may_do_all_that(void **state) {
  fixture *f = *state;

  lua_gc(f->L, LUA_GCINC, 1, 1000, 1); /* whenever something is allocated */
  f->finalizing = true;
  watch(f);
  whatever_comes(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_empty_goes_in_pieces),
      TEST(where_leaves_went_come_new_ones),
      TEST(places_are_freed_and_taken_between_pieces),
      TEST(a_tidy_may_be_left_and_gone_on_with),
      TEST(no_memory_leaves_all_as_it_was),
      TEST(a_relief_looks_at_all_of_it),
      TEST(a_relief_goes_on_where_another_was_stopped),
      TEST(whatever_comes_places_are_right),
      TEST(finalizers_may_do_all_that),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
