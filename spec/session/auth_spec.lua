-- Digest authentication of callers: RFC 3261 22, RFC 7616, RFC 8760.
local sip = require "sipsession"
local World = require "support.world"
local access = require "support.access"

describe("auth", function()
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

  -- A call that is up.
  local function connect(user)
    local remove = w:serve(function(session)
      session:participate()
    end)
    local call = invite(user)
    try(call)
    assert(call:wait(200, 1))
    call:ack()
    w.network:advance(0)
    remove()
    return call, w.sessions[#w.sessions]
  end

  local function stats()
    return w.endpoint:stats()
  end

  it("asks who it is, by each algorithm, the best first", function()
    world()
    w:serve()
    local call = invite()
    local response = assert(call:wait(401))
    call:ack()
    local list = response:headers "WWW-Authenticate"
    assert.equal(2, #list)
    for i, algorithm in ipairs { "SHA-256", "MD5" } do
      assert.matches('^Digest realm="example.com", nonce="%x+", qop="auth", '
        .. "algorithm=" .. algorithm:gsub("%-", "%%-") .. "$", list[i])
    end
    assert.not_equal(list[1]:match 'nonce="(%x+)"',
      list[2]:match 'nonce="(%x+)"')
    assert.same({}, w.asked)
    assert.equal(1, stats().challenged)
  end)

  it("keeps nothing of what it refused, and repeats nothing", function()
    world()
    local call = invite()
    assert(call:wait(401))
    assert.equal(0, stats().alive.transactions)
    assert.equal(0, w.network:leftovers().timers)
    w.network:advance(40)
    assert.same({ "401 INVITE" }, w:names())
    call:retransmit()
    w.network:advance(0)
    assert.same({ "401 INVITE", "401 INVITE" }, w:names())
  end)

  for _, protocol in ipairs { "udp", "tcp" } do
    for _, algorithm in ipairs { "SHA-256", "MD5", "SHA-512-256" } do
      it(("lets in who knows the password, by %s over %s"):format(algorithm,
        protocol), function()
          world({ algorithms = { algorithm } }, { protocol = protocol })
          local call, session = connect()
          assert.equal("alice", session.user)
          assert.same({ "alice@example.com" }, w.asked)
          assert.equal("connected", session.state)
          call:bye()
          try(call)
          assert(call:wait(200))
          assert.equal("terminated_remotely", session.record.reason)
        end)
    end
  end

  it("takes whichever algorithm the caller chooses", function()
    world()
    w:serve(function(session)
      session:reject(486)
    end)
    local call = invite()
    try(call, { algorithm = "MD5" })
    assert(call:wait(486))
    call:ack()
  end)

  it("answers calls of nobody where there is no auth", function()
    w = World.new()
    local call, session = w:established()
    assert.is_nil(session.user)
    call:bye()
    assert(call:wait(200))
  end)

  it("unescapes a name in quotes", function()
    world()
    w:serve(function(session)
      session:reject(486)
    end)
    local call = invite("a\"b", "x")
    assert(call:wait(401))
    local value = call:authorization("INVITE", {
      user = "a\"b" }):gsub('username="a"b"', 'username="a\\"b"')
    call:ack()
    call:request("INVITE", { headers = { Authorization = value } })
    assert(call:wait(486, 1))
    call:ack()
    assert.equal("a\"b", w.sessions[1].user)
  end)

  describe("refuses", function()
    it("an unknown user as it does a wrong password", function()
      world()
      w:serve()
      local answers = {}
      for i, user in ipairs { "alice", "mallory" } do
        local call = invite(user, "guess")
        try(call)
        answers[i] = refused(false):gsub("nonce=\"%x+\"", "")
          :gsub("\r\n[Vv]ia:[^\r]*", ""):gsub("tag=[%w-]*", "")
          :gsub("Call%-ID: [^\r]*", "")
        call:ack()
      end
      assert.equal(answers[1], answers[2])
      assert.equal(2, #w.asked)
      assert.equal(2, stats().refused_credentials)
      assert.equal(0, stats().alive.transactions)
    end)

    it("an unknown user whatever the password", function()
      world()
      w:serve()
      -- what is computed with where nobody is known
      local call = invite("mallory", "no password")
      try(call)
      refused(false)
      call:ack()
    end)

    -- What is changed, and whether the nonce is to blame.
    local CHANGED = {
      { "another Request-URI", { uri = "sip:other@10.0.0.1" } },
      { "the credentials of another method", { method = "OPTIONS" } },
      { "another realm", { realm = "example.org" } },
      { "a nonce it didn't make", { nonce = ("0"):rep(60) }, true },
      { "a nonce that is none", { nonce = "1" }, true },
      { "no qop", { qop = false } },
      { "auth-int", { qop = "auth-int" } },
      { "no cnonce", { cnonce = false } },
      { "no count", { nc = false } },
      { "a count of 0", { nc = "00000000" } },
      { "a count too short", { nc = "1" } },
      { "no response", { response = false } },
      { "an empty response", { response = "" } },
      { "a response that is too short", { response = "00" } },
      { "no nonce", { nonce = false } },
      { "no uri", { uri = false } },
    }
    for _, changed in ipairs(CHANGED) do
      it(changed[1], function()
        world()
        w:serve()
        local call = invite()
        try(call, changed[2])
        refused(changed[3])
        local looked_up = changed[2].method ~= nil
        assert.equal(looked_up and 1 or 0, #w.asked)
      end)
    end

    it("what isn't Digest, or no credentials at all", function()
      world()
      w:serve()
      local nonce = ('nonce="%s"'):format(("0"):rep(60))
      local rest = 'uri="sip:desk@10.0.0.1", qop=auth, nc=00000001, '
        .. 'cnonce="x", response="' .. ("0"):rep(64) .. '", ' .. nonce
      local all = 'username="alice", realm="example.com", ' .. rest
      local list = {
        "Basic YWxpY2U6d29uZGVybGFuZA==", "Digest", "Digest ", "Digest x",
        "Digest =", "Digest ,", 'Digest username="', 'Digest "', "x", ",",
        "Digest realm=\"example.com\"", "Digest" .. (" a=b,"):rep(40),
        "Digest " .. (","):rep(200), "Digest " .. ("\\\""):rep(200),
        "Digest " .. all, "Digest " .. all .. ', realm="example.com"',
        "Digest " .. all .. ", algorithm=SHA-256, algorithm=MD5",
        "Digest " .. all .. ", algorithm=SHA-256-sess",
        "Digest " .. all .. ", algorithm=SHA-256, userhash=true",
        "Digest " .. all .. ", username*=UTF-8''alice, algorithm=SHA-256",
        "Digest " .. all .. ", algorithm=\"\"", "Digest;" .. all,
        "Digest " .. all:gsub('"alice"', '""') .. ", algorithm=SHA-256",
      }
      for _, value in ipairs(list) do
        assert.same({ "401 INVITE" }, w:ask("INVITE",
          { extra = "Authorization: " .. value .. "\r\n" }), value)
        refused(false)
      end
      -- twice for the realm: which of them is meant?
      local line = "Authorization: Digest " .. all .. ", algorithm=SHA-256\r\n"
      assert.same({ "401 INVITE" }, w:ask("INVITE", { extra = line .. line }))
      refused(false)
      assert.same({ "401 INVITE" }, w:ask("INVITE", { extra = line }))
      refused(true) -- as it would be after a restart
      assert.same({}, w.asked)
    end)

    it("an algorithm it didn't offer, or another one's nonce", function()
      world { algorithms = { "SHA-256" } }
      w:serve()
      local call = invite()
      assert(call:wait(401))
      local nonce = call.challenge:header("WWW-Authenticate")
        :match 'nonce="(%x+)"'
      call:ack()
      local function md5(uri, response)
        return ('Digest username="alice", realm="example.com", nonce="%s", '
          .. 'uri="%s", qop=auth, nc=00000001, cnonce="x", algorithm=MD5, '
          .. 'response="%s"'):format(nonce, uri, response)
      end
      local response = sip._digest("MD5", "alice", "example.com",
        "wonderland", "INVITE", call.uri, nonce, "00000001", "x")
      call:request("INVITE", { headers = {
        Authorization = md5(call.uri, response) } })
      w.network:advance(0)
      refused(false)
      w:finish()

      world()
      w:serve()
      call = invite()
      assert(call:wait(401))
      nonce = call.challenge:header("WWW-Authenticate"):match 'nonce="(%x+)"'
      call:ack()
      response = sip._digest("MD5", "alice", "example.com",
        "wonderland", "INVITE", call.uri, nonce, "00000001", "x")
      call:request("INVITE", { headers = {
        Authorization = md5(call.uri, response) } })
      w.network:advance(0)
      refused(true) -- the nonce was for SHA-256
      assert.same({}, w.asked)
    end)

    it("credentials a second time", function()
      world()
      w:serve(function(session)
        session:reject(486)
      end)
      local call = invite()
      try(call)
      local text = assert(call:wait(486)) and call.last.text
      call:ack()
      local value = text:match "\nAuthorization: ([^\r]*)"
      w.network:advance(40)
      assert.same({ "401 INVITE" }, w:ask("INVITE",
        { extra = "Authorization: " .. value .. "\r\n" }))
      local sent = w:sent()
      assert.matches("stale=true", sent[#sent].text)
      assert.equal(1, #w.sessions)
      assert.equal(1, #w.asked)
    end)

    it("a count it has seen, and takes those it hasn't in any order",
      function()
        world()
        local call = connect()
        local function ask(nc)
          call:request("OPTIONS", { headers = {
            Authorization = call:authorization("OPTIONS", { nc = nc }) } })
          w.network:advance(0)
          local names = w:names()
          return names[#names]
        end
        assert.equal("401 OPTIONS", ask "00000001")
        call.challenge = call.responses[1]
        assert.equal("200 OPTIONS", ask "00000009")
        assert.equal("200 OPTIONS", ask "00000005")
        assert.equal("401 OPTIONS", ask "00000005")
        call.challenge = call.responses[1]
        assert.equal("200 OPTIONS", ask "00000100")
        assert.equal("401 OPTIONS", ask "00000009")
        call.challenge = call.responses[1]
        assert.equal("401 OPTIONS", ask "00000010") -- too far back
        call:bye()
        try(call)
        assert(call:wait(200))
      end)

    it("a nonce that is too old, and says so", function()
      world { nonce_lifetime = 5 }
      w:serve(function(session)
        session:reject(486)
      end)
      local call = invite()
      assert(call:wait(401))
      w.network:advance(5.001)
      call:authenticate()
      w.network:advance(0)
      refused(true)
      assert.same({}, w.asked)
      try(call)
      assert(call:wait(486))
      call:ack()
    end)
  end)

  describe("within a call", function()
    it("asks for every request but ACK", function()
      world()
      local call, session = connect()
      for _, method in ipairs { "INVITE", "UPDATE", "INFO", "MESSAGE",
        "OPTIONS", "REFER", "FOO" } do
        call:request(method)
        w.network:advance(0)
        assert(call:wait(401, 0), method)
      end
      call:ack()
      local n = #w:names()
      call:reinvite { sdp = World.OFFER }
      try(call)
      assert(call:wait(200))
      call:ack()
      w.network:advance(40)
      assert.same({ "401 INVITE", "200 INVITE" }, { select(n + 1,
        table.unpack(w:names())) })
      assert.equal("connected", session.state)
      call:bye()
      w.network:advance(0)
      assert.equal("connected", session.state)
      try(call)
      assert.equal("disconnected", session.state)
    end)

    it("forbids it to another user", function()
      world()
      local call, session = connect "alice"
      call:bye()
      try(call, { user = "bob", password = "builder" })
      assert(call:wait(403, 1))
      assert.equal("connected", session.state)
      call:bye()
      try(call)
      assert(call:wait(200, 1))
    end)

    it("lets nobody in by a To tag, or by another method", function()
      world()
      w:serve()
      for _, method in ipairs { "INVITE", "BYE", "MESSAGE", "SUBSCRIBE",
        "OPTIONS", "REGISTER", "REFER", "FOO", "UPDATE", "PRACK" } do
        assert.same({ "401 " .. method }, w:ask(method))
        assert.same({ "401 " .. method }, w:ask(method,
          { To = "<sip:desk@10.0.0.1>;tag=guess" }))
      end
      assert.same({}, w:ask("ACK", { To = "<sip:desk@10.0.0.1>;tag=guess" }))
      assert.same({ "481 CANCEL" }, w:ask "CANCEL")
      assert.equal(0, #w.sessions)
    end)

    it("doesn't ask who cancels", function()
      world()
      w:serve()
      local call = invite()
      try(call)
      call:cancel()
      assert(call:wait(487))
      call:ack()
      assert.same({ "incoming>disconnected canceled 487" }, w.log)
    end)
  end)

  it("keeps so many nonces, and forgets the oldest", function()
    world({}, { endpoint = { limits = { used_nonces = 2 } } })
    w:serve(function(session)
      session:reject(486)
    end)
    local calls = {}
    for i = 1, 4 do
      w.network:advance(0.001)
      calls[i] = invite()
      assert(calls[i]:wait(401))
    end
    for i = 1, 3 do
      calls[i]:authenticate()
      assert(calls[i]:wait(486))
      calls[i]:ack()
    end
    -- the first one's nonce has gone, and nobody can use it again
    local value = calls[1].last.text:match "\nAuthorization: ([^\r]*)"
    w:ask("INVITE", { extra = "Authorization: " .. value .. "\r\n" })
    local sent = w:sent()
    assert.matches("stale=true", sent[#sent].text)
    calls[4]:authenticate()
    assert(calls[4]:wait(486))
    calls[4]:ack()
  end)

  it("raises for options that are wrong", function()
    w = World.new()
    local function with(auth)
      return pcall(sip.endpoint, { listen = "udp:10.0.0.9:5060",
        network = w.network, auth = auth })
    end
    local function fn() end
    for _, case in ipairs {
      { 1, "auth: a table" },
      { {}, "auth.realm: required" },
      { { realm = "" , lookup = fn }, "auth.realm: required" },
      { { realm = "a\"b", lookup = fn }, "auth.realm: at most" },
      { { realm = "a\r\nb", lookup = fn }, "auth.realm: at most" },
      { { realm = "x" }, "auth.lookup: a function" },
      { { realm = "x", lookup = fn, algorithms = {} }, "auth.algorithms" },
      { { realm = "x", lookup = fn, algorithms = "MD5" }, "auth.algorithms" },
      { { realm = "x", lookup = fn, algorithms = { "SHA-1" } },
        "'SHA%-1' is not supported" },
      { { realm = "x", lookup = fn, algorithms = { "MD5", "md5" } },
        "there twice" },
      { { realm = "x", lookup = fn, nonce_lifetime = 0 }, "greater than 0" },
      { { realm = "x", lookup = fn, relm = "x" },
        "unknown option of auth 'relm' %(did you mean 'realm'" },
    } do
      local ok, err = with(case[1])
      assert.is_false(ok)
      assert.matches(case[2], err)
    end
  end)

  it("is answered by an auto peer of the kit", function()
    world({}, { auto = true })
    w:serve(function(session)
      session:participate()
      sip.sleep(1)
      session:terminate()
    end)
    invite()
    w.network:advance(40)
    assert.equal("connected", w.sessions[1].record.outcome)
    assert.equal("alice", w.sessions[1].user)
    w:invite { auth = { user = "alice", password = "guess" } }
    w.network:advance(40)
    assert.equal(1, #w.sessions)
    assert.equal(2, w:count "401 INVITE" - 1)
  end)
end)
