-- Negotiators: who is asked, what comes of what they give.
local sip = require "sipsession"
local World = require "support.world"

describe("a media negotiator", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  local function accept(media, invite)
    w:serve(function(session)
      session.media = media
      w:outcome(session:participate())
    end)
    invite = invite or {}
    invite.auto = true
    return w:invite(invite)
  end

  -- A call that the endpoint's negotiator answers, from its offer to its end.
  local function answered_by_endpoint()
    local call = accept(nil, { sdp = World.OFFER })
    assert.equal(World.ANSWER, assert(call:wait(200)).body)
    w.network:advance(1)
    call:bye()
    w.network:advance(1)
  end

  it("is given the offer, and its answer goes into the 200", function()
    local args
    local call = accept({
      get_answer = function(...)
        args = table.pack(...)
        return World.ANSWER
      end,
      get_offer = function()
        error "not asked for"
      end,
    }, { sdp = World.OFFER })
    local ok = assert(call:wait(200))
    assert.equal(World.ANSWER, ok.body)
    assert.equal("application/sdp", ok.content_type)
    w.network:advance(1)
    assert.equal(2, args.n)
    assert.equal(w.sessions[1], args[1])
    assert.equal(World.OFFER, args[2])
    call:bye()
    w.network:advance(1)
  end)

  it("makes the offer where there is none, and gets the answer", function()
    local answer
    w:serve(function(session)
      session.media = {
        get_offer = function(...)
          assert.equal(1, select("#", ...))
          return World.ANSWER
        end,
        set_answer = function(s, given)
          w:note "set_answer"
          answer = { s, given }
        end,
      }
      w:outcome(session:participate())
    end)
    local call = w:invite { sdp = false }
    assert.equal(World.ANSWER, assert(call:wait(200)).body)
    call:ack { sdp = World.OFFER }
    w.network:advance(1)
    assert.same({ w.sessions[1], World.OFFER }, answer)
    assert.same({ "set_answer", "accept ACK" }, { w.log[2], w.log[4] })
    call:bye()
    w.network:advance(1)
  end)

  it("of the endpoint serves sessions that have none", function()
    w.endpoint.media = {
      get_answer = function()
        return World.ANSWER
      end,
    }
    answered_by_endpoint()
  end)

  it("isn't asked when the accept brings its description", function()
    w:serve(function(session)
      session.media = {
        get_answer = function()
          error "not asked for"
        end,
      }
      w:outcome(session:participate { sdp = World.ANSWER })
    end)
    local call = w:invite { auto = true, sdp = World.OFFER }
    assert(call:wait(200))
    w.network:advance(1)
    call:bye()
    w.network:advance(1)
  end)

  it("isn't needed: the library's own description is inactive", function()
    local call = accept({}, { sdp = World.OFFER })
    assert.matches("a=inactive", assert(call:wait(200)).body, 1, true)
    w.network:advance(1)
    call:bye()
    w.network:advance(1)
  end)

  local function refused(media, pattern)
    assert.error_matches(function()
      w.endpoint.media = media
    end, pattern)
    assert.error_matches(function()
      sip.endpoint { listen = "udp:10.0.0.9:5060", network = w.network,
        media = media }
    end, pattern)
  end

  local function nothing() end

  it("whose function is misspelt is refused, and told what was meant",
    function()
      refused({ get_anwser = nothing }, "unknown media function 'get_anwser' "
        .. "%(did you mean 'get_answer'%?%)")
      refused({ get_answer = nothing, getoffer = nothing },
        "unknown media function 'getoffer' %(did you mean 'get_offer'%?%)")
      refused({ get_offer = nothing, set_anser = nothing },
        "unknown media function 'set_anser' %(did you mean 'set_answer'%?%)")
    end)

  it("with fields, but none of the functions, is refused", function()
    for _, media in ipairs {
      { answer = nothing }, { address = "10.0.0.1" }, { nothing },
      setmetatable({ port = 4000 }, { __index = { answer = nothing } }),
    } do
      refused(media, "media: none of get_answer, get_offer, set_answer is "
        .. "there")
    end
    refused(setmetatable({}, { __index = { get_offer = 7 } }),
      "media.get_offer: function expected, got number")
  end)

  it("may be an object: inherited functions, fields of its own", function()
    local Class = {}
    Class.__index = Class
    function Class.get_answer()
      return World.ANSWER
    end
    local media = setmetatable({ port = 4000, set_offer = World.ANSWER,
      get_answers = nothing, [1] = "x" }, Class)
    w.endpoint.media = media
    answered_by_endpoint()
  end)

  it("may be empty, and get its functions later", function()
    local media = {}
    w.endpoint.media = media
    function media.get_answer()
      return World.ANSWER
    end
    answered_by_endpoint()
  end)

  it("may yield", function()
    local call = accept({
      get_answer = function()
        sip.sleep(1)
        return World.ANSWER
      end,
    }, { sdp = World.OFFER })
    local at = w.network:time()
    assert(call:wait(200))
    assert.is_true(w.network:time() - at >= 1)
    w.network:advance(1)
    call:bye()
    w.network:advance(1)
  end)

  it("may yield on its own account", function()
    local thread
    local call = accept({
      get_answer = function()
        thread = coroutine.running()
        return (coroutine.yield())
      end,
    }, { sdp = World.OFFER })
    w.network:advance(1)
    coroutine.resume(thread, World.ANSWER)
    assert.equal(World.ANSWER, assert(call:wait(200)).body)
    w.network:advance(1)
    call:bye()
    w.network:advance(1)
  end)

  for name, case in pairs {
    ["that gives nothing: 488"] = { 488, function() end },
    ["that gives false: 488"] = { 488, function()
      return false
    end },
    ["that gives an empty string: 488"] = { 488, function()
      return ""
    end },
    ["that raises: 500"] = { 500, function()
      error "no codec"
    end, "no codec" },
    ["that raises after it waited: 500"] = { 500, function()
      sip.sleep(1)
      error "no codec"
    end, "no codec" },
    ["that gives something else: 500"] = { 500, function()
      return {}
    end, "must return a description" },
    ["that is killed while it waits: 500"] = { 500, function()
      local thread = coroutine.running()
      sip.spawn(function()
        sip.sleep(0.5)
        coroutine.close(thread)
      end)
      sip.sleep(1)
    end },
  } do
    it(name, function()
      local call = accept({ get_answer = case[2] }, { sdp = World.OFFER })
      assert(call:wait(case[1], 5))
      w.network:advance(1)
      if case[3] then
        w:failed(case[3])
      end
      assert.same({
        "incoming>connecting none -",
        "connecting>disconnected not_acceptable_media " .. case[1],
        "accept operation_failure media",
      }, w.log)
    end)
  end

  it("that is slower than the caller's patience loses", function()
    local call = accept({
      get_answer = function()
        sip.sleep(5)
        return World.ANSWER
      end,
    }, { sdp = World.OFFER })
    w.network:advance(1)
    call:cancel()
    assert(call:wait(487))
    w.network:advance(10)
    assert.equal("accept operation_failure cancelled", w.log[#w.log])
  end)
end)
