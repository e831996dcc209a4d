-- The torture messages of RFC 4475 and RFC 5118, each over a datagram and over
-- a stream, against what a user agent server should make of them; after each
-- the endpoint still answers. Half of them are in spec/support; a folder with
-- more is named by SIPSESSION_TORTURE, with a table of what is right,
-- expected.tsv (file, source, kind, expectation, udp, tcp, note). A cell is a
-- list of what is allowed, joined by "|": a response code, 2xx, "app" (the
-- script decides), "none" (no answer), "close" (of the connection), "wait".
local World = require "support.world"

local folder = os.getenv "SIPSESSION_TORTURE" or "../shared/torture"

local function read(name)
  local file = io.open(folder .. "/" .. name, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  return text
end

local function rows()
  local list = {}
  for _, name in ipairs { "support.torture_4475", "support.torture_5118" } do
    for _, row in ipairs(require(name)) do
      list[#list + 1] = { file = row.name, what = row.section, udp = row.udp,
        tcp = row.tcp or row.udp, bytes = row[1] }
    end
  end
  for line in (read "expected.tsv" or ""):gmatch "[^\n]+" do
    local row = {}
    for cell in (line .. "\t"):gmatch "([^\t]*)\t" do
      row[#row + 1] = cell
    end
    if row[1] ~= "file" then
      list[#list + 1] = { file = row[1], what = row[4], udp = row[5],
        tcp = row[6] == "same" and row[5] or row[6] }
    end
  end
  return list
end

-- What a cell allows, as a set; how many responses it wants; and whether the
-- connection must have been closed in the end.
local function allowed(cell)
  local set, count = {}, cell:match "^(%d) responses"
  if count then
    return { any = true }, tonumber(count), false
  end
  local closes = cell:find "then close" ~= nil
  for word in cell:gmatch "[%w]+" do
    set[word] = true
  end
  if closes then
    set.none, set.close = true, true
  end
  return set, nil, closes
end

describe("torture", function()
  local all = rows()

  local w

  after_each(function()
    w:finish()
  end)

  -- What became of the message: a list of response codes, whether the script
  -- was asked, whether the connection was closed.
  local function try(protocol, bytes)
    w = World.new { protocol = protocol }
    w:serve(function(session)
      session:reject(486)
    end)
    w.caller:send(bytes, protocol .. ":10.0.0.1:5060")
    w.network:advance(0.3)
    local codes, shown = {}, {}
    for _, entry in ipairs(w:sent()) do
      codes[#codes + 1] = entry.name:match "^%d+"
      shown[#shown + 1] = entry.text
      assert.matches("^udp:10%.0%.0%.2:%d+$", (entry.to:gsub("tcp", "udp")))
    end
    return codes, #w.sessions > 0, table.concat(shown)
  end

  local function acceptable(set, codes, asked, closed)
    if #codes == 0 then
      return set.none or set.wait or set.close and closed
    end
    local code = codes[1]
    return asked and set.app and code == "486"
      or set["2xx"] and code:find "^2" or set[code]
      or set.close and code == "400" and closed
  end

  for _, row in ipairs(all) do
    for _, protocol in ipairs { "udp", "tcp" } do
      it(row.file .. " over " .. protocol .. ": " .. row[protocol], function()
        local bytes = row.bytes or assert(read(row.file))
        local set, count, closes = allowed(row[protocol])
        local codes, asked, shown = try(protocol, bytes)
        local closed = protocol == "tcp"
          and w.network:leftovers().connections == 0
        if count then
          assert.equal(count, #codes, shown)
        else
          assert.is_true(#codes <= 1, shown)
          assert.is_truthy(acceptable(set, codes, asked, closed),
            ("%s; the script was %sasked; got %s\n%s"):format(row.what,
              asked and "" or "not ", table.concat(codes, ", "), shown))
        end
        if not set.app and not count then
          assert.is_false(asked)
        end
        if closes then
          w.network:advance(30)
          assert.equal(0, w.network:leftovers().connections)
        end
        -- nothing in it has stopped or steered the endpoint
        w.caller = w.network:peer "udp:10.0.0.3:5060"
        w.protocol = "udp"
        w:probe()
        w.protocol = protocol
        assert.is_nil(shown:find("10.0.0.1:5060;lr", 1, true))
      end)
    end
  end

  it("intmeth: the To comes back with its NUL", function()
    local bytes
    for _, row in ipairs(all) do
      bytes = row.file == "intmeth" and row.bytes or bytes
    end
    local _, _, shown = try("udp", bytes)
    local to = bytes:match "\r\nTo: ([^\r]*)"
    assert.truthy(to:find("\0", 1, true))
    assert.truthy(shown:find("\r\nTo: " .. to .. ";tag=", 1, true))
  end)

  if not read "expected.tsv" then
    pending("there are no more torture messages in " .. folder)
    return
  end

  it("has every message of both RFCs", function()
    w = World.new()
    local count, seen = { ["4475"] = 0, ["5118"] = 0 }, {}
    for _, row in ipairs(all) do
      local rfc = (row.file .. row.what):match "4475" or "5118"
      local name = row.file:gsub("^rfc%d+%-", ""):gsub("%.dat$", "")
      assert.is_nil(seen[name], name)
      seen[name] = true
      count[rfc] = count[rfc] + 1
    end
    assert.same({ ["4475"] = 49, ["5118"] = 12 }, count)
  end)

  it("escruri: what is in the URI is no header of ours", function()
    local _, _, shown = try("udp", assert(read "rfc4475-escruri.dat"))
    assert.is_nil(shown:find "\r\nRoute:")
  end)

  it("wsinv: the Vias come back in order", function()
    local _, _, shown = try("udp", assert(read "rfc4475-wsinv.dat"))
    local vias = {}
    for value in shown:gmatch "\r\nVia: ([^\r]*)" do
      vias[#vias + 1] = value
    end
    local text = table.concat(vias, ",")
    local first = assert(text:find "390skdjuw")
    local second = assert(text:find "z9hG4bK9ikj8")
    local third = assert(text:find "z9hG4bK30239")
    assert.is_true(first < second and second < third)
  end)

  it("bext01: 420 lists what isn't supported, in order", function()
    local codes, _, shown = try("udp", assert(read "rfc4475-bext01.dat"))
    assert.same({ "420" }, codes)
    local list = {}
    for value in shown:gmatch "\r\nUnsupported: ([^\r]*)" do
      list[#list + 1] = value
    end
    assert.equal("nothingSupportsThis, nothingSupportsThisEither",
      table.concat(list, ", "))
  end)

  it("transports: five Vias are echoed", function()
    local _, _, shown = try("udp", assert(read "rfc4475-transports.dat"))
    assert.equal(5, select(2, shown:gsub("SIP%s*/%s*2%.0%s*/", "")))
  end)

  it("inv2543: repeated, it is the same call; its ACK ends it", function()
    local bytes = assert(read "rfc4475-inv2543.dat")
    try("udp", bytes)
    w.caller:send(bytes)
    w.network:advance(0)
    assert.equal(1, #w.sessions)
    assert.equal(105, #w.sessions[1].request.body)
    local first = bytes:match "^(.-)\r\n\r\n"
    local to = w:sent()[1].text:match "\r\nTo: ([^\r]*)"
    local ack = first:gsub("^INVITE", "ACK"):gsub("(CSeq: %d+) INVITE",
      "%1 ACK"):gsub("\r\nTo: [^\r]*", "\r\nTo: " .. to)
      :gsub("\r\nContent%-Type: [^\r]*", "")
    w.caller:send(ack .. "\r\n\r\n")
    w.network:advance(0)
    local n = #w:names()
    w.network:advance(20)
    assert.equal(n, #w:names())
  end)

  it("esc02: an escaped name is no Contact", function()
    local codes = try("udp", assert(read "rfc4475-esc02.dat"))
    assert.is_true(codes[1] == "501" or codes[1] == "405")
  end)
end)
