-- Wrong credentials by source: limits.guesses_per_source.
local sip = require "sipsession"
local access = require "support.access"

describe("who guesses passwords", function()
  local w

  local function world(limit, lookup)
    w = access.world({ lookup = lookup },
      { endpoint = { limits = { guesses_per_source = limit } } })
    w:serve(function(session)
      session:reject(486)
    end)
  end

  after_each(function()
    w.network:advance(70)
    w:finish()
  end)

  -- The codes of what the endpoint sends from here on.
  local function codes(before)
    local counts = {}
    for i, entry in ipairs(w:sent()) do
      if i > before then
        local code = tonumber(entry.name:match "^%d+")
        if code > 100 then
          counts[code] = (counts[code] or 0) + 1
        end
      end
    end
    return counts
  end

  -- So many INVITEs (or what options.method says), each with a nonce of its
  -- own; what it is told about the credentials. Options: from, at_once.
  local function try(n, password, options)
    options = options or {}
    local peer = options.from and w.network:peer(options.from) or w.caller
    local calls = {}
    for i = 1, n do
      calls[i] = peer:invite { to = "sip:desk@10.0.0.1",
        auth = { user = "alice", password = password } }
      w.network:advance(0)
      assert(calls[i]:wait(401))
      calls[i]:ack()
    end
    local before = #w:sent()
    for i = 1, n do
      local method = options.method or "INVITE"
      calls[i]:request(method, { headers = {
        Authorization = calls[i]:authorization(method) } })
      if not options.at_once then
        w.network:advance(0)
      end
    end
    w.network:advance(0)
    local counts = codes(before)
    for i = 1, n do
      calls[i]:ack() -- or it is said again
    end
    return counts
  end

  -- A call of alice's that is up.
  local function connected(limit)
    w = access.world({},
      { endpoint = { limits = { guesses_per_source = limit } } })
    w:serve(function(session)
      session:participate()
    end)
    local call = access.invite(w)
    access.try(w, call)
    assert(call:wait(200, 1))
    call:ack()
    w.network:advance(0)
    return call
  end

  it("is heard twenty times, told so once a second, then not at all",
    function()
      world()
      assert.same({ [401] = 20, [503] = 1 }, try(30, "guess"))
      assert.equal(20, #w.asked)
      assert.equal(9 + 1, w.endpoint:stats().refused_guesses)
      local sent = w:sent "503 INVITE"
      -- when there is room for one again
      assert.matches("\r\nRetry%-After: 3\r\n", sent[1].text)
    end)

  it("isn't told that it was right", function()
    world(3)
    assert.same({ [401] = 3, [503] = 1 }, try(5, "guess"))
    assert.same({}, try(1, access.PASSWORDS.alice))
    w.network:advance(2)
    assert.same({ [503] = 1 }, try(1, access.PASSWORDS.alice))
    assert.equal(0, #w.sessions)
  end)

  it("is heard again as the minute goes by", function()
    world(3)
    try(5, "guess")
    w.network:advance(21)
    assert.same({ [401] = 1, [503] = 1 }, try(3, "guess"))
    w.network:advance(21)
    assert.same({ [486] = 1 }, try(1, access.PASSWORDS.alice))
    -- who is right spends nothing
    assert.same({ [486] = 9 }, try(9, access.PASSWORDS.alice))
    assert.same({ [401] = 1, [503] = 1 }, try(3, "guess"))
  end)

  it("gets no further by another method", function()
    world(3)
    for _, method in ipairs { "REGISTER", "OPTIONS", "MESSAGE" } do
      assert.same({ [401] = 1 }, try(1, "guess", { method = method }))
    end
    assert.same({ [503] = 1 }, try(1, "guess", { method = "REGISTER" }))
    assert.equal(3, #w.asked)
  end)

  it("gets no further with many at once", function()
    world(3)
    assert.same({ [401] = 3, [503] = 1 }, try(50, "guess", { at_once = true }))
  end)

  -- Each has heard a 100 by then, and would wait for ever.
  it("gets no further with many while the first is looked up", function()
    world(3, function()
      sip.sleep(1)
      return "wonderland"
    end)
    try(50, "guess")
    local before = #w:sent()
    w.network:advance(1)
    local counts = codes(before)
    assert.equal(3, counts[401])
    assert.equal(47, counts[503])
  end)

  it("is told each time over a stream, where nothing is said again", function()
    w = access.world({}, { protocol = "tcp",
      endpoint = { limits = { guesses_per_source = 3 } } })
    w:serve()
    assert.same({ [401] = 3, [503] = 5 }, try(8, "guess"))
  end)

  it("can't use up the guesses of another address with a nonce of his own",
    function()
      world(3)
      local call = w.caller:invite { to = "sip:desk@10.0.0.1",
        auth = { user = "alice", password = "guess" } }
      w.network:advance(0)
      assert(call:wait(401))
      call:ack()
      local value = call:authorization "INVITE"
      local forged = w.network:peer "udp:10.0.0.9:5060"
      for _ = 1, 9 do
        local other = forged:invite { to = "sip:desk@10.0.0.1",
          headers = { Authorization = value } }
        w.network:advance(0)
        local response = assert(other:wait(401))
        assert.matches("stale=true", response:header "WWW-Authenticate")
        other:ack()
      end
      assert.same({}, w.asked)
      assert.same({ [486] = 1 }, try(1, access.PASSWORDS.alice,
        { from = "udp:10.0.0.9:5061" }))
    end)

  it("gets no further within a call of his own, for another user", function()
    local call = connected(3)
    local before = #w:sent()
    for _ = 1, 9 do
      call:request("OPTIONS", { headers = {
        Authorization = call:authorization("OPTIONS", { user = "bob",
          password = "guess" }) } })
      w.network:advance(0)
    end
    assert.same({ [401] = 3, [503] = 1 }, codes(before))
  end)

  it("is one source of many", function()
    world(3)
    try(9, "guess", { from = "udp:10.0.0.7:5060" })
    assert.same({}, try(2, "guess", { from = "udp:10.0.0.7:5061" }))
    assert.same({ [486] = 2 }, try(2, access.PASSWORDS.alice,
      { from = "udp:10.0.0.8:5060" }))
  end)

  it("doesn't keep a call from the same place from ending", function()
    local call = connected(3)
    try(9, "guess")
    call:request("BYE", { headers = {
      Authorization = call:authorization "BYE" } })
    w.network:advance(0)
    assert.equal("disconnected", w.sessions[1].state)
    assert.equal("terminated_remotely", w.sessions[1].record.reason)
  end)

  it("is heard as often as it likes where the limit is 0", function()
    world(0)
    assert.same({ [401] = 100 }, try(100, "guess"))
  end)
end)
