/* Tags and branches of processes that are one another's children: none twice,
 * and none that the parent's would tell (RFC 3261 19.3, 8.1.1.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/id.h"

#define PROCESSES 4
#define EACH 100000

static int compare(const void *a, const void *b) {
  return memcmp(a, b, SS_TAG_LEN);
}

static void make(char (*out)[SS_TAG_LEN]) {
  for (int i = 0; i < EACH; i++) {
    char branch[SS_BRANCH_LEN];
    if (i % 2) {
      ss_tag(out[i]);
    } else { /* what is random in it */
      ss_branch(branch);
      memcpy(out[i], branch + SS_BRANCH_LEN - SS_TAG_LEN, SS_TAG_LEN);
    }
  }
}

static void forked_processes_never_make_the_same(void **state) {
  size_t total = (size_t)PROCESSES * EACH, size = total * SS_TAG_LEN;
  char tag[SS_TAG_LEN];
  (void)state;
  char(*id)[SS_TAG_LEN] = mmap(NULL, size, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(id != MAP_FAILED);
  ss_tag(tag); /* there is something in the pool that could be inherited */
  for (int i = 0; i < PROCESSES; i++) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
      make(id + (ptrdiff_t)i * EACH);
      _exit(0);
    }
  }
  for (int i = 0; i < PROCESSES; i++) {
    int status;
    assert_true(wait(&status) > 0);
    assert_int_equal(status, 0);
  }
  qsort(id, total, SS_TAG_LEN, compare);
  for (size_t i = 1; i < total; i++)
    assert_int_not_equal(memcmp(id[i - 1], id[i], SS_TAG_LEN), 0);
  munmap(id, size);
}

/* Each of the 32 digits as often as the others, at each place. */
static void every_digit_is_as_likely(void **state) {
  int count[SS_TAG_LEN][256] = {0};
  (void)state;
  for (int i = 0; i < 32000; i++) {
    char tag[SS_TAG_LEN];
    ss_tag(tag);
    for (int k = 0; k < SS_TAG_LEN; k++)
      count[k][(unsigned char)tag[k]]++;
  }
  for (int k = 0; k < SS_TAG_LEN; k++) {
    int seen = 0;
    for (int c = 0; c < 256; c++) {
      if (count[k][c] == 0)
        continue;
      seen++;
      assert_in_range(count[k][c], 800, 1200); /* 1000, six deviations off */
    }
    assert_int_equal(seen, 32);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forked_processes_never_make_the_same),
      cmocka_unit_test(every_digit_is_as_likely),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
