-- Headers, bodies and targets that scripts give: how they arrive, and what is
-- refused. Injection at large is in spec/session.
local World = require "support.world"

local STACKS = {
  "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Route",
  "Record-Route", "Content-Length", "RSeq", "RAck", "Session-Expires",
  "Min-SE", "VIA", "via",
}

local COMPACT = {
  v = "Via", f = "From", t = "To", i = "Call-ID", m = "Contact",
  l = "Content-Length", x = "Session-Expires", X = "Session-Expires",
}

describe("headers", function()
  local w, session, call

  before_each(function()
    w = World.new()
    w:serve()
    call = w:invite { auto = true }
    w.network:advance(0.3)
    session = w.sessions[1]
  end)

  after_each(function()
    if session.state == "incoming" then
      session:reject(486)
      w.network:advance(1)
    end
    w:finish()
  end)

  local function sent(headers)
    assert.is_true(session:reject(486, headers))
    return assert(call:wait(486))
  end

  it("are a map of strings, numbers and lists", function()
    local message = sent {
      ["X-Text"] = "a b", ["X-Integer"] = 7, ["X-Float"] = 0.5,
      ["X-List"] = { "one", 2, "three" }, ["X-Empty"] = "",
    }
    assert.equal("a b", message:header "X-Text")
    assert.equal("7", message:header "X-Integer")
    assert.equal("0.5", message:header "X-Float")
    assert.equal("", message:header "X-Empty")
    assert.same({ "one", "2", "three" }, message:headers "X-List")
  end)

  it("are a list of pairs in order", function()
    local message = sent {
      { "Warning", "399 a \"1\"" }, { "X-Between", "x" },
      { "Warning", "399 a \"2\"" }, { "X-More", { "y", "z" } },
    }
    local names = {}
    for _, pair in ipairs(message:headers()) do
      if pair[1] == "Warning" or pair[1]:find "^X" then
        names[#names + 1] = pair[1] .. "=" .. pair[2]
      end
    end
    assert.same({
      "Warning=399 a \"1\"", "X-Between=x", "Warning=399 a \"2\"",
      "X-More=y", "X-More=z",
    }, names)
  end)

  -- Counted with them both are too much for one message. The core, which trims,
  -- then had to find the room itself, in memory that is Lua's.
  it("are counted without the blanks around them", function()
    local blanks, text = (" "):rep(17000), ("x"):rep(300)
    local message = sent {
      { "X-First", ("y"):rep(100) }, { "X-Alone", blanks .. text },
      { "X-Last", text .. ("\t"):rep(16384 - 300) },
    }
    assert.equal(text, message:header "X-Alone")
    assert.equal(text, message:header "X-Last")
  end)

  local function refused(headers, pattern)
    assert.error_matches(function()
      session:reject(486, headers)
    end, "^" .. pattern)
    assert.equal("incoming", session.state)
  end

  it("of the stack are refused by name", function()
    for _, name in ipairs(STACKS) do
      refused({ [name] = "x" },
        "header '" .. name:gsub("%-", "%%-") .. "' is set by the stack; remove")
    end
    refused({ ["Content-Type"] = "a/b" }, ".*use the option 'content_type'")
  end)

  it("of the stack are refused in compact form, with the full name", function()
    for name, full in pairs(COMPACT) do
      refused({ [name] = "x" }, ("header '%s' is %s, which is set by the "
        .. "stack; remove it$"):format(name, full:gsub("%-", "%%-")))
    end
    refused({ c = "a/b" }, "header 'c' is Content%-Type, which is set by the "
      .. "stack; use the option 'content_type'$")
  end)

  it("that can't be written are refused", function()
    for _, value in ipairs { "a\rb", "a\nb", "a\0b", "\r\nX: y", "\27" } do
      refused({ ["X-A"] = value }, "header 'X%-A': the value contains CR, LF")
      refused({ ["X-A"] = { "fine", value } }, "header 'X%-A'")
      refused({ { "X-A", value } }, "header 'X%-A'")
    end
    for _, name in ipairs { "", "X A", "X:A", "X\r\nA", "X\0", "ä" } do
      refused({ [name] = "x" }, "header '.*': the name is not a token")
    end
    refused({ ["X-A"] = ("x"):rep(20000) }, "header 'X%-A': too much")
    refused({ ["X-A"] = (" "):rep(20000) .. "\r\n" }, "header .*contains CR")
  end)

  it("of the wrong type are refused", function()
    refused({ ["X-A"] = true }, "header 'X%-A': .*got boolean")
    refused({ ["X-A"] = {} }, "header 'X%-A': the list is empty")
    refused({ ["X-A"] = { {} } }, "header 'X%-A': .*got table")
    refused({ "X-A: b" }, "headers: {name, value} expected")
    refused({ { 1, 2 } }, "headers: the name is a string")
    refused({ { "X-A" } }, "header 'X%-A': .*got nil")
    refused({ [true] = "x" }, "headers: names expected")
    refused({ [5] = { "X-A", "b" } }, "headers: names expected")
    refused("X-A: b", "headers: a table expected, got string")
  end)
end)

describe("targets", function()
  local w, session, call

  before_each(function()
    w = World.new()
    w:serve()
    call = w:invite { auto = true }
    w.network:advance(0.3)
    session = w.sessions[1]
  end)

  after_each(function()
    if session.state == "incoming" then
      session:reject(486)
      w.network:advance(1)
    end
    w:finish()
  end)

  it("become Contact values", function()
    assert.is_true(session:redirect {
      "sip:a@example.com;transport=tcp", "<sip:b@example.com>;q=0.5",
      "\"C, the third\" <sip:c@example.com>", "tel:+123",
    })
    local contact = table.concat(assert(call:wait(302)):headers "Contact",
      ", ")
    assert.equal("<sip:a@example.com;transport=tcp>, "
      .. "<sip:b@example.com>;q=0.5, \"C, the third\" <sip:c@example.com>, "
      .. "<tel:+123>", contact)
  end)

  it("that are no URIs are refused", function()
    for _, bad in ipairs {
      "", "example.com", "sip:", "sip:a b@c", "sip:a@b>,<sip:x@y",
      "sip:a@b\r\nX: y", "<sip:a@b", 7, {}, { "sip:a@b", "x" }, { 7 }, true,
    } do
      assert.has_error(function()
        session:redirect(bad)
      end)
    end
    assert.has_error(function()
      session:redirect()
    end)
    assert.equal("incoming", session.state)
  end)
end)
