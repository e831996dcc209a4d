-- The "ended" event and the record of a call: one of each, whatever became of
-- it. What the Reason header says is in cause_spec.lua.
local sip = require "sipsession"
local Loopback = require "support.loopback"
local script = require "support.script"
local World = require "support.world"

local BYE = { Reason = 'Q.850;cause=16;text="Normal \\"call\\" clearing"' }
local ELSEWHERE = {
  Reason = 'SIP ;cause=200 ;text="Call completed elsewhere"',
}

-- Notes every "ended" of the endpoint; returns the list of { session, record }.
local function recording(w)
  local list = {}
  w.endpoint:on("ended", function(session, record)
    list[#list + 1] = { session = session, record = record }
    w:note("ended %s", record.outcome)
  end)
  return list
end

-- The only record there is.
local function only(list)
  assert.equal(1, #list)
  assert.equal(list[1].record, list[1].session.record)
  return list[1].record
end

-- What can be compared of a record.
local function summary(r)
  return ("%s %s %s %s"):format(r.outcome, r.code or "-", r.reason,
    r.answered and "answered" or "unanswered")
end

describe("a call that has ended", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("has a record of its times and parties", function()
    w = World.new()
    local list = recording(w)
    local start = w.network:time()
    w:serve(function(session)
      sip.sleep(2)
      session:participate()
    end)
    local call = w:invite { from = '"A" <sip:alice@example.com;x=1>' }
    w.network:advance(2.25)
    call:ack()
    w.network:advance(10)
    assert.is_nil(w.sessions[1].record)
    call:bye(BYE)
    w.network:advance(0)
    local r = only(list)
    assert.equal(w.sessions[1], list[1].session)
    assert.equal(start, r.started)
    assert.equal(start + 2, r.answered)
    assert.equal(start + 12.25, r.ended)
    assert.equal(10.25, r.duration)
    assert.is_nil(r.at) -- there is no wall clock in memory
    assert.equal("sip:alice@example.com;x=1", r.from)
    assert.equal("sip:desk@10.0.0.1", r.to)
    assert.equal(w.sessions[1].call_id, r.call_id)
    assert.same({ protocol = "Q.850", cause = 16,
      text = 'Normal "call" clearing' }, r.cause)
    assert.equal("connected 200 terminated_remotely answered", summary(r))
  end)

  it("is told of last: session first, then the endpoint", function()
    w = World.new { endpoint = { media = {
      get_answer = function()
        sip.sleep(1)
      end,
    } } }
    recording(w)
    w:serve(function(session)
      session:on("ended", function(same, record)
        assert.equal(session, same)
        assert.equal(record, session.record)
        w:note("own %s", record.outcome)
      end)
      w:outcome(session:participate())
    end)
    w:invite()
    w.network:advance(2)
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected not_acceptable_media 488",
      "accept operation_failure media",
      "own failed",
      "ended failed",
    }, w.log)
  end)

  it("is told of when it was cancelled before its handler ran", function()
    w = World.new()
    local list = recording(w)
    w:serve()
    local call = w:invite()
    call:cancel(ELSEWHERE)
    w.network:advance(1)
    call:ack()
    assert.same({ "ended cancelled" }, w.log)
    assert.same({}, w.sessions)
    local r = only(list)
    assert.equal("cancelled 487 canceled unanswered", summary(r))
    assert.equal(200, r.cause.cause)
    assert.equal(0, r.duration)
    local session = list[1].session
    assert.equal("disconnected", session.state)
    assert.equal(w.endpoint, session.endpoint)
    assert.equal("INVITE", session.request.method)
    assert.equal("cancelled", select(2, session:participate()).reason)
    assert.is_true(session:terminate())
  end)

  it("is told of when nobody took it", function()
    w = World.new { endpoint = { unhandled_code = 404 } }
    local list = recording(w)
    local call = w:invite()
    w.network:advance(0)
    call:ack()
    assert.equal("unhandled 404 terminated_locally unanswered",
      summary(only(list)))
  end)

  local function ends(title, expected, fn, options)
    it(title, function()
      w = World.new(options)
      local list = recording(w)
      fn()
      w.network:advance(70)
      assert.equal(expected, summary(only(list)))
      assert.same({ list[1].record.code }, w:finals())
    end)
  end

  ends("rejected", "rejected 603 terminated_locally unanswered", function()
    w:serve(function(session)
      session:reject(603)
    end)
    w:invite()
  end)

  ends("redirected", "redirected 302 terminated_locally unanswered",
    function()
      w:serve(function(session)
        session:redirect "sip:other@10.0.0.9"
      end)
      w:invite()
    end)

  ends("terminated while it rang",
    "rejected 486 terminated_locally unanswered", function()
      w:serve(function(session)
        session:progress()
        session:terminate()
      end)
      w:invite()
    end)

  ends("never answered", "timeout 408 timeout unanswered", function()
    w:serve()
    w:invite()
  end, { endpoint = { connect_timeout = 5 } })

  ends("never acknowledged", "timeout 200 timeout unanswered", function()
    w:serve(function(session)
      session:participate()
    end)
    w:invite()
  end)

  ends("hung up before the ACK",
    "cancelled 200 terminated_remotely unanswered", function()
      w:serve(function(session)
        session:participate()
      end)
      local call = w:invite()
      w.network:advance(0)
      call:bye()
    end)

  ends("ended by us before the ACK",
    "failed 200 terminated_locally unanswered", function()
      w:serve(function(session)
        session:participate_async({ sdp = World.ANSWER }, function() end)
        session:terminate()
      end)
      w:invite()
    end)

  ends("ended by us while it was negotiated",
    "failed 486 terminated_locally unanswered", function()
      w:serve(function(session)
        session.media = { get_answer = coroutine.yield }
        session:participate_async(function() end)
        session:terminate()
      end)
      w:invite()
    end)

  ends("left by its handler, which died",
    "rejected 500 terminated_locally unanswered", function()
      w:serve(error)
      w:invite()
      w.network:advance(0)
      w.errors = {}
    end)

  ends("closed with its endpoint",
    "connected 200 terminated_locally answered", function()
      w:established()
      w.endpoint:close()
    end)

  it("is told of once, when handlers end it again and again", function()
    w = World.new()
    local list = recording(w)
    w.endpoint:on("ended", function(session)
      session:terminate()
      assert.equal("terminated", select(2, session:reject(400)).reason)
    end)
    w:serve(function(session)
      session:on("state_changed", session.terminate)
      session:terminate()
    end)
    w:invite()
    w.network:advance(70)
    only(list)
  end)

  it("is told of when its connection is lost", function()
    w = World.new { protocol = "tcp" }
    local list = recording(w)
    w:serve(function(session)
      session:participate()
    end)
    w:invite()
    w:at(0.1, function()
      w.caller:close()
    end)
    w.network:advance(1)
    assert.equal("unreachable 200 unreachable unanswered",
      summary(only(list)))
  end)

  it("has its record where nobody listens", function()
    w = World.new()
    local call, session = w:established()
    w.network:advance(3)
    call:bye()
    w.network:advance(0)
    assert.equal(3, session.record.duration)
    assert.equal(session.record, session.record)
    assert.is_nil(session.record.cause)
  end)

  it("tells no more to a handler that was removed", function()
    w = World.new()
    local remove = w.endpoint:on("ended", error)
    remove()
    local call = w:invite()
    w.network:advance(0)
    call:ack()
    assert.equal(480, call.responses[1].code)
  end)

  it("reports the errors of its handlers to the endpoint", function()
    w = World.new()
    w.endpoint:on("ended", function()
      error "in ended"
    end)
    local list = recording(w)
    local call = w:invite()
    w.network:advance(0)
    call:ack()
    w:failed "in ended"
    only(list)
  end)

  it("is collected afterwards", function()
    w = World.new()
    local weak, told = setmetatable({}, { __mode = "k" }), 0
    w.endpoint:on("ended", function(session)
      weak[session] = true
      told = told + 1
    end)
    local call = w:invite()
    w.network:advance(0)
    call:ack()
    assert.equal(1, told)
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)
end)

describe("a call that ends while its network is collected", function()
  -- What was read for its handlers lay behind a table of Lua's. Here that is a
  -- string whose length, 69, looks like the tag of a table.
  it("is told to nobody", function()
    local output, ok, status = script [[
      local sip = require "sipsession"
      local testing = require "sipsession.testing"
      local strings, tables = {}, {}
      for i = 1, 1000 do
        local _ = {} -- free by then: what is made lies in one of these
        strings[i] = ("%069d"):format(i)
      end
      do
        local network = testing.network()
        local endpoint = assert(sip.endpoint {
          listen = "udp:10.0.0.1:5060", network = network,
        })
        endpoint:on("session_received", function(session)
          session:on("ended", print)
          session:participate()
        end)
        endpoint:on("ended", print)
        local caller = network:peer "udp:10.0.0.2:5060"
        local call = caller:invite { to = "sip:desk@10.0.0.1" }
        network:advance(0.1)
        call:ack()
        network:advance(0.1)
        setmetatable({}, { __gc = function()
          for i = 1, 500 do
            tables[i] = {}
          end
          call:bye()
          network:advance(1)
          print(call:wait(200) and "finalized")
        end })
      end
      collectgarbage()
      collectgarbage()
      print "collected"
    ]]
    assert.equal("finalized\ncollected\n", output)
    assert.is_true(ok, tostring(status))
  end)
end)

describe("over real sockets #slow, a record", function()
  local w
  teardown(Loopback.settle)

  it("has the time of the day", function()
    w = Loopback.new()
    local record
    w.endpoint:on("ended", function(_, given)
      record = given
    end)
    local call = w:invite()
    assert(call:wait(480))
    call:ack()
    assert.equal("integer", math.type(record.at))
    assert.is_true(math.abs(os.time() - record.at) <= 2)
    w:finish()
  end)
end)
