-- As injection_spec.lua, in a call: whatever string is given to a verb of a
-- connected session, and to those that accept one, it is refused before
-- anything is sent, or comes out as one value and nothing else.
local World = require "support.world"
local strings = require "support.strings"

local function quiet() end

-- Where a string can be put: fn(session, s, request) runs the verb; a request
-- is one that waits for the script's answer, where `asks` is set. `may` is the
-- header that s is the value of, or true where s is the name of one.
local PLACES = {
  { "send: header", function(session, s)
    return session:send_async("INFO", { headers = { ["X-Value"] = s } }, quiet)
  end, may = "x-value" },
  { "send: name", function(session, s)
    return session:send_async("INFO", { headers = { [s] = "1" } }, quiet)
  end, may = true },
  { "send: method", function(session, s)
    return session:send_async(s, quiet)
  end },
  { "send: content type", function(session, s)
    return session:send_async("INFO", { body = "x", content_type = s }, quiet)
  end },
  { "send: body", function(session, s)
    return session:send_async("INFO",
      { body = s, content_type = "text/plain" }, quiet)
  end, body = true },
  { "renegotiate: header", function(session, s)
    return session:renegotiate_async({ headers = { ["X-Value"] = s } }, quiet)
  end, may = "x-value" },
  { "renegotiate: method", function(session, s)
    return session:renegotiate_async({ method = s }, quiet)
  end },
  { "renegotiate: content type", function(session, s)
    return session:renegotiate_async({ body = "x", content_type = s }, quiet)
  end },
  { "renegotiate: sdp", function(session, s)
    return session:renegotiate_async({ sdp = World.OFFER .. s }, quiet)
  end, body = true },
  { "hold: header", function(session, s)
    return session:hold_async({ headers = { ["X-Value"] = s } }, quiet)
  end, may = "x-value" },
  { "refer: target", function(session, s)
    return session:refer_async("sip:a" .. s .. "@10.0.0.9", quiet)
  end },
  { "refer: whole target", function(session, s)
    return session:refer_async(s, quiet)
  end },
  { "refer: header", function(session, s)
    return session:refer_async("sip:a@10.0.0.9",
      { headers = { ["X-Value"] = s } }, quiet)
  end, may = "x-value" },
  { "respond: header", function(_, s, request)
    return request:respond(200, { headers = { ["X-Value"] = s } })
  end, may = "x-value", asks = true },
  { "respond: reason", function(_, s, request)
    return request:respond(200, { reason = s })
  end, asks = true },
  { "respond: content type", function(_, s, request)
    return request:respond(200, { body = "x", content_type = s })
  end, asks = true },
  { "respond: body", function(_, s, request)
    return request:respond(200, { body = s, content_type = "text/plain" })
  end, asks = true, body = true },
  { "terminate: header", function(session, s)
    return session:terminate { ["X-Value"] = s }
  end, may = "x-value" },
}

-- What the stack itself says.
local USUAL = {
  via = true, from = true, to = true, ["call-id"] = true, cseq = true,
  contact = true, server = true, ["user-agent"] = true, allow = true,
  supported = true, ["max-forwards"] = true, ["content-type"] = true,
  ["content-length"] = true, ["refer-to"] = true, ["referred-by"] = true,
  ["refer-sub"] = true, ["session-expires"] = true, ["min-se"] = true,
  accept = true, require = true, route = true, ["content-disposition"] = true,
}

describe("injection in a call", function()
  local w, call, session, request

  local function open()
    w = World.new()
    call, session = w:established { auto = true }
    session:on("message_received", function(_, message)
      request = message
      require("sipsession").sleep(5)
    end)
  end

  after_each(function()
    w:finish()
  end)

  -- One message, with the stack's headers and the script's and no other, whose
  -- body is as long as it says.
  local function whole(bytes, place, s, shown)
    local head = bytes:match "^(.-\r\n)\r\n"
    assert.is_nil(head:find "[^\r]\n" or head:find "\r[^\n]"
      or head:find "%z", shown)
    local message = w.network:message(bytes)
    assert.is_nil(message.junk, shown)
    for _, header in ipairs(message:headers()) do
      local low = header[1]:lower()
      assert.is_true(USUAL[low] or place.may == low
        or place.may == true and header[1] == s or false,
        shown .. ": " .. header[1])
    end
  end

  local function check(place, s)
    local shown = ("%s %q"):format(place[1], s)
    if session.state ~= "connected" then
      w.network:advance(40)
      w.network.log = {}
      call, session = w:established { auto = true }
    end
    if place.asks then
      call:request("INFO", { headers = { ["Content-Type"] = "a/b" } })
      w.network:advance(0)
    end
    local n = #w:sent()
    local ok, result = pcall(place[2], session, s, request)
    w.network:advance(0)
    local sent = w:sent()
    if not ok then
      assert.equal(n, #sent, shown)
      assert.is_nil(tostring(result):find "[%c\127]", shown)
      assert.equal("connected", session.state, shown)
    else
      assert.is_true(place.body or not strings.breaks(s), shown)
      for i = n + 1, #sent do
        whole(sent[i].text, place, s, shown)
      end
    end
    w.network:advance(6)
    return ok
  end

  it("is impossible, with strings made of pieces", function()
    local random = strings.dice(4)
    local taken, refused = 0, 0
    for _ = 1, 40 // (World.SCALE > 1 and 20 or 1) do
      open()
      for _, place in ipairs(PLACES) do
        if check(place, strings.made(random)) then
          taken = taken + 1
        else
          refused = refused + 1
        end
      end
      session:terminate()
      w:finish()
    end
    open()
    assert.is_true(taken > 0 and refused > taken, taken .. " taken")
    session:terminate()
  end)

  it("is impossible with each control in each place", function()
    for _, octet in ipairs { 0, 9, 10, 11, 13, 27, 127, 133 } do
      open()
      for _, place in ipairs(PLACES) do
        check(place, "a" .. string.char(octet) .. "b")
      end
      session:terminate()
      w:finish()
    end
    open()
    session:terminate()
  end)
end)
