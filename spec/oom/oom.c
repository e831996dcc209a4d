/* Out of memory in everything a script does: a lua_State and the core share
 * one allocator, in which the n-th request fails and so many after it. Each n
 * is a process of its own, forked from one that has everything loaded: a crash
 * is seen and stops nothing, and every n begins alike. What is run is in
 * bodies.lua, what has to be true afterwards in harness.lua. Prints TAP.
 *
 *   oom [-l LUA-DIRECTORY] [-s STRIDE] [-n N] [-k FAILURES] [BODY …]
 *
 * STRIDE 1 makes each allocation fail; else those that fail are about so many
 * apart, other ones for each kind. With -n and -k it is just that one, in this
 * process. */
#include "base/alloc.h"

#include <arpa/inet.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* How a trial ended, as exit status. */
enum { GOOD = 0, FAULT = 1, NOT_REACHED = 2, BROKEN = 3 };

#define SECONDS 10 /* for one trial, before it counts as hanging */
#define SHOWN 4    /* faults of one body that are printed */

static const char *lua_directory = "spec/oom";
static long stride = 40, only_n, only_k;

/* --- the allocator -------------------------------------------------------- */

/* The window in which requests fail: from first, counted from start(), to
 * last; switched off outside the body. */
static long first, last, asked;
static bool counting;
static long blocks; /* of Lua, alive */

static bool fails(void) {
  if (!counting)
    return false;
  asked++;
  return asked >= first && asked <= last;
}

static void *core_resize(void *p, size_t n) {
  if (n == 0) {
    free(p);
    return NULL;
  }
  return fails() ? NULL : realloc(p, n);
}

/* Shrinking never fails, as in the C library. */
static void *lua_resize(void *arg, void *p, size_t old, size_t n) {
  (void)arg;
  if (n == 0) {
    blocks -= p != NULL;
    free(p);
    return NULL;
  }
  if ((!p || n > old) && fails())
    return NULL;
  blocks += !p;
  return realloc(p, n);
}

/* libuv grows one table by realloc, and ends the process when it can't. */
static void *uv_take(size_t n) {
  return fails() ? NULL : malloc(n);
}

static void *uv_take_zeroed(size_t n, size_t size) {
  return fails() ? NULL : calloc(n, size);
}

/* --- what the harness calls ----------------------------------------------- */

static int start(lua_State *L) {
  (void)L;
  counting = true;
  return 0;
}

/* Back to plenty; gives whether it was not so before. */
static int stop(lua_State *L) {
  lua_pushboolean(L, counting);
  counting = false;
  return 1;
}

/* How many requests there were, and whether one has failed. */
static int count(lua_State *L) {
  lua_pushinteger(L, asked);
  lua_pushboolean(L, asked >= first);
  return 2;
}

/* open("udp" or "tcp", port): a socket to that port of the loopback
 * interface, from which get reads without waiting. */
static int open_socket(lua_State *L) {
  bool tcp = strcmp(luaL_checkstring(L, 1), "tcp") == 0;
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)luaL_checkinteger(L, 2)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in own;
  socklen_t n = sizeof own;
  int fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) ||
      getsockname(fd, (struct sockaddr *)&own, &n))
    return 0;
  lua_pushinteger(L, fd);
  lua_pushinteger(L, ntohs(own.sin_port));
  return 2;
}

static int put(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 2, &n);
  lua_pushboolean(L, send((int)luaL_checkinteger(L, 1), text, n,
                          MSG_NOSIGNAL) == (ssize_t)n);
  return 1;
}

/* What has come; waits a millisecond where nothing has. */
static int get(lua_State *L) {
  static char text[65536];
  ssize_t n =
      recv((int)luaL_checkinteger(L, 1), text, sizeof text, MSG_DONTWAIT);
  if (n < 0)
    usleep(1000);
  lua_pushlstring(L, text, n > 0 ? (size_t)n : 0);
  return 1;
}

int luaopen_sipsession(lua_State *L);

/* The standard libraries, and ours for require. */
static int open_libraries(lua_State *L) {
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_sipsession);
  lua_setfield(L, -2, "sipsession");
  lua_pop(L, 1);
  return 0;
}

/* another(text): runs that in a new state, and closes it; nil and an error. */
static int another(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  lua_State *other = lua_newstate(lua_resize, NULL);
  int status = LUA_ERRMEM;
  if (other) {
    lua_pushcfunction(other, open_libraries);
    status = lua_pcall(other, 0, 0, 0);
    if (status == LUA_OK)
      status = luaL_loadstring(other, text);
    if (status == LUA_OK)
      status = lua_pcall(other, 0, 0, 0);
  }
  if (status == LUA_OK)
    lua_pushboolean(L, true);
  else
    lua_pushnil(L);
  lua_pushstring(L, other && status ? lua_tostring(other, -1)
                                    : "not enough memory");
  if (other)
    lua_close(other);
  return 2;
}

static const luaL_Reg functions[] = {
    {"start", start},      {"stop", stop}, {"count", count},
    {"open", open_socket}, {"put", put},   {"get", get},
    {"another", another},  {NULL, NULL}};

static lua_State *open_state(void) {
  lua_State *L = lua_newstate(lua_resize, NULL);
  if (!L)
    return NULL;
  open_libraries(L);
  luaL_newlib(L, functions);
  lua_setglobal(L, "memory");
  lua_pushstring(L, lua_directory);
  lua_setglobal(L, "directory");
  return L;
}

/* --- one trial ------------------------------------------------------------ */

/* stderr goes to a file of no name; whatever stands there is to be no more
 * than that memory was short. */
static int hide_stderr(void) {
  int fd = memfd_create("stderr", 0);
  if (fd >= 0)
    dup2(fd, STDERR_FILENO);
  return fd;
}

static int complaint(int fd, char *text, size_t size) {
  FILE *f;
  fflush(stderr);
  if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0 || !(f = fdopen(fd, "r")))
    return 0;
  while (fgets(text, (int)size, f))
    if (!strstr(text, "not enough memory") &&
        !strstr(text, "no room on the Lua stack") &&
        strncmp(text, "\t", 1) != 0 && !strstr(text, "stack traceback:"))
      return 1;
  return 0;
}

/* The process that is to fail: runs the body and ends. */
static int trial(lua_State *L, const char *body, size_t core_before) {
  char line[512];
  int fd = only_n ? -1 : hide_stderr(), status = BROKEN;
  lua_getglobal(L, "trial");
  lua_pushstring(L, body);
  alarm(only_n ? 0 : SECONDS);
  if (lua_pcall(L, 1, 2, 0) != LUA_OK) {
    counting = false;
    printf("#   harness: %s\n", lua_tostring(L, -1));
  } else {
    counting = false;
    status = (int)lua_tointeger(L, -2);
    if (status == FAULT || status == BROKEN)
      printf("#   %s\n", lua_tostring(L, -1));
  }
  lua_close(L);
  if (blocks != 0 && status != BROKEN) {
    printf("#   %ld blocks of Lua are left after lua_close\n", blocks);
    status = FAULT;
  }
  if (ss_alloc_alive() != core_before && status != BROKEN) {
    printf("#   %ld blocks of the core are left after lua_close\n",
           (long)(ss_alloc_alive() - core_before));
    status = FAULT;
  }
  if (complaint(fd, line, sizeof line)) {
    printf("#   stderr: %s", line);
    status = FAULT;
  }
  fflush(stdout);
  return status;
}

static int fork_trial(lua_State *L, const char *body, size_t core_before) {
  int status = 0;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0)
    _exit(trial(L, body, core_before));
  if (pid < 0 || waitpid(pid, &status, 0) != pid)
    return BROKEN;
  if (WIFSIGNALED(status)) {
    printf("#   %s\n",
           WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)));
    return FAULT;
  }
  return WEXITSTATUS(status);
}

/* --- the sweep ------------------------------------------------------------ */

/* How many fail. One: Lua collects garbage and tries again. Two: this one has
 * failed for Lua too. Then some, and all to the end. */
static const long kinds[] = {1, 2, 5, 30, 1000000000};

static int number; /* of the test */

static bool sweep(lua_State *L, const char *body, long k, long *trials) {
  long faults = 0, n = 1 + k % stride;
  int status = GOOD;
  while (status != NOT_REACHED && status != BROKEN) {
    first = n;
    last = n + k - 1;
    status = fork_trial(L, body, ss_alloc_alive());
    ++*trials;
    if (status == FAULT || status > BROKEN) {
      printf("# %s: n = %ld, k = %ld\n", body, n, k);
      if (++faults == SHOWN)
        break;
    }
    n += 1 + (n * 7919 + k) % (2 * stride - 1);
  }
  printf("%s %d - %s, %ld fail: %ld allocations\n",
         faults || status == BROKEN ? "not ok" : "ok", ++number, body, k,
         n - 1);
  return !faults && status != BROKEN;
}

static bool run(lua_State *L, const char *body, long *trials) {
  bool good = true;
  size_t i;
  if (only_n) {
    first = only_n;
    last = only_n + (only_k ? only_k : 1) - 1;
    printf("%d\n", trial(L, body, ss_alloc_alive()));
    exit(0);
  }
  for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!only_k || only_k == kinds[i])
      good &= sweep(L, body, kinds[i], trials);
  return good;
}

int main(int argc, char **argv) {
  static const ss_allocator allocator = {core_resize};
  lua_State *L;
  long trials = 0;
  int c, bad = 0, i, bodies;
  while ((c = getopt(argc, argv, "l:s:n:k:")) != -1) {
    if (c == 'l')
      lua_directory = optarg;
    else if (c == 's')
      stride = atol(optarg);
    else if (c == 'n')
      only_n = atol(optarg);
    else if (c == 'k')
      only_k = atol(optarg);
    else
      return 2;
  }
  ss_alloc_set(&allocator);
  uv_replace_allocator(uv_take, realloc, uv_take_zeroed, free);
  L = open_state();
  if (!L)
    return 2;
  lua_pushfstring(L, "%s/harness.lua", lua_directory);
  if (luaL_loadfile(L, lua_tostring(L, -1)) || lua_pcall(L, 0, 1, 0)) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 2;
  }
  for (bodies = 0; optind + bodies < argc;)
    bodies++;
  if (bodies == 0)
    bodies = (int)lua_rawlen(L, -1);
  printf("1..%d\n",
         bodies * (only_k ? 1 : (int)(sizeof kinds / sizeof *kinds)));
  for (i = 0; i < bodies; i++) {
    const char *body;
    lua_rawgeti(L, -1, i + 1);
    body = optind + i < argc ? argv[optind + i] : lua_tostring(L, -1);
    bad += !run(L, body, &trials);
    lua_pop(L, 1);
  }
  printf("# %ld trials\n", trials);
  lua_close(L);
  return bad != 0;
}
