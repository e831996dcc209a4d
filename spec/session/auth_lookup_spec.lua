-- auth.lookup: what it may give, the time it may take, and what may happen
-- meanwhile (RFC 3261 22, 9.2).
local sip = require "sipsession"
local World = require "support.world"
local access = require "support.access"

describe("auth.lookup", function()
  local w

  local function world(auth, options)
    w = access.world(auth, options)
    return w
  end

  after_each(function()
    w:finish()
  end)

  local function invite(user, password)
    return access.invite(w, user, password)
  end

  local function try(call, how)
    access.try(w, call, how)
  end

  local function refused(stale)
    return access.refused(w, stale)
  end

  local function stats()
    return w.endpoint:stats()
  end

  it("may give H(A1), for one algorithm or for each", function()
    local _, sha = sip._digest("SHA-256", "alice", "example.com",
      "wonderland", "", "", "", "", "")
    local _, md5 = sip._digest("MD5", "alice", "example.com",
      "wonderland", "", "", "", "", "")
    local given
    world { lookup = function()
      return { ha1 = given }
    end }
    w:serve(function(session)
      session:reject(486)
    end)
    local function code(algorithm, password)
      local call = invite("alice", password)
      try(call, { algorithm = algorithm })
      local names = w:names()
      if names[#names] == "486 INVITE" then
        call:ack()
      end
      return names[#names]
    end
    given = sha:upper()
    assert.equal("486 INVITE", code "SHA-256")
    assert.equal("401 INVITE", code("SHA-256", "guess"))
    given = { ["SHA-256"] = sha, MD5 = md5 }
    assert.equal("486 INVITE", code "SHA-256")
    assert.equal("486 INVITE", code "MD5")
    given = { MD5 = md5 }
    assert.equal("401 INVITE", code "SHA-256")
    assert.equal("486 INVITE", code "MD5")
    given = md5
    assert.equal("500 INVITE", code "SHA-256")
    assert.equal(1, #w.errors)
    assert.matches("auth.lookup: ha1 isn't that of the algorithm",
      w.errors[1])
    assert.not_matches(md5, w.errors[1])
    w.errors = {}
  end)

  it("lets MD5 in nowhere where it gives ha1 for SHA-256 alone", function()
    local _, sha = sip._digest("SHA-256", "alice", "example.com",
      "wonderland", "", "", "", "", "")
    world { lookup = function()
      return { ha1 = { ["SHA-256"] = sha } }
    end }
    w:serve(function(session)
      session:reject(486)
    end)
    local call = invite("alice")
    try(call, { algorithm = "MD5" })
    local names = w:names()
    assert.equal("401 INVITE", names[#names])
    call = invite("alice")
    try(call, { algorithm = "SHA-256" })
    names = w:names()
    assert.equal("486 INVITE", names[#names])
    call:ack()
  end)

  it("is told which algorithm was chosen, and may take no MD5 of some users",
    function()
      local told = {}
      world { lookup = function(user, realm, algorithm)
        told[#told + 1] = table.concat({ user, realm, algorithm }, " ")
        return not (user == "alice" and algorithm == "MD5")
          and access.PASSWORDS[user]
      end }
      w:serve(function(session)
        session:reject(486)
      end)
      local function code(user, algorithm)
        local call = invite(user)
        try(call, { algorithm = algorithm })
        local names = w:names()
        if names[#names] == "486 INVITE" then
          call:ack()
        end
        return names[#names]
      end
      assert.equal("401 INVITE", code("alice", "MD5"))
      assert.equal("486 INVITE", code("alice", "SHA-256"))
      assert.equal("486 INVITE", code("bob", "MD5"))
      assert.same({ "alice example.com MD5", "alice example.com SHA-256",
        "bob example.com MD5" }, told)
    end)

  it("knows nobody where it gives nil, false or an empty password",
    function()
      for _, nobody in ipairs { "nil", "false", "empty" } do
        world { lookup = function()
          if nobody == "empty" then
            return ""
          end
          return nobody == "false" and false or nil
        end }
        w:serve()
        local call = invite("alice", "")
        try(call)
        refused(false)
        w:finish()
      end
      w = World.new()
    end)

  it("may take its time", function()
    world { lookup = function(user)
      sip.sleep(5)
      return access.PASSWORDS[user]
    end }
    w:serve(function(session)
      session:reject(486)
    end)
    local first, second = invite("alice"), invite("bob", "guess")
    w.start = w.network:time()
    try(first)
    try(second)
    first:retransmit()
    w.network:advance(4)
    assert.same({ "100 INVITE", "100 INVITE" }, w:names(3))
    w.network:advance(1.2)
    assert.same({ 5000 }, w:times "486 INVITE")
    first:ack()
    -- it has had a 100, and so won't ask again: this one is repeated
    w.network:advance(1.5)
    local times = w:times "401 INVITE"
    assert.same({ 0, 0, 5000, 5500, 6500 }, times)
    second:ack()
    w.network:advance(10)
    assert.equal(5, w:count "401 INVITE")
    assert.equal(1, #w.sessions)
  end)

  it("is not waited for by who cancels", function()
    world { lookup = function(user)
      sip.sleep(5)
      return access.PASSWORDS[user]
    end }
    w:serve()
    local call = invite()
    try(call)
    w.network:advance(1)
    call:cancel()
    local ok, failed = assert(call:wait(200, 0)), assert(call:wait(487, 0))
    assert.equal(ok:header "To", failed:header "To")
    call:ack()
    w.network:advance(10)
    assert.equal(0, #w.sessions)
    assert.equal(0, stats().calls_received)
  end)

  it("is not asked for who cancels at once", function()
    world()
    w:serve()
    local call = invite()
    assert(call:wait(401))
    call:authenticate()
    call:cancel()
    assert(call:wait(487, 1))
    call:ack()
    assert.same({}, w.asked)
  end)

  it("is awaited for 64*T1 only", function()
    world { lookup = function()
      sip.sleep(100)
      return "wonderland"
    end }
    w:serve()
    local call = invite()
    try(call)
    assert(call:wait(504))
    call:ack()
    assert.same({ 32000 }, w:times "504 INVITE")
    w.network:advance(100)
    assert.equal(0, #w.sessions)
  end)

  it("fails its request with 500 where it raises", function()
    world { lookup = function(user)
      error(user .. " has no luck")
    end }
    w:serve()
    local call = invite()
    try(call)
    assert(call:wait(500))
    call:ack()
    w:failed "alice has no luck"
  end)

  it("fails its request with 500 where it gives what is no password",
    function()
      local given
      world { lookup = function()
        return given
      end }
      w:serve()
      for _, value in ipairs { 4711, true, print, {}, { ha1 = 1 },
        { ha1 = "secret" }, { ha1 = { ["SHA-256"] = "secret" } } } do
        given = value
        local call = invite()
        try(call)
        assert(call:wait(500, 1))
        call:ack()
        assert.not_matches("secret", w.errors[1])
        assert.not_matches("4711", w.errors[1])
        w:failed "^auth.lookup: "
      end
    end)

  it("is asked for so many at a time", function()
    world({ lookup = function(user)
      sip.sleep(5)
      return access.PASSWORDS[user]
    end }, { endpoint = { limits = { pending_auth = 2 } } })
    w:serve(function(session)
      session:reject(486)
    end)
    local calls = {}
    for i = 1, 3 do
      calls[i] = invite()
      assert(calls[i]:wait(401))
      calls[i]:authenticate()
    end
    local response = assert(calls[3]:wait(503, 1))
    assert.equal("10", response:header "Retry-After")
    assert.equal(1, stats().refused_overload)
    for i = 1, 2 do
      assert(calls[i]:wait(486))
      calls[i]:ack()
    end
    calls[3]:ack()
    calls[3]:authenticate() -- there is room again
    assert(calls[3]:wait(486))
    calls[3]:ack()
  end)

  it("doesn't hold up who closes the endpoint", function()
    world { lookup = function(user)
      sip.sleep(5)
      return access.PASSWORDS[user]
    end }
    w:serve()
    local call = invite()
    try(call)
    w.endpoint:close()
    assert(call:wait(503, 1))
    w.network:advance(10)
    assert.equal(0, #w.sessions)
  end)

  it("may close the endpoint itself", function()
    world { lookup = function()
      w.endpoint:close()
      return "wonderland"
    end }
    w:serve()
    local call = invite()
    try(call)
    assert(call:wait(503, 1))
    assert.equal(0, #w.sessions)
  end)

  it("may be collected with the endpoint", function()
    local network = require("sipsession.testing").network()
    local endpoint = assert(sip.endpoint {
      listen = "udp:10.0.0.1:5060", network = network,
      auth = { realm = "example.com", lookup = function()
        sip.sleep(1000)
      end },
    })
    w = World.new()
    local call = network:peer("udp:10.0.0.2:5060"):invite {
      auth = { user = "alice", password = "wonderland" },
    }
    assert(call:wait(401))
    call:authenticate()
    network:advance(1)
    assert.is_number(endpoint.sessions)
    endpoint = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    network:advance(1)
    network:close()
  end)

  it("lasts longer than the connection", function()
    world({ lookup = function(user)
      sip.sleep(5)
      return access.PASSWORDS[user]
    end }, { protocol = "tcp" })
    w:serve(function(session)
      session:reject(486)
    end)
    local call = invite()
    try(call)
    w.caller:shut()
    w.network:advance(6)
    assert.equal(1, #w.sessions)
    assert.equal("alice", w.sessions[1].user)
    w.network:advance(40)
  end)
end)
