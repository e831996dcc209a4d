/* On SIGINT the interpreter sets a hook that raises (lua.c, laction), and the
 * next SIGINT kills. While the loop is run from Lua that hook is either not
 * called for want of anything to run, or it is in the midst of a callback of
 * ours, whose event is lost. So meanwhile a handler of ours stands before the
 * interpreter's: it calls that one, takes the hook back (lua_sethook may be
 * called there), keeps it, and wakes the loop. When the turn is over the hook
 * is put where it was meant to be, and called.
 *
 * Where SIGINT has no handler ours is not set either; one that sets no hook is
 * just called. It is there during a run only: never when the library is
 * unloaded, since a state that is closed inside a run takes it away. Handlers
 * that run are not ended: lua.c's hook is for the main coroutine alone, too. */
#include "lua/interrupt.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

typedef struct hook {
  lua_Hook fn;
  int mask, count;
} hook;

/* Whose run SIGINT ends, the process's only one: that of its first thread,
 * which is where the kernel delivers signals, if it can, and lua.c is. */
static _Atomic(lss_context *) runner; /* NULL: nobody's */
static lua_State *main_state;
static struct sigaction theirs;
static hook kept; /* valid if: */
static volatile sig_atomic_t came;

static hook hook_of(lua_State *L) {
  return (hook){lua_gethook(L), lua_gethookmask(L), lua_gethookcount(L)};
}

static void set_hook(lua_State *L, hook h) {
  lua_sethook(L, h.fn, h.mask, h.count);
}

static void interrupt(lss_context *c, hook h) {
  kept = h;
  came = 1;
  if (c->real.loop)
    ss_loop_interrupt(c->real.loop);
}

static void on_signal(int number, siginfo_t *info, void *ucontext) {
  lss_context *c = atomic_load(&runner);
  int saved = errno;
  hook was = {NULL, 0, 0};

  if (c)
    was = hook_of(main_state);
  if (theirs.sa_flags & SA_SIGINFO)
    theirs.sa_sigaction(number, info, ucontext);
  else
    theirs.sa_handler(number);
  if (c && lua_gethook(main_state) != was.fn) {
    interrupt(c, hook_of(main_state));
    set_hook(main_state, was);
  }
  errno = saved;
}

static bool is_ours(const struct sigaction *a) {
  return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_signal;
}

/* With their flags and mask, so that theirs is called as it would have been. */
static void install(void) {
  struct sigaction ours;

  if (sigaction(SIGINT, NULL, &theirs) != 0 || theirs.sa_handler == SIG_DFL ||
      theirs.sa_handler == SIG_IGN || is_ours(&theirs))
    return;
  ours = theirs;
  ours.sa_flags |= SA_SIGINFO;
  ours.sa_sigaction = on_signal;
  sigaction(SIGINT, &ours, NULL);
}

/* Unless somebody else's is there now: lua.c puts back the default. */
static void uninstall(void) {
  struct sigaction now;

  if (sigaction(SIGINT, NULL, &now) == 0 && is_ours(&now))
    sigaction(SIGINT, &theirs, NULL);
}

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* Asks the kernel once. */
static bool is_first_thread(void) {
  static _Atomic(pthread_t) first;
  pthread_t self = pthread_self();

  if (atomic_load(&first) == self)
    return true;
  if (gettid() != getpid())
    return false;
  atomic_store(&first, self);
  return true;
}

void lss_interrupt_begin(lua_State *L, lss_context *c) {
  int top = lua_gettop(L);
  hook h;

  if (c->depth || !is_first_thread() || atomic_load(&runner))
    return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main_state = lua_tothread(L, -1);
  lua_pop(L, 1);
  came = 0;
  atomic_store(&runner, c);
  install();
  /* A signal that came since L called us has set a hook that waits. */
  h = hook_of(L);
  if (!(h.mask & LUA_MASKCALL))
    return;
  lua_pushcfunction(L, nothing);
  if (lua_pcall(L, 0, 0, 0) == LUA_ERRRUN)
    interrupt(c, h);
  lua_settop(L, top);
}

bool lss_interrupted(const lss_context *c) {
  return !c->depth && atomic_load(&runner) == c && came;
}

bool lss_interrupt_end(lss_context *c) {
  if (c->depth || atomic_load(&runner) != c)
    return false;
  lss_interrupt_forget(c);
  return came;
}

void lss_interrupt_raise(lua_State *L) {
  set_hook(L, kept);
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
}

void lss_interrupt_forget(lss_context *c) {
  if (atomic_load(&runner) != c)
    return;
  uninstall();
  atomic_store(&runner, NULL);
  if (c->real.loop)
    ss_loop_go_on(c->real.loop);
}
