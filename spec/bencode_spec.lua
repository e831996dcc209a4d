-- sipsession.bencode: what it writes, what it reads, and that no bytes hurt.
local bencode = require "sipsession.bencode"

describe("bencode.encode", function()
  for text, value in pairs {
    ["5:hello"] = "hello",
    ["0:"] = "",
    ["3:\0\255\n"] = "\0\255\n",
    ["i0e"] = 0,
    ["i-42e"] = -42,
    ["i-9223372036854775808e"] = math.mininteger,
    ["l1:ai2ee"] = { "a", 2 },
    ["le"] = {},
    ["d1:ai1e2:abl1:xee"] = { ab = { "x" }, a = 1 },
    ["d7:command4:pinge"] = { command = "ping" },
  } do
    it(("writes %q"):format(text), function()
      assert.equal(text, bencode.encode(value))
      assert.same(value, bencode.decode(text))
    end)
  end

  for what, value in pairs {
    ["a float"] = 1.5,
    ["a boolean"] = { all = true },
    ["a function"] = { print },
    ["a list with names"] = { "a", b = 1 },
    ["a list with holes"] = { [1] = "a", [3] = "b" },
    ["a key that is no name"] = { a = 1, [2] = 3 },
  } do
    it("raises for " .. what, function()
      assert.error_matches(function()
        bencode.encode(value)
      end, "^bencode: ")
    end)
  end

  it("raises for a table in itself", function()
    local loop = {}
    loop[1] = loop
    assert.error_matches(function()
      bencode.encode(loop)
    end, "nested too deeply")
  end)
end)

describe("bencode.decode", function()
  it("reads keys in any order, and the last of two that are the same",
    function()
      assert.same({ b = 1, a = 3 }, bencode.decode "d1:bi1e1:ai2e1:ai3ee")
    end)

  for text, why in pairs {
    [""] = "the end is missing",
    ["x"] = "no length",
    ["-1:a"] = "no length",
    [":a"] = "no length",
    ["5"] = "no length",
    ["5:abc"] = "goes past the end",
    ["999999999:a"] = "goes past the end",
    ["99999999999999999999999999:a"] = "no length",
    ["ie"] = "no integer",
    ["i-e"] = "no integer",
    ["i1"] = "no integer",
    ["i01e"] = "no integer",
    ["i-0e"] = "no integer",
    ["i1.5e"] = "no integer",
    ["i9223372036854775808e"] = "no integer",
    ["i-9223372036854775809e"] = "no integer",
    ["l"] = "the end is missing",
    ["li1e"] = "the end is missing",
    ["d"] = "no length",
    ["d1:a"] = "the end is missing",
    ["d1:ae"] = "no length",
    ["di1ei2ee"] = "no length",
    ["dlei2ee"] = "no length",
    ["i1ei2e"] = "something follows",
    [("l"):rep(33) .. ("e"):rep(33)] = "nested too deeply",
    [("l"):rep(1000000)] = "nested too deeply",
    [("d1:a"):rep(200000)] = "nested too deeply",
    [("9"):rep(1000000) .. ":"] = "no length",
    ["i" .. ("9"):rep(1000000) .. "e"] = "no integer",
  } do
    it(("refuses %q, %d bytes"):format(text:sub(1, 30), #text), function()
      local value, err = bencode.decode(text)
      assert.is_nil(value)
      assert.matches(why, err, 1, true)
    end)
  end

  it("takes 32 levels", function()
    assert.is_table(bencode.decode(("l"):rep(32) .. ("e"):rep(32)))
  end)

  it("refuses every beginning of a message", function()
    local text = bencode.encode { sdp = "v=0\r\n", tags = { { a = -12 }, {} },
      result = "ok", created = 1795383800 }
    for n = 0, #text - 1 do
      assert.is_nil((bencode.decode(text:sub(1, n))))
    end
    assert.is_table(bencode.decode(text))
  end)

  it("returns whatever one byte becomes", function()
    local text = bencode.encode { a = { 1, -2, "xyz" }, b = { c = "" } }
    for at = 1, #text do
      for _, byte in ipairs { 0, 0x2d, 0x30, 0x39, 0x3a, 0x64, 0x65, 0x69,
        0x6c, 0xff } do
        local changed = text:sub(1, at - 1) .. string.char(byte)
          .. text:sub(at + 1)
        local value, err = bencode.decode(changed)
        assert.is_true(value ~= nil or type(err) == "string", changed)
      end
    end
  end)

  it("raises for what is no string", function()
    assert.error_matches(function()
      bencode.decode(nil)
    end, "a string is expected")
  end)
end)
