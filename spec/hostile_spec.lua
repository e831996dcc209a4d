-- Hostile messages of the project's own, each over a datagram and over a
-- stream, and the answer that each must get: 400 rather than silence wherever
-- there is a way back, nothing where there is none. After each the endpoint
-- still answers, nothing is left, and no script was asked unless the row says
-- so: 486 is the script's. What the RFCs print is in torture_spec.lua, limits
-- are in limits_spec.lua.
local World = require "support.world"
local messages = require "support.hostile_messages"
local script = require "support.script"

local ROWS, with = messages.rows, messages.with

describe("hostile", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function allowed(expected, got)
    if type(expected) == "table" then
      return expected[1] == got or expected[2] == got
    end
    return expected == got or expected == "close" and got == "none"
  end

  -- How often the endpoint says that it has refused something.
  local function counted()
    local n = 0
    for name, value in pairs(w.endpoint:stats()) do
      if name:find "^refused_" or name:find "^stray_" then
        n = n + value
      end
    end
    return n
  end

  local function try(protocol, row)
    w = World.new { protocol = protocol }
    w:serve(function(session)
      session:reject(486)
    end)
    local bytes = w:request(row[2])
    bytes = row[3] and row[3](bytes) or bytes
    w.caller:send(bytes, protocol .. ":10.0.0.1:5060")
    w.network:advance(0.3)
    local sent = w:sent()
    assert.is_true(#sent <= 1)
    local got = sent[1] and math.tointeger(sent[1].name:match "^%d+") or "none"
    return got, sent[1] and sent[1].text
  end

  for _, row in ipairs(ROWS) do
    for _, protocol in ipairs { "udp", "tcp" } do
      local expected = protocol == "tcp" and row[5] or row[4]
      it(("%s, %s over %s"):format(row[1], row[2], protocol), function()
        local got, text = try(protocol, row)
        assert.is_true(allowed(expected, got), ("got %s"):format(text or got))
        assert.equal(got == 486, #w.sessions == 1)
        if text then
          -- what came unescaped does not go back
          assert.is_nil(text:find "[^\\]%z" or text:find "[^\r]\n"
            or text:find "\r[^\n]")
        end
        w.network:advance(20)
        assert.equal((got == 200 or got == 486) and 0 or 1, counted())
        if expected == "close" then
          assert.equal(0, w.network:leftovers().connections)
        end
        w.caller = w.network:peer "udp:10.0.0.3:5060"
        w.protocol = "udp"
        w:probe()
        w.protocol = protocol
      end)
    end
  end

  it("is a set of a hundred", function()
    w = World.new()
    assert.is_true(#ROWS > 100)
  end)

  it("leave nothing behind, however often they come #slow", function()
    w = World.new()
    local sanitized = os.getenv "SIPSESSION_BUILD" ~= nil
    local output, ok = script(([[
      local rounds = require "support.hostile_rounds"
      print(rounds(%d, %d))
    ]]):format(sanitized and 3 or 30, sanitized and 6 or 60))
    assert.is_true(ok, output)
    local lua, all = output:match "^(%S+)\t(%S+)\n$"
    -- KB. The C library's heap varies by one MB; half a kilobyte of each
    -- message, and no message is smaller, would make five.
    assert.is_true(tonumber(lua) < 128, output)
    assert.is_true(sanitized or tonumber(all) < 4096, output)
  end)

  -- RFC 3261 8.1.1: what every request has.
  for _, method in ipairs { "INVITE", "OPTIONS", "BYE", "CANCEL" } do
    for _, name in ipairs { "Via", "From", "To", "Call-ID", "CSeq" } do
      local expected = name == "Via" and "none" or 400
      it(method .. " without " .. name, function()
        for _, protocol in ipairs { "udp", "tcp" } do
          local got = try(protocol, { "", method,
            with("\r\n" .. name .. ": ", "\r\nX-Not: ") })
          assert.equal(expected, got)
          assert.equal(0, #w.sessions)
          w:probe()
          if protocol == "udp" then
            w:finish()
          end
        end
      end)
    end
  end

  it("what wraps is refused in a call too, and the call stands", function()
    w = World.new()
    local call, session = w:established()
    for _, lines in ipairs { { RAck = "4294967297 1 INVITE" },
      { RAck = "1 4294967297 INVITE" }, { RAck = "x" },
      { ["Session-Expires"] = "-90" }, { Expires = "4294967296" } } do
      local method = lines.RAck and "PRACK" or "UPDATE"
      local n = #w:sent()
      call:request(method, { headers = lines })
      w.network:advance(0)
      local code = tonumber(w:names(n + 1)[1]:match "^%d+")
      assert.is_true(code == 400 or code == 481, code)
      assert.equal("connected", session.state)
    end
    -- as long as can be said, and not 90 seconds
    call:request("UPDATE", { headers = { Supported = "timer",
      ["Session-Expires"] = "4294967386;refresher=uac" } })
    w.network:advance(200)
    assert.equal("connected", session.state)
    call:bye()
    w.network:advance(40)
  end)
end)
