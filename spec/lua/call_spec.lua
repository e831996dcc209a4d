-- The door into Lua: coroutines of handlers, what happens to their errors.
local sip = require "sipsession"
local World = require "support.world"
local script = require "support.script"

describe("a handler", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  it("runs in a coroutine, also when one is used again", function()
    local threads = {}
    w.endpoint:on("session_received", function(session)
      local thread, main = coroutine.running()
      threads[#threads + 1] = thread
      assert.is_false(main)
      session:reject(486)
    end)
    for _ = 1, 3 do
      w:invite { auto = true }
      w.network:advance(1)
    end
    assert.equal(3, #threads)
    assert.equal(threads[1], threads[2])
  end)

  it("may yield on its own account and be resumed by the script", function()
    local thread
    w:serve(function(session)
      thread = coroutine.running()
      w:note("told %s", coroutine.yield())
      session:reject(486)
      error "after a yield of its own"
    end)
    local call = w:invite { auto = true }
    w.network:advance(1)
    assert.same({}, w.log)
    assert.is_true(coroutine.resume(thread, "so"))
    assert(call:wait(486))
    assert.equal("dead", coroutine.status(thread))
    w:failed "after a yield of its own"
    assert.equal("told so", w.log[1])
  end)

  it("has its <close> variables closed when it fails", function()
    local closed
    w:serve(function(session)
      local guard <close> = setmetatable({}, { __close = function(_, err)
        closed = err
      end })
      session:reject(486)
      error("with " .. type(guard), 0)
    end)
    w:invite { auto = true }
    w.network:advance(1)
    assert.equal("with table", closed)
    w:failed "with table"
  end)

  it("may raise anything at all", function()
    local values = { 42, false, { code = 1 }, setmetatable({}, {
      __tostring = function()
        return "an object"
      end,
    }) }
    local traces = {}
    w.endpoint:on("error", function(_, traceback)
      traces[#traces + 1] = traceback
    end)
    for _, value in ipairs(values) do
      local remove = w:serve(function()
        error(value)
      end)
      local call = w:invite { auto = true }
      assert(call:wait(500))
      remove()
    end
    w:serve(function()
      error(nil)
    end)
    w:invite { auto = true }
    w.network:advance(1)
    assert.same({ 42, false, { code = 1 } },
      table.move(w.errors, 1, 3, 1, {}))
    assert.equal(values[4], w.errors[4])
    assert.is_nil(w.errors[5])
    assert.matches("^an object\nstack traceback", traces[4])
    w.errors = {}
  end)

  it("that runs out of stack is contained", function()
    local function deeper(n)
      return 1 + deeper(n + 1)
    end
    w:serve(function()
      deeper(1)
    end)
    local call = w:invite { auto = true }
    assert(call:wait(500))
    w:failed "stack overflow"
  end)

  it("comes after those registered before it, each called once", function()
    local order = {}
    for i = 1, 3 do
      w.endpoint:on("session_received", function(session)
        order[#order + 1] = i
        sip.sleep(0.1)
        session:reject(480 + i)
      end)
    end
    local call = w:invite { auto = true }
    w.network:advance(1)
    assert.same({ 1, 2, 3 }, order)
    assert(call:wait(481))
  end)

  it("that fails leaves the call to the others", function()
    w.endpoint:on("session_received", function()
      error "the first"
    end)
    w:serve(function(session)
      session:reject(486)
    end)
    local call = w:invite { auto = true }
    assert(call:wait(486))
    w.network:advance(1)
    assert.same({ 486 }, w:finals())
    w:failed "the first"
  end)

  it("may be added and removed while one of its list runs", function()
    local order = {}
    local third
    w.endpoint:on("session_received", function(session)
      order[#order + 1] = 1
      third()
      w.endpoint:on("session_received", function()
        order[#order + 1] = 4
      end)
      session:reject(486)
    end)
    w.endpoint:on("session_received", function()
      order[#order + 1] = 2
    end)
    third = w.endpoint:on("session_received", function()
      order[#order + 1] = 3
    end)
    w:invite { auto = true }
    w.network:advance(1)
    assert.same({ 1, 2 }, order)
  end)
end)

describe("an error that no handler takes", function()
  local PRELUDE = [[
    local sip = require "sipsession"
    local testing = require "sipsession.testing"
    local network = testing.network()
    local endpoint = assert(sip.endpoint {
      listen = "udp:10.0.0.1:5060", network = network })
    local caller = network:peer("udp:10.0.0.2:5060", { auto = true })
    local function invite()
      local call = caller:invite { to = "sip:desk@10.0.0.1" }
      network:advance(1)
      return call
    end
  ]]

  it("is written to stderr with a traceback, and the loop goes on",
    function()
      local output, ok = script(PRELUDE .. [[
        endpoint:on("session_received", function()
          error "no desk here"
        end)
        invite()
        assert(invite():wait(500))
        print "went on"
      ]])
      assert.is_true(ok)
      local _, times = output:gsub("sipsession: [^\n]*no desk here\n\tstack "
        .. "traceback:\n\t\t", "")
      assert.equal(2, times)
      assert.matches("went on\n$", output)
    end)

  it("goes to stderr when an error handler fails", function()
    local output = script(PRELUDE .. [[
      endpoint:on("error", function(err)
        error("worse than " .. err, 0)
      end)
      endpoint:on("session_received", function()
        error("bad", 0)
      end)
      invite()
      print "went on"
    ]])
    assert.matches("^sipsession: worse than bad\n", output)
    assert.matches("went on\n$", output)
  end)

  it("shows control characters as codes", function()
    local output = script(PRELUDE .. [[
      endpoint:on("session_received", function()
        error("\27[2J\rx", 0)
      end)
      invite()
    ]])
    assert.matches("sipsession: \\x1b[2J\\x0dx\n", output, 1, true)
  end)

  it("shows nothing of a peer's raw, nor as a line of ours", function()
    local output = script(PRELUDE .. [[
      endpoint:on("session_received", function(session)
        error(session.remote_participant.display_name
          .. session.request:header "Authorization")
      end)
      caller:invite { to = "sip:desk@10.0.0.1",
        from = '"\u{9b}2J\u{202e}" <sip:caller@10.0.0.2>',
        headers = { Authorization = 'Digest realm="\xff"' } }
      network:advance(1)
      endpoint:on("session_received", function(session)
        error(session.request.body, 0)
      end)
      caller:invite { to = "sip:desk@10.0.0.1",
        sdp = "\27[2J\r\nsipsession: all is well\n"
        .. "Proxy-Authorization: Digest response=\"sesame\"\n more\nend" }
      network:advance(1)
    ]])
    assert.matches(
      ': \\xc2\\x9b2J\\xe2\\x80\\xaeDigest realm="\\xff"\n', output, 1, true)
    assert.matches("\nsipsession: \\x1b[2J\n\tsipsession: all is well\n"
      .. "\tProxy-Authorization: Digest (hidden)\n\tend\n\tstack traceback:"
      .. "\n", output, 1, true)
  end)

  it("in a coroutine of the script's own is told as well", function()
    local output = script(PRELUDE .. [[
      coroutine.wrap(function()
        sip.sleep(1)
        error "in a coroutine"
      end)()
      sip.spawn(function()
        sip.sleep(2)
        error "in a spawned one"
      end)
      sip.run()
      print "went on"
    ]])
    assert.matches("sipsession: [^\n]*in a coroutine\n\tstack", output)
    assert.matches("sipsession: [^\n]*in a spawned one\n\tstack", output)
    assert.matches("went on\n$", output)
  end)
end)
