/* The main program of a target where there is no libFuzzer: feeds it every
 * file that is named, or without arguments every file of fuzz/corpus/<target>,
 * the target being the program's own name. Says so as TAP, for tools/test.lua;
 * the file that was under way is in the last line when it dies. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

static int inputs;

/* From a block of exactly that size, as libFuzzer does it. */
static void replay(const char *path) {
  FILE *file = fopen(path, "rb");
  long n = -1;
  if (file && fseek(file, 0, SEEK_END) == 0)
    n = ftell(file);
  if (n < 0) {
    printf("# can't read %s\n", path);
    exit(1);
  }
  rewind(file);
  char *p = fuzz_buffer((size_t)n);
  size_t got = fread(p, 1, (size_t)n, file);
  fclose(file);
  printf("# %s\n", path);
  fflush(stdout);
  LLVMFuzzerTestOneInput((const uint8_t *)p, got);
  free(p);
  inputs++;
}

static int visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static void replay_directory(const char *path) {
  struct dirent **entry;
  int n = scandir(path, &entry, visible, alphasort);
  for (int i = 0; i < n; i++) {
    char file[1024];
    snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);
    replay(file);
    free(entry[i]);
  }
  if (n >= 0)
    free(entry);
}

int main(int argc, char **argv) {
  const char *name = strrchr(argv[0], '/');
  char path[256];
  snprintf(path, sizeof path, "fuzz/corpus/%s",
           strchr(name ? name : argv[0], '_') + 1);
  printf("1..1\n");
  for (int i = 1; i < argc; i++)
    replay(argv[i]);
  if (argc < 2)
    replay_directory(path);
  printf("%s 1 - %d inputs\n", inputs ? "ok" : "not ok", inputs);
  return inputs ? 0 : 1;
}
