# sipsession: GNU make. `make` builds sipsession.so here, `make test` and
# `make demo` also install the Debian packages they need. Everything else that
# is built goes to build/<variant>/.

VARIANT ?= release
PREFIX ?= /usr/local
LUA ?= lua5.4
LUADIR ?= $(PREFIX)/share/lua/5.4
LIBDIR ?= $(PREFIX)/lib/lua/5.4
PKG_CONFIG ?= pkg-config
WERROR ?= -Werror
export LUA

BUILD_PACKAGES = gcc libc6-dev make pkg-config lua5.4 liblua5.4-dev \
  libuv1-dev libosip2-dev libssl-dev
TEST_PACKAGES = $(BUILD_PACKAGES) binutils iproute2 libcmocka-dev lua-busted \
  lua-luv sip-tester valgrind
DEMO_PACKAGES = $(BUILD_PACKAGES) lua-luv sip-tester
LINT_PACKAGES = $(BUILD_PACKAGES) binutils libcmocka-dev clang-format \
  clang-tidy cppcheck lua-check
VALGRIND_PACKAGES = $(TEST_PACKAGES) valgrind libc6-dbg
FUZZ_PACKAGES = $(BUILD_PACKAGES) clang libclang-rt-14-dev

# Each is looked up once, and only when something is compiled.
once = $(eval $(1) := $(2))$(2)
LUA_CFLAGS = $(call once,LUA_CFLAGS,$(shell $(PKG_CONFIG) --cflags lua5.4 \
  2>/dev/null || $(PKG_CONFIG) --cflags lua 2>/dev/null))
LUA_LIBS = $(call once,LUA_LIBS,$(shell $(PKG_CONFIG) --libs lua5.4 \
  2>/dev/null || $(PKG_CONFIG) --libs lua 2>/dev/null))
DEP_CFLAGS = $(call once,DEP_CFLAGS,$(shell $(PKG_CONFIG) --cflags \
  libuv libosip2 libcrypto 2>/dev/null || echo "pkg-config finds no libuv," \
  "libosip2 or libcrypto: try make deps" >&2))
DEP_LIBS = $(call once,DEP_LIBS,$(shell $(PKG_CONFIG) --libs \
  libuv libosip2 libcrypto 2>/dev/null || \
  echo -luv -losipparser2 -lcrypto))

# make fuzz OSIP=path: with the libosip2 of that source tree, instrumented too.
OSIP ?=
ifneq ($(OSIP),)
DEP_CFLAGS = -I$(OSIP)/include
DEP_LIBS = $(BUILD)/libosip.a -luv -lcrypto
endif

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes $(WERROR)
SANITIZE_asan = -fsanitize=address,undefined -fno-sanitize-recover=all \
  -fno-omit-frame-pointer
# An empty slice may be NULL, and NULL + 0 is NULL: WG14 N3322 says so too.
SANITIZE_fuzz = -fsanitize=fuzzer-no-link $(SANITIZE_asan) \
  -fno-sanitize=pointer-overflow
LDFLAGS_release = -Wl,-z,relro,-z,now
# Stacks stay readable after Lua has closed the library.
LDFLAGS_asan = -Wl,-z,nodelete
LDFLAGS_valgrind = -Wl,-z,nodelete
# Every block is the C library's own: memcheck sees how it is used.
CPPFLAGS_valgrind = -DSS_NO_SLABS

# The release build is optimized as a whole where the compiler does that on top
# of usual objects (GCC does): 6 % less CPU for a call. make LTO= leaves it.
LTO_FLAGS = -flto -flto-partition=one -ffat-lto-objects
LTO ?= $(call once,LTO,$(shell to=$$(mktemp) && \
  echo 'int main(void) { return 0; }' | $(CC) $(LTO_FLAGS) -Werror -x c - \
  -o $$to 2>/dev/null && echo $(LTO_FLAGS); rm -f $$to))

CFLAGS ?= $(if $(filter release,$(VARIANT)),-O2,-O1) -g
CFLAGS_release = -fno-plt $(LTO)
APART = -fno-lto # programs that aren't measured: linked sooner
ALL_CPPFLAGS = -D_GNU_SOURCE -Isrc $(DEP_CFLAGS) $(CPPFLAGS) \
  $(CPPFLAGS_$(VARIANT))
ALL_CFLAGS = -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(CFLAGS) \
  $(CFLAGS_$(VARIANT)) $(SANITIZE_$(VARIANT))
ALL_LDFLAGS = -Wl,--as-needed $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

BUILD = build/$(VARIANT)$(if $(OSIP),-osip)
CORE = $(wildcard src/base/*.c src/net/*.c src/sip/*.c src/ua/*.c)
BINDING = $(wildcard src/lua/*.c) lua_sipsession.c
LUA_MODULES = $(wildcard lua/sipsession/*.lua)
UNIT = $(wildcard spec/unit/test_*.c)
UNIT_SHARED = $(filter-out $(UNIT),$(wildcard spec/unit/*.c))
FUZZ = scan headers frame render sdp endpoint
FUZZ_SHARED = fuzz/random.c $(if $(filter fuzz,$(VARIANT)),,fuzz/replay.c)
FUZZERS = $(FUZZ:%=$(BUILD)/fuzz/fuzz_%)
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# The fuzz targets, without a fuzzer: each replays its corpus.
PROGRAMS = $(patsubst spec/unit/%.c,$(BUILD)/unit/%,$(UNIT)) $(FUZZERS)
# The release build is where one looks for it; others keep to their directory.
release = $(filter release,$(VARIANT))
MODULE = $(if $(release),sipsession.so,$(BUILD)/sipsession.so)
LIBSS = $(if $(release),build/libss.a,$(BUILD)/libss.a)

# One line for each file; the whole command with V=1.
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $@;)

# --- build -------------------------------------------------------------------

all: $(MODULE)

$(MODULE): $(call objects,$(BINDING)) $(LIBSS)
	$(call say,LINK)$(CC) -shared $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
	  $(DEP_LIBS)

# The core without Lua, for the unit programs, the fuzzers and the benchmarks.
$(LIBSS): $(call objects,$(CORE))
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $^

$(call objects,$(BINDING)): ALL_CPPFLAGS += $(LUA_CFLAGS)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Changes when the flags do, so that objects are never of two kinds.
FLAGS = $(CC) $(CFLAGS) $(CFLAGS_$(VARIANT)) $(CPPFLAGS) $(LDFLAGS) \
  $(WERROR) $(OSIP) $(SANITIZE_$(VARIANT))
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

$(BUILD)/unit/%: $(BUILD)/obj/spec/unit/%.o $(call objects,$(UNIT_SHARED)) \
  $(LIBSS)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $(APART) $(ALL_LDFLAGS) -o $@ $^ \
	  $(DEP_LIBS) -lcmocka

# Of the binding, and Lua with it.
$(BUILD)/obj/spec/unit/test_live.o: ALL_CPPFLAGS += $(LUA_CFLAGS)
$(BUILD)/unit/test_live: $(BUILD)/obj/spec/unit/test_live.o \
  $(call objects,$(BINDING)) $(LIBSS)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $(APART) $(ALL_LDFLAGS) -o $@ $^ \
	  $(DEP_LIBS) $(LUA_LIBS) -lm -lcmocka

# A target is fuzz/<name>.c with its fuzz/<name>_*.c.
.SECONDEXPANSION:
$(FUZZERS): $(BUILD)/fuzz/fuzz_%: $$(call objects,fuzz/$$*.c \
  $$(wildcard fuzz/$$*_*.c) $(FUZZ_SHARED)) $(LIBSS) \
  $(if $(OSIP),$(BUILD)/libosip.a)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $(APART) $(ALL_LDFLAGS) \
	  $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ \
	  $(filter %.o %.a,$^) $(DEP_LIBS)

$(call objects,$(wildcard fuzz/*.c)): ALL_CPPFLAGS += -Ifuzz

OSIP_HAVE = CTYPE_H FCNTL_H LOCALTIME PTHREAD STDARG_H STRING_H \
  STRUCT_TIMESPEC SYS_TIME_H SYS_TYPES_H TIME_H UNISTD_H
$(BUILD)/libosip.a: $(BUILD)/flags
	@rm -rf $@ $(BUILD)/osip && mkdir -p $(BUILD)/osip
	@cd $(BUILD)/osip && for f in $(OSIP)/src/osipparser2/*.c; do \
	  $(CC) -w -I$(OSIP)/include $(OSIP_HAVE:%=-DHAVE_%) $(CFLAGS) \
	    $(SANITIZE_$(VARIANT)) -c $$f || exit 1; done
	$(call say,AR)$(AR) rcs $@ $(BUILD)/osip/*.o

# Everything, in a program of its own: allocations fail while a script runs.
OOM = $(BUILD)/oom
$(BUILD)/obj/spec/oom/%.o: ALL_CPPFLAGS += $(LUA_CFLAGS)
$(OOM): $(BUILD)/obj/spec/oom/oom.o $(call objects,$(BINDING)) $(LIBSS)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $(APART) $(ALL_LDFLAGS) -o $@ $^ \
	  $(DEP_LIBS) $(LUA_LIBS) -lm

# Whole calls, to be counted.
CALLS = $(BUILD)/bench/calls
$(BUILD)/obj/bench/calls.o: ALL_CPPFLAGS += $(LUA_CFLAGS)
$(CALLS): $(BUILD)/obj/bench/calls.o $(call objects,$(BINDING)) $(LIBSS)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
	  $(DEP_LIBS) $(LUA_LIBS) -lm

# Those of the benchmark are plain C, with nothing of ours.
BENCH = $(BUILD)/bench/load $(BUILD)/bench/floor
$(BENCH): $(BUILD)/bench/%: bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -o $@ $(filter %.c,$^)

$(BUILD)/bench/load: bench/wire.c bench/wire.h

# Sofia-SIP's server, where there is a Sofia-SIP.
SOFIA = $(shell $(PKG_CONFIG) --exists sofia-sip-ua && \
  echo $(BUILD)/bench/sofia)
$(BUILD)/bench/sofia: bench/sofia.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -o $@ $< \
	  $$($(PKG_CONFIG) --cflags --libs sofia-sip-ua)

programs: $(PROGRAMS) $(OOM) $(CALLS) $(BENCH)

.SECONDARY:
-include $(foreach d,* */* */*/*,$(wildcard $(BUILD)/obj/$(d).d))

# --- install -----------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(LUADIR)/sipsession
	install -m 755 sipsession.so $(DESTDIR)$(LIBDIR)/
	$(if $(LUA_MODULES),install -m 644 $(LUA_MODULES) \
	  $(DESTDIR)$(LUADIR)/sipsession/)

uninstall:
	rm -f $(DESTDIR)$(LIBDIR)/sipsession.so
	rm -rf $(DESTDIR)$(LUADIR)/sipsession

deps:
	@tools/deps.sh $(BUILD_PACKAGES)

# --- tests -------------------------------------------------------------------

# More for busted: make test SPECS=spec/reject_spec.lua
SPECS ?=
RUN = tools/test.lua --specs '$(SPECS)'
SUB = $(MAKE) --no-print-directory

test:
	@tools/deps.sh $(TEST_PACKAGES)
	@$(SUB) check

# `make test` for those who have the packages.
check: all programs symbols
	@$(LUA) $(RUN) $(PROGRAMS) $(OOM)

# The sanitizer's library comes first in the interpreter, which is not built
# with it. The second run has a collector that hardly ever rests.
# Each allocation, not one of 40: minutes. make oom OOM_BODIES='"they send"'.
OOM_BODIES ?=

oom: programs
	@$(OOM) -s 1 $(OOM_BODIES)

ASAN_ENV = ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 \
  LSAN_OPTIONS=suppressions=spec/support/lsan.supp:print_suppressions=0 \
  UBSAN_OPTIONS=print_stacktrace=1
ASAN_LUA = env LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) \
  SIPSESSION_BUILD=$(BUILD) $(LUA)

asan:
	@tools/deps.sh $(TEST_PACKAGES)
	@$(SUB) VARIANT=asan check-asan

check-asan: all programs
	@$(ASAN_ENV) $(LUA) $(RUN) --lua "$(ASAN_LUA)" $(PROGRAMS) $(OOM)
	@echo "Again, with an aggressive collector:"
	@SIPSESSION_GC=aggressive $(ASAN_ENV) $(LUA) $(RUN) --lua "$(ASAN_LUA)" \
	  --specs '$(SPECS) --exclude-tags=sipp,slow'

MEMCHECK = valgrind -q --error-exitcode=99 --leak-check=full \
  --errors-for-leak-kinds=definite --keep-debuginfo=yes

valgrind:
	@tools/deps.sh $(VALGRIND_PACKAGES)
	@$(SUB) VARIANT=valgrind check-valgrind

check-valgrind: all programs
	@SIPSESSION_MEMCHECK=1 $(LUA) $(RUN) \
	  --specs '$(SPECS) --exclude-tags=sipp,slow' \
	  --unit-with '$(MEMCHECK)' \
	  --lua 'env SIPSESSION_BUILD=$(BUILD) $(MEMCHECK) $(LUA)' $(PROGRAMS)

# --- fuzzing -----------------------------------------------------------------

# Each target for so many seconds; what crashes one stays in build/fuzz/found.
# make fuzz FUZZ_TIME=600 FUZZ_TARGETS="scan endpoint" OSIP=/path/to/libosip2
FUZZ_TIME ?= 60
FUZZ_TARGETS ?= $(FUZZ)

fuzz:
	@tools/deps.sh $(FUZZ_PACKAGES)
	@$(SUB) VARIANT=fuzz CC=clang OSIP='$(abspath $(OSIP))' check-fuzz

check-fuzz: $(FUZZERS)
	@$(LUA) tools/fuzz.lua $(BUILD) $(FUZZ_TIME) $(FUZZ_TARGETS)

# --- lint --------------------------------------------------------------------

C_SOURCES = $(CORE) $(BINDING) $(wildcard spec/unit/*.c spec/oom/*.c \
  bench/*.c fuzz/*.c)
C_FILES = $(C_SOURCES) $(wildcard src/*/*.h spec/unit/*.h bench/*.h fuzz/*.h)
LUA_FILES = $(wildcard lua/*/*.lua spec/*.lua spec/*/*.lua examples/*.lua \
  bench/*.lua fuzz/*.lua tools/*.lua types/*.lua *.rockspec) .busted
TEXT_FILES = $(C_FILES) $(LUA_FILES) Makefile .ci/run $(wildcard tools/*.sh)

lint:
	@tools/deps.sh $(LINT_PACKAGES)
	@$(SUB) -k lint-format lint-lua lint-lines symbols lint-tidy lint-cppcheck
	@echo "lint: clean"

lint-format:
	clang-format --dry-run --Werror $(C_FILES)

lint-tidy:
	clang-tidy --quiet $(CORE) $(BINDING) -- -std=gnu11 \
	  $(ALL_CPPFLAGS) $(LUA_CFLAGS)

lint-cppcheck:
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	  --enable=warning,portability --suppress=missingIncludeSystem \
	  -D_GNU_SOURCE -Isrc $(CORE) $(BINDING)

lint-lua:
	luacheck --quiet $(LUA_FILES)

lint-lines:
	@awk 'length > 80 { bad = 1; print FILENAME ":" FNR ": over 80 columns" } \
	  FNR == 501 && FILENAME !~ /^types/ { \
	    bad = 1; print FILENAME ": over 500 lines" } \
	  /[ \t]$$/ { bad = 1; print FILENAME ":" FNR ": trailing space" } \
	  END { exit bad }' $(TEXT_FILES)

# The library must show one name to whoever loads it.
symbols: sipsession.so
	@names=$$(nm -D --defined-only $< | awk '{ print $$3 }'); \
	  [ "$$names" = luaopen_sipsession ] || \
	  { echo "$< exports:" $$names; exit 1; }

format:
	clang-format -i $(C_FILES)

# --- demo --------------------------------------------------------------------

demo:
	@tools/deps.sh $(DEMO_PACKAGES)
	@$(SUB) all
	@$(LUA) tools/demo.lua

# --- real callers ------------------------------------------------------------

# SIPp, 20,000 calls at 500/s, then the same with 30 % loss: nine minutes.
# make sipp SIPP="1000 100 0.1 7": calls, rate, loss, seed.
SIPP ?=

sipp:
	@tools/deps.sh $(DEMO_PACKAGES)
	@$(SUB) all
	@$(LUA) tools/sipp.lua $(SIPP)

# A softphone calls.
softphone:
	@tools/deps.sh $(TEST_PACKAGES) baresip-core
	@$(SUB) all
	@SIPSESSION_SOFTPHONE=1 \
	  $(LUA) spec/run.lua -o plainTerminal spec/wire/softphone_spec.lua

# rtpengine plays a prompt, in user space and on the loopback interface. Not
# among the packages of `make test`: where there is an init system, Debian's
# package starts a daemon of its own. Once installed, `make test` uses it too.
rtpengine:
	@tools/deps.sh $(TEST_PACKAGES) rtpengine-daemon
	@$(SUB) all
	@$(LUA) spec/run.lua -o plainTerminal spec/examples/ivr_rtpengine_spec.lua

# Mixed calls with loss in virtual time, for so many seconds of real time, or so
# many calls: make soak SOAK="36000 1000000 7" (seconds, calls, seed).
SOAK ?= 60

soak: all
	@$(LUA) tools/soak.lua $(SOAK)

# The same over UDP and TCP on the loopback interface, with SIPp for callers:
# make soak-sockets SOAK="3600 7" (seconds, seed).
soak-sockets:
	@tools/deps.sh $(DEMO_PACKAGES)
	@$(SUB) all
	@$(LUA) tools/soak_sockets.lua $(SOAK)

# A siege at real sockets in its long form, with SIPVicious and behind Kamailio:
# a quarter of an hour.
siege:
	@tools/deps.sh $(TEST_PACKAGES) sipvicious kamailio
	@$(SUB) all
	@SIPSESSION_LONG=1 $(LUA) spec/run.lua -o plainTerminal \
	  $(addprefix spec/wire/,$(addsuffix _spec.lua,slow_datagrams slow_tcp \
	  sources descriptors anomalies drain overload relief interface sipvicious \
	  failover))

# What a call costs beside a bare loop and other servers, those that are there:
# five minutes on two quiet cores. make bench ROUNDS=1
ROUNDS ?= 3

bench:
	@tools/deps.sh $(DEMO_PACKAGES) valgrind
	@$(SUB) all $(BENCH) $(CALLS) $(SOFIA)
	@$(LUA) bench/run.lua $(ROUNDS)

# One more call beside so many that are connected, to 100,000; how long the loop
# takes for a turn: eight minutes. make scale SCALE=generational
SCALE ?=

scale:
	@tools/deps.sh $(DEMO_PACKAGES)
	@$(SUB) all $(BENCH)
	@$(LUA) bench/scale.lua $(SCALE)

clean:
	rm -rf build sipsession.so

force:
.PHONY: all programs install uninstall deps test check oom asan \
  check-asan valgrind check-valgrind fuzz check-fuzz lint lint-format \
  lint-tidy lint-cppcheck lint-lua lint-lines symbols format demo sipp \
  soak soak-sockets siege bench scale softphone rtpengine clean force
