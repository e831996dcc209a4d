-- Nothing is sent to an address that a request did not come from, but where a
-- dialog's own route leads (RFC 3261 12.2.1.1); nothing follows what a peer
-- only names; and what one datagram without a way back can make us send is
-- bounded. A bystander listens where the messages point.
local World = require "support.world"

local BYSTANDER = "10.0.0.66"

describe("spoofing", function()
  local w, bystanders

  before_each(function()
    w = World.new()
    bystanders = {}
    for _, address in ipairs { "udp:10.0.0.66:5060", "udp:10.0.0.66:7",
      "tcp:10.0.0.66:5060" } do
      bystanders[#bystanders + 1] = w.network:peer(address)
    end
  end)

  after_each(function()
    for _, bystander in ipairs(bystanders) do
      bystander:close()
    end
    w:finish()
  end)

  -- Everything that was sent went to the caller's host.
  local function only_to_the_caller()
    for _, entry in ipairs(w:sent()) do
      assert.matches("^%a+:10%.0%.0%.2:%d+$", entry.to, entry.text)
    end
  end

  local VIAS = {
    maddr = "SIP/2.0/UDP 10.0.0.2:5060;maddr=10.0.0.66;branch=z9hG4bK%d",
    ["maddr and ttl"] =
      "SIP/2.0/UDP 10.0.0.2;maddr=224.2.0.1;ttl=255;branch=z9hG4bK%d",
    ["a broadcast maddr"] =
      "SIP/2.0/UDP 10.0.0.2;maddr=255.255.255.255;branch=z9hG4bK%d",
    ["received"] = "SIP/2.0/UDP 10.0.0.2;received=10.0.0.66;branch=z9hG4bK%d",
    ["received and rport"] = "SIP/2.0/UDP 10.0.0.66;received=10.0.0.66;"
      .. "rport=7;branch=z9hG4bK%d",
    ["sent-by of another"] = "SIP/2.0/UDP 10.0.0.66:5060;branch=z9hG4bK%d",
    ["sent-by of another's port"] = "SIP/2.0/UDP 10.0.0.66:7;branch=z9hG4bK%d",
    ["a broadcast sent-by"] = "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK%d",
    ["a multicast sent-by"] = "SIP/2.0/UDP 224.0.1.75;branch=z9hG4bK%d",
    ["a name"] = "SIP/2.0/UDP victim.invalid;branch=z9hG4bK%d",
    ["another transport"] = "SIP/2.0/TCP 10.0.0.66;branch=z9hG4bK%d",
  }

  for name, via in pairs(VIAS) do
    it("by a Via with " .. name, function()
      w:serve(function(session)
        session:reject(486)
      end)
      local serial = 0
      local function Via()
        serial = serial + 1
        return via:format(serial)
      end
      w:ask("OPTIONS", { Via = Via() })
      w:ask("OPTIONS", { Via = Via(), CSeq = "x OPTIONS" })
      w:ask("FROB", { Via = Via() })
      w:ask("BYE", { Via = Via() })
      w:ask("INVITE", { Via = Via() })
      w.network:advance(40)
      assert.is_true(#w:sent() >= 5)
      only_to_the_caller()
    end)
  end

  it("by the Via of a response, which goes nowhere", function()
    w.caller:send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1"
      .. "\r\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK2\r\n"
      .. "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"
      .. "CSeq: 1 INVITE\r\nContact: <sip:10.0.0.66>\r\n"
      .. "Content-Length: 0\r\n\r\n", "udp:10.0.0.1:5060")
    w.network:advance(40)
    assert.same({}, w:sent())
    assert.equal(1, w.endpoint:stats().stray_responses)
  end)

  it("by Contact, Route, Record-Route and Reply-To of what has no dialog",
    function()
      w:serve(function(session)
        session:progress(180)
        session:reject(603)
      end)
      for _, method in ipairs { "OPTIONS", "INVITE", "MESSAGE", "REFER",
        "SUBSCRIBE", "NOTIFY" } do
        w:ask(method, {
          Contact = "<sip:x@10.0.0.66>",
          extra = "Route: <sip:10.0.0.66;lr>\r\n"
            .. "Record-Route: <sip:10.0.0.66;lr>\r\n"
            .. "Reply-To: <sip:10.0.0.66>\r\nRefer-To: <sip:10.0.0.66>\r\n"
            .. "Event: refer\r\nReferred-By: <sip:10.0.0.66>\r\n",
        })
      end
      w.network:advance(40)
      only_to_the_caller()
    end)

  -- What a call's BYE goes to, from a caller at that address.
  local function bye_of(from, options)
    local caller = w.network:peer(from)
    w:serve(function(session)
      session:participate()
      session:terminate()
    end)
    options.to = "sip:desk@10.0.0.1"
    options.headers = options.headers or {}
    local call = caller:invite(options)
    assert(call:wait(200))
    call:ack()
    w.network:advance(40)
    caller:close()
    return assert(w:sent "BYE"[1]).to
  end

  it("by a Contact: a BYE goes there, as the dialog demands", function()
    assert.equal("udp:10.0.0.66:5060", bye_of("udp:10.0.0.4:5060",
      { contact = "<sip:x@10.0.0.66>" }))
    -- and nothing else has
    for _, entry in ipairs(w:sent()) do
      assert.is_true(entry.name == "BYE" or not entry.to:find(BYSTANDER, 1,
        true))
    end
  end)

  local STEERED = {
    { "udp:10.0.0.4:5060", "<sip:x@127.0.0.1:22>" },
    { "udp:10.0.0.4:5060", "<sip:x@127.1.2.3>" },
    { "udp:203.0.113.4:5060", "<sip:x@10.0.0.66>" },
    { "udp:203.0.113.4:5060", "<sip:x@192.168.1.1>" },
    { "udp:203.0.113.4:5060", "<sip:x@169.254.169.254:80>" },
    { "udp:10.0.0.4:5060", "<sip:x@0.0.0.0>" },
    { "udp:10.0.0.4:5060", "<sip:x@255.255.255.255>" },
    { "udp:10.0.0.4:5060", "<sip:x@224.0.1.75>" },
    { "udp:10.0.0.4:5060", "<sip:x@[::1]>" },
    { "udp:10.0.0.4:5060", "<sip:x@x.invalid>" },
  }
  for _, row in ipairs(STEERED) do
    it(("never to %s for %s: back to where it came from"):format(row[2],
      row[1]), function()
      assert.equal(row[1], bye_of(row[1], { contact = row[2] }))
    end)
  end

  describe("out of `targets`", function()
    local function targets(list)
      w:finish()
      w = World.new { endpoint = { targets = list } }
    end

    local FROM = "udp:203.0.113.4:5060"

    it("never, by a Contact: back to where it came from", function()
      targets { "203.0.113.0/24", "10.0.0.66" }
      assert.equal(FROM, bye_of(FROM, { contact = "<sip:x@198.51.100.1>" }))
      assert.equal(FROM, bye_of(FROM, { contact = "<sip:x@10.0.0.67>" }))
    end)

    it("never, by a Record-Route", function()
      targets "203.0.113.0/24"
      assert.equal(FROM, bye_of(FROM,
        { headers = { ["Record-Route"] = "<sip:198.51.100.1;lr>" } }))
    end)

    it("into them always", function()
      targets { "203.0.113.0/24", "10.0.0.66" }
      assert.equal("udp:10.0.0.66:5070", bye_of(FROM,
        { headers = { ["Record-Route"] = "<sip:10.0.0.66:5070;lr>" } }))
      targets "203.0.113.0/24"
      assert.equal("udp:203.0.113.9:5060", bye_of(FROM,
        { headers = { ["Record-Route"] = "<sip:203.0.113.9;lr>" } }))
    end)
  end)

  it("unseen by the script: next_hop tells", function()
    local caller = w.network:peer "udp:203.0.113.4:5060"
    local hops = {}
    w:serve(function(session)
      hops[#hops + 1] = session.next_hop
      session:reject(486)
    end)
    for _, to in ipairs { "198.51.100.1:5070", "198.51.100.1;transport=tcp",
      "127.0.0.1", "x.invalid" } do
      local call = caller:invite { to = "sip:desk@10.0.0.1",
        contact = ("<sip:x@%s>"):format(to) }
      assert(call:wait(486))
      call:ack()
    end
    assert.same({ "udp:198.51.100.1:5070", "tcp:198.51.100.1:5060",
      "udp:203.0.113.4:5060", "udp:203.0.113.4:5060" }, hops)
    -- and asking makes no connection
    assert.equal(0, w.endpoint:stats().alive.connections)
    w.network:advance(40)
    for _, session in ipairs(w.sessions) do -- those that have ended
      assert.is_nil(session.next_hop)
    end
  end)

  it("however often it is asked, with a proxy on the way", function()
    local caller = w.network:peer "udp:203.0.113.4:5060"
    local session
    w:serve(function(s)
      session = s
      s:participate()
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1",
      headers = { ["Record-Route"] = "<sip:p@203.0.113.9;lr;x=y>" } }
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    for _ = 1, 20000 do
      assert.equal("udp:203.0.113.9:5060", session.next_hop)
    end
    session:terminate()
    w.network:advance(40)
    assert.equal("udp:203.0.113.9:5060", w:sent "BYE"[1].to)
  end)

  it("waits for no name: a call and its BYE take under 20 ms", function()
    local hrtime, best = require "luv".hrtime, math.huge
    for i = 1, 5 do -- of a machine that is busy, the best
      local from = "udp:10.0.0.4:" .. 6000 + i
      local began = hrtime()
      assert.is_string(bye_of(from, { contact = "<sip:x@x.invalid>" }))
      assert.equal(11 * i, w:count "BYE") -- nobody answers it
      best = math.min(best, hrtime() - began)
    end
    -- a collector at each step, or valgrind
    local slow = os.getenv "SIPSESSION_GC" or os.getenv "SIPSESSION_MEMCHECK"
    assert.is_true(best < 20e6 or slow ~= nil, best)
  end)

  it("never to this machine by a Record-Route", function()
    assert.equal("udp:203.0.113.4:5060", bye_of("udp:203.0.113.4:5060",
      { headers = { ["Record-Route"] = "<sip:127.0.0.1:22;lr>" } }))
  end)

  it("by a Refer-To in a call: nothing follows it", function()
    local call = w:established()
    call:request("REFER", { headers = { ["Refer-To"] = "<sip:x@10.0.0.66>",
      ["Referred-By"] = "<sip:y@10.0.0.66>" } })
    w.network:advance(1)
    call:bye()
    w.network:advance(40)
    only_to_the_caller()
  end)

  describe("amplifies", function()
    -- What one datagram from somebody who never answers makes us send.
    local function sent_for(method, options, handler)
      w:serve(handler)
      w:ask(method, options)
      w.network:advance(200)
      return #w:sent()
    end

    it("once what is no call", function()
      assert.equal(1, sent_for "OPTIONS")
    end)

    it("once a message with a fault, an INVITE too", function()
      assert.equal(1, sent_for("INVITE", { CSeq = "x INVITE" }))
    end)

    it("once what is unknown", function()
      assert.equal(1, sent_for "FROB")
    end)

    it("not at all what can't be answered", function()
      assert.equal(0, sent_for("INVITE", { Via = "x" }))
      assert.equal(0, sent_for "ACK")
    end)

    it("at most eleven times a call that is declined", function()
      assert.equal(11, sent_for("INVITE", {}, function(session)
        session:reject(486)
      end))
    end)

    it("at most eleven times a call without a script", function()
      w:ask "INVITE"
      w.network:advance(200)
      assert.equal(11, #w:sent())
    end)

    it("at most eleven times an INVITE to nobody's dialog", function()
      assert.equal(11, sent_for("INVITE",
        { To = "<sip:desk@10.0.0.1>;tag=x" }))
    end)

    it("a call that is accepted: eleven answers, and six BYEs",
      function()
        sent_for("INVITE", {}, function(session)
          session:participate()
        end)
        assert.equal(11, w:count "200 INVITE")
        assert.equal(6, w:count "BYE")
        assert.equal(17, #w:sent())
        only_to_the_caller()
      end)
  end)

  it("an INVITE that comes back to whom it was sent to is merged or new, and "
    .. "ends", function()
    -- our own request, as it went out, comes in again (RFC 3261 8.2.2.2, 5393)
    local call, session = w:established()
    session:renegotiate_async(function() end)
    w.network:advance(0)
    local own = w:sent "INVITE"[1].text
    for i = 1, 20 do
      w.caller:send((own:gsub("branch=", "branch=z9hG4bKloop" .. i, 1)))
      w.network:advance(0)
    end
    -- each of them gets a final response: no dialog of ours has these tags
    assert.equal(20, w:count "481 INVITE")
    call:bye()
    w.network:advance(80)
  end)

  it("the same INVITE by two ways: the second gets 482", function()
    w:serve(function(session)
      session:progress(180)
    end)
    local first = w:request "INVITE"
    w.caller:send(first, "udp:10.0.0.1:5060")
    w.network:advance(0)
    w.caller:send((first:gsub("z9hG4bK", "z9hG4bKother")))
    w.network:advance(0)
    assert.equal(1, w:count "482 INVITE")
    assert.equal(1, #w.sessions)
    w.sessions[1]:terminate()
    w.network:advance(80)
  end)
end)
