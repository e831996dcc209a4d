/* The one door into Lua, and the coroutines behind it. Everything that libuv
 * or the core starts comes in by lss_door; every handler runs in a task: a
 * coroutine with what we must know about it. An error in one goes to the
 * "error" handlers of the endpoint it worked for, else to stderr; it never
 * crosses a frame of C. */
#ifndef LSS_CALL_H
#define LSS_CALL_H

#include "lua/context.h"

/* What a task is for. */
typedef struct lss_role {
  bool pooled; /* the coroutine is used again; false: the script has it */
  bool last;   /* runs an error handler: its own errors go to stderr */
  bool fails;  /* over is for one that failed only */
  /* Whether an error that would end it quietly is told; on the stack: subject.
   * NULL: never. */
  bool (*loud)(lua_State *L);
  /* It has ended; on the stack: subject, result (nil if it failed). */
  void (*over)(lua_State *L, bool failed);
} lss_role;

extern const lss_role lss_handler; /* pooled, nothing more */
extern const lss_role lss_spawned; /* not pooled */

/* User values of a task. */
enum {
  LSS_TASK_THREAD = 1,
  LSS_TASK_OWNER,   /* the endpoint whose "error" handlers hear of it, or nil */
  LSS_TASK_NETWORK, /* keeps `world`; nil for the real one */
  LSS_TASK_SUBJECT,
  LSS_TASK_VALUE, /* what it waited for: value, or nil and error */
  LSS_TASK_ERROR,
  LSS_TASK_TRACE,   /* of the error its function raised */
  LSS_TASK_HANDLER, /* its message handler, for good */
  LSS_TASK_VALUES = LSS_TASK_HANDLER
};

struct lss_task {
  ss_list node; /* where->parked */
  lss_context *context;
  lss_world *world;     /* its current one: where sip.sleep sleeps */
  lss_world *where;     /* while it waits: on whose loop */
  const lss_role *role; /* NULL: a coroutine of the script's own */
  lua_State *co;        /* NULL: the wait blocks instead of yielding */
  ss_timer timer;       /* of a sleeper, and the job it leads to */
  ss_job job;
  unsigned place; /* in the live table, while it waits */
  bool parked;    /* waits */
  bool done;      /* what it waited for is over */
};

/* Calls fn(light userdata arg) protected, on the state that runs the loop.
 * False: it couldn't be called or failed (out of memory), which was said on
 * stderr; also at lua_close. */
bool lss_door(lss_context *c, lua_CFunction fn, void *arg);

/* Starts a coroutine on the function and the nargs arguments on the top, until
 * it yields or ends. owner, subject: indexes of an endpoint and a value for
 * role->over, or 0. Takes all that and leaves the coroutine on the stack. */
void lss_start(lua_State *L, const lss_role *role, lss_world *w, int owner,
               int subject, int nargs);
/* A task for the running coroutine itself, pushed. */
lss_task *lss_task_own(lua_State *L, lss_world *w, bool blocking);
/* Resumes a parked one whose wait is over; the task is at idx. */
void lss_task_resume(lua_State *L, int idx);
/* The userdata of the running task, c->task, which there must be. */
void lss_push_task(lua_State *L, lss_context *c);
/* The endpoint that the running task works for, or nil. */
void lss_push_owner(lua_State *L, lss_context *c);

/* Says it on stderr, made printable; its further lines are indented. */
void lss_complain(const char *text);

/* Tells the handlers of the endpoint at `owner` (0 or nil: none) of the error
 * on the top but one, with the traceback on the top; takes both. */
void lss_report(lua_State *L, int owner);

#endif
