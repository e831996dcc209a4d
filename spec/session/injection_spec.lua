-- Nothing a script is fed with can end a line that it is put into: whatever
-- string is given wherever, it is refused before anything is sent, or comes
-- out as one value and nothing else (CWE-113).
local sip = require "sipsession"
local World = require "support.world"
local strings = require "support.strings"

-- Where a string can be put: fn(session, s) runs the verb, name is of what it
-- sends, has(message, s) says whether it came out as it was given.
local function trim(s)
  return s:match "^[ \t]*(.-)[ \t]*$"
end

local PLACES = {
  {
    "header value", "486 INVITE",
    function(session, s)
      return session:reject(486, { ["X-Value"] = s })
    end,
    function(message, s)
      return message:header "X-Value" == trim(s):gsub("\t", " ")
        and #message:headers "X-Value" == 1
    end,
    { ["x-value"] = true },
  },
  {
    "value in a list", "486 INVITE",
    function(session, s)
      return session:reject { code = 486,
        headers = { { "X-Value", { "a", s } } } }
    end,
    function(message, s)
      return message:headers "X-Value"[2] == trim(s):gsub("\t", " ")
    end,
    { ["x-value"] = true },
  },
  {
    "header name", "486 INVITE",
    function(session, s)
      return session:reject(486, { [s] = "1" })
    end,
    function(message, s)
      return message:header(s) == "1"
    end,
    true,
  },
  {
    "reason", "486 INVITE",
    function(session, s)
      return session:reject(486, nil, s)
    end,
    function(message, s)
      return message.reason == trim(s) or s == ""
    end,
    {},
  },
  {
    "reason of progress", "183 INVITE",
    function(session, s)
      return session:progress(183, { reason = s })
    end,
    function(message, s)
      return message.reason == trim(s) or s == ""
    end,
    {},
  },
  {
    "reason of participate", "200 INVITE",
    function(session, s)
      return session:participate_async({ reason = s }, function() end)
    end,
    function(message, s)
      return message.reason == trim(s) or s == ""
    end,
    {},
  },
  {
    "content type", "486 INVITE",
    function(session, s)
      return session:reject { code = 486, body = "x", content_type = s }
    end,
    function(message, s)
      return message.content_type == trim(s) and message.body == "x"
    end,
    {},
  },
  {
    "body", "486 INVITE",
    function(session, s)
      return session:reject { code = 486, body = s,
        content_type = "text/plain" }
    end,
    function(message, s)
      return (message.body or "") == s
    end,
    {},
  },
  {
    "target", "302 INVITE",
    function(session, s)
      return session:redirect(s)
    end,
    function(message)
      return message:header "Contact" ~= nil
    end,
    {},
  },
  {
    "target in a list", "302 INVITE",
    function(session, s)
      return session:redirect { "sip:a@10.0.0.9", "\"x\" <" .. s .. ">" }
    end,
    function(message)
      return message:header "Contact" ~= nil
    end,
    {},
  },
  {
    "headers of terminate", "486 INVITE",
    function(session, s)
      return session:terminate { ["X-Value"] = s }
    end,
    function(message, s)
      return message:header "X-Value" == trim(s):gsub("\t", " ")
    end,
    { ["x-value"] = true },
  },
}

-- What the stack itself says in a response.
local USUAL = {
  via = true, from = true, to = true, ["call-id"] = true, cseq = true,
  contact = true, server = true, allow = true, supported = true,
  ["content-type"] = true, ["content-length"] = true,
}

describe("injection", function()
  local w

  before_each(function()
    w = World.new()
    w:serve()
  end)

  after_each(function()
    w:finish()
  end)

  local function check(place, s)
    local what, name, fn, has, own = table.unpack(place)
    local shown = ("%s %q"):format(what, s)
    local call = w:invite { auto = true }
    w.network:advance(0)
    local session = w.sessions[#w.sessions]
    local n = #w.network.log
    local ok, err = pcall(fn, session, s)
    if not ok then
      assert.equal(n, #w.network.log, shown) -- nothing was sent
      assert.equal("incoming", session.state, shown)
      assert.is_string(err, shown)
      assert.is_nil(err:find "[%c\127]", shown .. ": " .. err)
      session:terminate()
      w.network:advance(0)
      return false
    end
    assert.is_true(what == "body" or not strings.breaks(s), shown)
    w.network:advance(0)
    local all = w:sent(name)
    local bytes = all[#all].text
    local head = bytes:match "^(.-\r\n)\r\n"
    assert.is_nil(head:find "[^\r]\n" or head:find "\r[^\n]", shown)
    local message = w.network:message(bytes)
    assert.is_nil(message.junk, shown)
    if what ~= "target" and what ~= "target in a list" then
      assert.is_truthy(has(message, s), shown .. "\n" .. bytes)
    end
    for _, header in ipairs(message:headers()) do
      local low = header[1]:lower()
      assert.is_true(USUAL[low] or own == true and header[1] == s
        or own ~= true and own[low] or false, shown .. ": " .. header[1])
    end
    if session.state ~= "disconnected" then
      call:cancel()
      session:terminate()
    end
    w.network:advance(6)
    return true
  end

  it("is impossible, with ten thousand strings", function()
    local random = strings.dice(20)
    local taken, refused = 0, 0
    for i = 1, 10000 // World.SCALE do
      if check(PLACES[i % #PLACES + 1], strings.made(random)) then
        taken = taken + 1
      else
        refused = refused + 1
      end
      if i % 100 == 0 then
        w.network.log = {}
        w:finish()
        w = World.new()
        w:serve()
      end
    end
    assert.is_true(taken > 1000 // World.SCALE, taken .. " taken")
    assert.is_true(refused > 4000 // World.SCALE, refused .. " refused")
  end)

  it("is impossible with each octet in each place", function()
    for octet = 0, 255, (World.SCALE + 4) // 5 do
      for i, place in ipairs(PLACES) do
        if (octet + i) % 3 == 0 or octet < 33 and (octet + i) % 2 == 0 then
          check(place, "a" .. string.char(octet) .. "b")
        end
      end
      if octet % 32 == 0 then
        w:finish()
        w = World.new()
        w:serve()
      end
    end
  end)

  it("is impossible through the endpoint's options", function()
    for _, name in ipairs { "uri", "advertise", "user_agent", "accept" } do
      for _, bad in ipairs { "x\r\nX-Evil: 1", "x\ny", "x\0y", "sip:a@b\r\n",
        "host\r\nX: 1" } do
        local config = { listen = "udp:10.0.0.5:5060", network = w.network }
        config[name] = name == "accept" and { bad } or bad
        local ok = pcall(function()
          local endpoint = assert(sip.endpoint(config))
          endpoint:close()
        end)
        assert.is_false(ok, name .. " " .. bad)
      end
    end
    w.network:advance(1)
  end)
end)
