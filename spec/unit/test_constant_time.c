/* Secrets are compared in a time that says nothing of them: a child compares,
 * and its instructions are counted one by one (ptrace). However much of a guess
 * is right, all of it included, there are as many of them. Where no process may
 * be traced these tests are skipped. */
#include "sip/digest.h"
#include "sip_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 100000 /* of one comparison */

/* The right octets, and guesses: each octet wrong in turn, then none. */
typedef struct guesses {
  int n; /* octets */
  ss_digest right, guess[SS_HASH_MAX + 1];
} guesses;

typedef bool same_fn(const guesses *g, int i);

static bool same_bytes(const guesses *g, int i) {
  return ss_same_bytes(g->guess[i].response, g->right.response, (size_t)g->n);
}

static bool same_digest(const guesses *g, int i) {
  return ss_digest_same(&g->guess[i], g->right.response);
}

/* --- the child ------------------------------------------------------------ */

/* Stops before and after each comparison; what is done once only is done before
 * that. Its status: whether all were as they must be. */
static void compare_all(same_fn *fn, const guesses *g) {
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
    _exit(2);
  bool good = fn(g, g->n);
  for (int i = 0; i <= g->n; i++) {
    raise(SIGSTOP);
    volatile bool same = fn(g, i);
    raise(SIGSTOP);
    good &= same == (i == g->n);
  }
  _exit(good ? 0 : 1);
}

/* --- its parent ----------------------------------------------------------- */

static bool is_stopped(int status) {
  return WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
}

/* How many instructions it takes until it stops itself, or -1. */
static long steps_to_stop(pid_t child, int *status) {
  for (long n = 1; n < STEPS_MAX; n++) {
    if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) ||
        waitpid(child, status, 0) != child || !WIFSTOPPED(*status))
      return -1;
    if (is_stopped(*status))
      return n;
  }
  return -1;
}

static bool go_on(pid_t child, int *status) {
  return !ptrace(PTRACE_CONT, child, NULL, NULL) &&
         waitpid(child, status, 0) == child;
}

/* The instructions of each; false where they can't be counted. */
static bool count(pid_t child, int n, long *steps) {
  int status;
  if (waitpid(child, &status, 0) != child || !is_stopped(status))
    return false;
  for (int i = 0; i <= n; i++) {
    steps[i] = steps_to_stop(child, &status);
    if (steps[i] < 0 || !go_on(child, &status) || is_stopped(status) != (i < n))
      return false;
  }
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  return true;
}

static void expect_constant(same_fn *fn, ss_algorithm a) {
  if (getenv("SIPSESSION_MEMCHECK"))
    skip(); /* its instructions aren't ours */
  static guesses g;
  long steps[SS_HASH_MAX + 1];
  memset(&g, 0, sizeof g);
  g.n = (int)ss_algorithm_size(a);
  g.right.algorithm = a;
  for (int i = 0; i < g.n; i++)
    g.right.response[i] = (uint8_t)(7 * i + 1);
  for (int i = 0; i <= g.n; i++) {
    g.guess[i] = g.right;
    if (i < g.n)
      g.guess[i].response[i] ^= 0x55;
  }
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0)
    compare_all(fn, &g);
  if (!count(child, g.n, steps)) {
    if (waitpid(child, NULL, WNOHANG) == 0) {
      kill(child, SIGKILL);
      waitpid(child, NULL, 0);
    }
    skip();
  }
  for (int i = 0; i <= g.n; i++)
    if (steps[i] != steps[0] || steps[i] < g.n / 8)
      fail_msg("%ld instructions, %ld with octet %d %s", steps[0], steps[i], i,
               i < g.n ? "wrong" : "right too");
}

static void responses_are_compared_in_constant_time(void **state) {
  (void)state;
  expect_constant(same_digest, SS_SHA_256);
  expect_constant(same_digest, SS_SHA_512_256);
  expect_constant(same_digest, SS_MD5);
}

/* A nonce's is of 16 octets. */
static void macs_are_compared_in_constant_time(void **state) {
  (void)state;
  expect_constant(same_bytes, SS_MD5);
  expect_constant(same_bytes, SS_SHA_256);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(responses_are_compared_in_constant_time),
      leak_checked(macs_are_compared_in_constant_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
