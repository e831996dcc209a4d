-- REFER that comes in a call (RFC 3515, 4488): the event "refer_received", the
-- referral, and the NOTIFYs about it. How those end is in referral_spec.lua.
local sip = require "sipsession"
local World = require "support.world"
local referring = require "support.referring"

local refer, notified = referring.refer, referring.notified
local result, accepting = referring.result, referring.accepting

describe("a REFER", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  local function last()
    return w.log[#w.log]
  end



  it("tells who, where to, by whom, and which call it replaces", function()
    local call, session = w:established()
    local seen
    session:on("refer_received", function(_, referral)
      seen = {
        referral.target, referral.refer_to, referral.referred_by,
        referral.replaces, referral.request.method, tostring(referral),
      }
      assert.equal(referral.request, referral.request)
      assert.has_error(function()
        referral.target = "sip:mallory@example.com"
      end)
      referral:reject(603)
    end)
    refer(call, {
      ["Refer-To"] = "\"C\" <sip:carol@example.com?Replaces=abc%40y%3Bto-tag"
        .. "%3D1%3Bfrom-tag%3D2>;x=y",
      ["Referred-By"] = "<sip:bob@example.com>;cid=1",
    })
    assert(call:wait(603))
    local uri = "sip:carol@example.com?Replaces=abc%40y%3Bto-tag%3D1"
      .. "%3Bfrom-tag%3D2"
    assert.same({
      uri, "\"C\" <" .. uri .. ">;x=y", "<sip:bob@example.com>;cid=1",
      "abc@y;to-tag=1;from-tag=2", "REFER",
      "sipsession.referral (" .. uri .. ")",
    }, seen)
    session:on("refer_received", function(_, referral)
      seen = { referral.referred_by or "none", referral.replaces or "none",
        referral.target }
    end)
    refer(call, { ["Refer-To"] = "tel:+1234;phone-context=x" })
    assert(call:wait(603))
    assert.same({ "none", "none", "tel:+1234" }, seen)
  end)

  it("is accepted with 202 and a NOTIFY; then it tells what happens",
    function()
      local call, session = w:established()
      accepting(session, function(referral)
        for _, args in ipairs { { 180 }, { 183, "On Its Way" }, { 180 },
          { 200 }, { 200 }, { 100 } } do
          w:note("%s", result(referral:notify(table.unpack(args))))
          sip.sleep(0.7)
        end
      end)
      refer(call)
      assert(call:wait(202))
      local says, notify = notified(call)
      assert.equal("SIP/2.0 100 Trying|active;expires=60|refer", says)
      assert.equal("message/sipfrag;version=2.0", notify.content_type)
      assert.matches("^<sip:10%.0%.0%.1:5060", notify:header "Contact")
      assert.equal("SIP/2.0 180 Ringing|active;expires=60|refer",
        (notified(call)))
      assert.equal("SIP/2.0 183 On Its Way|active;expires=60|refer",
        (notified(call, 1)))
      assert.equal("SIP/2.0 180 Ringing|active;expires=59|refer",
        (notified(call, 1)))
      assert.equal("SIP/2.0 200 OK|terminated;reason=noresource|refer",
        (notified(call, 1)))
      w.network:advance(3)
      local over = "invalid_operation terminated"
      assert.same({ "true", "true", "true", "true", over, over },
        { table.unpack(w.log, 4) })
      assert.equal("connected", session.state)
      w.network:advance(70)
      assert.equal("connected", session.state)
    end)

  it("waits with a notify for the answer of the ones before", function()
    local call, session = w:established()
    local referral
    accepting(session, function(given)
      referral = given
    end)
    refer(call)
    w.network:advance(0)
    for _, code in ipairs { 180, 486 } do
      sip.spawn(function()
        w:note("%d %s", code, result(referral:notify(code)))
      end)
    end
    w.network:advance(0.4)
    assert.equal(1, w:count "NOTIFY")
    notified(call)
    w.network:advance(0.4)
    assert.equal(2, w:count "NOTIFY")
    assert.equal("SIP/2.0 180 Ringing", notified(call):match "^[^|]*")
    assert.equal("180 true", last())
    assert.equal("SIP/2.0 486 Busy Here|terminated;reason=noresource|refer",
      (notified(call)))
    assert.equal("486 true", last())
  end)

  it("is accepted with headers of ours", function()
    local call, session = w:established()
    session:on("refer_received", function(_, referral)
      for i, wrong in ipairs {
        function() referral:accept { headers = { Via = "x" } } end,
        function() referral:accept "x" end,
        function() referral:reject() end,
        function() referral:reject(200) end,
        function() referral:reject(700) end,
        function() referral:reject(486, "x") end,
        function() referral.accept() end,
      } do
        local ok, err = pcall(wrong)
        assert.is_false(ok, "wrong argument " .. i .. " was taken")
        assert.matches("refer_spec.lua:%d+:", err)
      end
      assert.equal("invalid_operation terminated", result(referral:notify(200)))
      if referral.request:header "X-Way" then
        assert.is_true(referral:accept { ["X-A"] = "1" })
      else
        assert.is_true(referral:accept { headers = { ["X-A"] = "2" } })
      end
      for _, again in ipairs { "accept", "reject" } do
        assert.equal("invalid_operation answered",
          result(referral[again](referral, again == "reject" and 486 or nil)))
      end
      for i, wrong in ipairs {
        function() referral:notify() end,
        function() referral:notify(99) end,
        function() referral:notify(700) end,
        function() referral:notify "200" end,
        function() referral:notify(200, "a\r\nb") end,
        function() referral:notify(200, {}) end,
      } do
        local ok, err = pcall(wrong)
        assert.is_false(ok, "wrong argument " .. i .. " was taken")
        assert.matches("refer_spec.lua:%d+:", err)
      end
      assert.equal("operation_failure -",
        result(referral:notify(200, ("x"):rep(1000))))
      referral:notify(200)
    end)
    for way, value in ipairs { "1", "2" } do
      refer(call, { ["X-Way"] = way == 1 and "x" or nil })
      assert.equal(value, assert(call:wait(202)):header "X-A")
      notified(call)
      notified(call)
    end
  end)

  it("is rejected with any code and headers of ours", function()
    local call, session = w:established()
    local codes = { 302, 405, 486, 603, 699 }
    local n = 0
    session:on("refer_received", function(_, referral)
      n = n + 1
      assert.is_true(referral:reject(codes[n], { ["X-A"] = "1" }))
      assert.equal("invalid_operation answered", result(referral:accept()))
      assert.equal("invalid_operation terminated",
        result(referral:notify(200)))
    end)
    for _, code in ipairs(codes) do
      refer(call)
      assert.equal("1", assert(call:wait(code)):header "X-A")
    end
    assert.equal(0, w:count "NOTIFY")
    assert.equal("connected", session.state)
  end)

  it("gets 603 where nobody listens, or nobody decides", function()
    local call, session = w:established()
    refer(call)
    assert(call:wait(603, 0))
    local kept
    for i = 1, 2 do
      session:on("refer_received", function(_, referral)
        kept = referral
        sip.sleep(i)
      end)
    end
    refer(call)
    assert.is_nil(call:wait(603, 1.9))
    assert(call:wait(603, 0.2))
    assert.equal("invalid_operation answered", result(kept:accept()))
  end)

  it("gets 500 where a handler died undecided", function()
    local call, session = w:established()
    session:on("refer_received", function()
      error "no idea"
    end)
    refer(call)
    assert(call:wait(500, 0))
    w:failed "no idea"
    assert.equal("connected", session.state)
    accepting(session, function(referral)
      referral:notify(200)
    end)
    refer(call)
    assert(call:wait(202, 0))
    w:failed "no idea"
    notified(call)
    notified(call)
  end)

  it("with Refer-Sub: false is accepted with 200, and there is no NOTIFY",
    function()
      local call, session = w:established()
      accepting(session, function(referral)
        w:note("%s", result(referral:notify(180)))
      end)
      for _, value in ipairs { "false", "False ;x=y" } do
        refer(call, { ["Refer-Sub"] = value })
        assert.equal("false", assert(call:wait(200, 0)):header "Refer-Sub")
        assert.equal("invalid_operation terminated", last())
      end
      w.network:advance(70)
      assert.equal(0, w:count "NOTIFY")
      refer(call, { ["Refer-Sub"] = "true" })
      assert.is_nil(assert(call:wait(202, 0)):header "Refer-Sub")
      notified(call)
      notified(call)
    end)

  it("has an id in its NOTIFYs, but for the first in the dialog", function()
    local call, session = w:established()
    accepting(session, function(referral)
      sip.sleep(1)
      referral:notify(tonumber(referral.target:match ":(%d+)@"))
    end)
    local ids = {}
    for code = 200, 202 do
      local sent = refer(call, { ["Refer-To"] = ("<sip:%d@x>"):format(code) })
      ids[code] = sent:header "CSeq":match "%d+"
    end
    local seen = {}
    w.network:advance(0)
    for _ = 1, 3 do
      notified(call)
    end
    for _ = 1, 3 do
      local says = notified(call, 2)
      seen[tonumber(says:match "SIP/2.0 (%d+)")] = says:match "[^|]*$"
    end
    assert.same({
      [200] = "refer", [201] = "refer;id=" .. ids[201],
      [202] = "refer;id=" .. ids[202],
    }, seen)
  end)

  it("needs one Refer-To that can be read: else 400", function()
    local call, session = w:established()
    session:on("refer_received", function()
      w:note "told"
    end)
    local n = #w.log
    for i, value in ipairs {
      false, "", "<>", "<sip:>", "carol", "<sip:a@b", "<sip:a@b>, <sip:c@d>",
      "<sip:a b@c>", "\"x <sip:a@b>", "sip:a@b?x=y", ("<sip:%s"):format("a"),
      "<sip:a@b?Replaces=%0d%0aX:1>", "<sip:a@b?Replaces=%4>",
      "<sip:a@b?Replaces=%zz>", ("<"):rep(100), "<sip:a@b?Replaces=%00>",
    } do
      refer(call, { ["Refer-To"] = value })
      assert.equal(400, assert(call:wait(nil, 0)).code, i)
    end
    call:request("REFER", { headers = {
      ["Refer-To"] = { "<sip:a@b>", "<sip:c@d>" },
    } })
    assert(call:wait(400, 0))
    call:request("REFER", { headers = { ["r"] = "<sip:a@b>",
      ["Refer-To"] = "<sip:c@d>" } })
    assert.equal(400, assert(call:wait(nil, 0)).code)
    assert.equal(n, #w.log)
    assert.equal("connected", session.state)
  end)

  it("out of a dialog gets 405, before the ACK 491, and 481 after the call",
    function()
      assert.same({ "405 REFER" },
        w:ask("REFER", { extra = "Refer-To: <sip:a@b>\r\n" }))
      w:serve(function(session)
        session:progress()
        sip.sleep(1)
        session:participate()
      end)
      local call = w:invite()
      assert(call:wait(180))
      refer(call)
      assert(call:wait(491, 0))
      assert(call:wait(200))
      refer(call)
      assert(call:wait(491, 0))
      call:ack()
      w.network:advance(0)
      call:bye()
      assert(call:wait(200, 0))
      refer(call)
      assert(call:wait(481, 0))
    end)

  it("over the limit gets 503", function()
    w:finish()
    w = World.new { endpoint = { limits = { dialog_requests = 3 } } }
    local call, session = w:established()
    accepting(session)
    for _ = 1, 6 do
      refer(call)
      w.network:advance(0)
    end
    assert.equal(3, w:count "202 REFER")
    assert.equal(3, w:count "503 REFER")
    for _ = 1, 3 do
      notified(call, 0, 481)
    end
    refer(call)
    assert(call:wait(202, 0))
    notified(call, 0, 481)
  end)
end)
