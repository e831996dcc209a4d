-- What README.md and docs/ say is true: their Lua compiles, the blocks that
-- have a name (```lua answer) run here, the functions they mention exist, the
-- tables of options and limits are those of the sources, the ladders (```text
-- answer) are what the run draws. The code in docs/testing.md is run by
-- docs_testing_spec.lua.

local sip = require "sipsession"
local testing = require "sipsession.testing"

local read = require "support.read"

local pages = { "README.md", "CONTRIBUTING.md", "CHANGELOG.md",
  "SECURITY.md" }
for path in io.popen("ls docs/*.md"):lines() do
  pages[#pages + 1] = path
end

-- Every fenced block of every page: kind, name, text, page.
local blocks, named = {}, {}
for _, page in ipairs(pages) do
  for info, text in ("\n" .. read(page)):gmatch "\n```([^\n]+)\n(.-)```" do
    local kind, name = info:match "^(%w+) ?(%w*)$"
    local block = { kind = kind, name = name, text = text, page = page }
    blocks[#blocks + 1] = block
    if name ~= "" then
      named[kind .. " " .. name] = block
    end
  end
end

local network, printed, opened

before_each(function()
  network, printed, opened = testing.network { seed = 1 }, {}, nil
end)

after_each(function()
  network:advance(70) -- more than 64*T1, twice
  for what, n in pairs(network:leftovers()) do
    assert.equal(0, n, what)
  end
  network:close()
end)

-- The module as a block sees it: its endpoints are on the network, and
-- sip.run() is the moment when calls come in.
local function module(run)
  local own = { run = run }
  function own.endpoint(options)
    options.network = network
    opened = assert(sip.endpoint(options))
    return opened
  end
  return setmetatable(own, { __index = sip })
end

-- The block as a function; `modules` are what it gets from require, `globals`
-- what it finds.
local function chunk(name, modules, globals)
  local block = assert(named["lua " .. name], name)
  local environment = setmetatable(globals or {}, { __index = _G })
  function environment.require(what)
    return modules and modules[what] or require(what)
  end
  function environment.print(...)
    local line = table.pack(...)
    for i = 1, line.n do
      line[i] = tostring(line[i])
    end
    printed[#printed + 1] = table.concat(line, "\t")
  end
  return assert(load(block.text, "@" .. block.page, "t", environment))
end

local OFFER = table.concat({
  "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
  "m=audio 4000 RTP/AVP 8 0", "",
}, "\r\n")

local run = {}

function run.answer()
  local ladder
  local script = chunk("answer", { sipsession = module(function()
    local caller = network:peer "udp:127.0.0.1:5062"
    local call = caller:invite { to = "sip:desk@127.0.0.1" }
    assert(call:wait(180))
    assert(call:wait(200))
    call:ack()
    network:advance(10)
    call:bye()
    assert(call:wait(200))
    ladder = network:trace()
    local other = caller:invite { to = "sip:desk@127.0.0.1" }
    assert(other:wait(180))
    other:cancel()
    assert(other:wait(487))
    other:ack()
    network:advance(5)
  end) })
  script()
  assert.equal(1, #printed)
  assert.matches("^no call: .*cancelled", printed[1])
  assert.equal(named["text answer"].text, ladder)
end

function run.verbs()
  local endpoint = module().endpoint { listen = "udp:10.0.0.1:5060" }
  endpoint:on("session_received", function(session)
    chunk("verbs", nil, { session = session, sip = sip })()
  end)
  local caller = network:peer "udp:10.0.0.2:5060"
  local function invite(who)
    return caller:invite {
      to = "sip:desk@10.0.0.1", from = ("sip:%s@example.com"):format(who),
      sdp = OFFER, headers = { ["User-Agent"] = "spec" },
    }
  end
  local spam = invite "spam"
  assert.equal("3 before you", assert(spam:wait(183)):header "X-Queue")
  local no = assert(spam:wait(488))
  assert.equal("blocked", no:header "X-Screen")
  assert.equal("Not For You", no.reason)
  spam:ack()
  local sales = invite "sales"
  local contact = table.concat(assert(sales:wait(302)):headers "Contact", ", ")
  assert.matches("<sip:sales@192%.0%.2%.7>, <sip:sales@192%.0%.2%.8>", contact)
  sales:ack()
  local call = invite "alice"
  assert.equal("4", assert(call:wait(200)):header "X-Desk")
  call:ack()
  local bye = assert(call:wait("BYE", 61))
  assert.equal("Q.850;cause=16", bye:header "Reason")
  call:reply(bye, 200)
  local gone = invite "bob"
  assert(gone:wait(200))
  gone:bye()
  assert(gone:wait(200))
  network:advance(1)
  local all = table.concat(printed, "\n")
  assert.matches("\nspec\t" .. OFFER:gsub("%p", "%%%0"), all)
  assert.matches("\nincoming\tconnecting\tnone\tnil\n", all)
  assert.matches("\nconnecting\tconnected\tnone\t200\n", all)
  assert.matches("\nconnected\tdisconnected\tterminated_locally\t", all)
  assert.matches("\noperation_failure\tterminated_after_200\t", all)
  endpoint:close()
end

function run.records()
  local endpoint = module().endpoint { listen = "udp:10.0.0.1:5060" }
  chunk("records", nil, { endpoint = endpoint })()
  local call = network:peer("udp:10.0.0.2:5060"):invite {
    to = "sip:desk@10.0.0.1", from = "sip:alice@example.com",
  }
  assert(call:wait(480))
  call:ack()
  assert.same({ "nil\tsip:alice@example.com\tsip:desk@10.0.0.1\tunhandled\t" ..
    "480\t0.0\tnil" }, printed)
  endpoint:close()
end

function run.media()
  chunk("media", { sipsession = module(function()
    local caller = network:peer "udp:127.0.0.1:5062"
    local call = caller:invite { to = "sip:desk@127.0.0.1", sdp = OFFER }
    local ok = assert(call:wait(200))
    assert.matches("\nm=audio 40000 RTP/AVP 8 0\r\n", ok.body)
    call:ack()
    local late = caller:invite { to = "sip:desk@127.0.0.1" }
    ok = assert(late:wait(200))
    assert.matches("\nm=audio 40000 RTP/AVP 0 8 ", ok.body)
    late:ack { sdp = OFFER }
    local strange = caller:invite {
      to = "sip:desk@127.0.0.1", sdp = OFFER:gsub("8 0\r", "9\r"),
    }
    assert(strange:wait(488))
    strange:ack()
    network:advance(1)
    opened:close()
  end) })()
  assert.same({ OFFER }, printed)
end

function run.access()
  chunk("access", nil, { sip = module() })()
  local stranger = network:peer "udp:10.0.0.2:5062"
  stranger:invite { to = "sip:desk@127.0.0.1" }
  local caller = network:peer "udp:127.0.0.1:5062"
  local call = caller:invite {
    to = "sip:desk@127.0.0.1",
    auth = { user = "alice", password = "wonderland" },
  }
  assert(call:wait(401))
  call:authenticate()
  assert(call:wait(486))
  call:ack()
  assert.is_nil(stranger:receive(1))
  assert.same({ "alice" }, printed)
  opened:close()
end

function run.testing()
  local endpoint
  local own = module()
  local modules = {
    ["sipsession.testing"] = { network = function() return network end },
    desk = function(given)
      endpoint = given
      endpoint:on("session_received", function(session)
        session:progress(180)
        sip.sleep(2)
        session:participate()
      end)
    end,
  }
  chunk("testing", modules, { sip = own })()
  assert.matches("CANCEL", printed[1])
  endpoint:close()
end

-- The first run ends as by Ctrl-C; a handler sleeps on.
function run.drain()
  local own = module(function(mode)
    return sip.run(mode or error("interrupted!", 0))
  end)
  own.endpoint { listen = "udp:10.0.0.1:5060" }
  opened:on("session_received", function(session)
    session:participate()
    sip.sleep(60)
  end)
  local caller = network:peer("udp:10.0.0.2:5060", { auto = true })
  local call = caller:invite { to = "sip:desk@10.0.0.1" }
  assert(call:wait(200))
  chunk("drain", nil, { endpoint = opened, sip = own })()
  assert.matches("200 OK %(%d+ BYE%)[^\n]+\n$", network:trace())
  assert.is_true(network:time() < 2)
end

-- A real call, to the port that the block opened: what came back. Calls
-- done() when something did, or nothing for five seconds.
local function call_over(uv, done)
  local port = opened.addresses[1]:match "%d+$"
  local udp, timer, answers = uv.new_udp(), uv.new_timer(), {}
  udp:bind("127.0.0.1", 0)
  local own = udp:getsockname().port
  local function say(method)
    udp:send(table.concat({
      ("%s sip:desk@127.0.0.1:%s SIP/2.0"):format(method, port),
      ("Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKdocs"):format(own),
      "From: <sip:a@127.0.0.1>;tag=1", "To: <sip:desk@127.0.0.1>",
      "Call-ID: docs", "CSeq: 1 " .. method, "Max-Forwards: 70",
      ("Contact: <sip:a@127.0.0.1:%d>"):format(own), "Content-Length: 0",
      "", "",
    }, "\r\n"), "127.0.0.1", tonumber(port))
  end
  local function over()
    timer:close()
    udp:close()
    done()
  end
  udp:recv_start(function(_, data)
    if data then
      answers[#answers + 1] = data
      say "ACK"
      over()
    end
  end)
  uv.update_time() -- luv's clock stood still while other specs ran
  timer:start(5000, 0, over)
  say "INVITE"
  return answers
end

local function real(options)
  opened = assert(sip.endpoint(options))
  return opened
end

-- Real sockets; the time that the block gives itself ends with the answer.
run["luv #slow"] = function()
  local uv = require "luv"
  local later, answers
  local own = setmetatable({}, { __index = uv })
  function own.new_timer()
    return {
      start = function(_, _, _, fn)
        later = fn
      end,
      close = function() end,
    }
  end
  function own.run()
    answers = call_over(uv, later)
    return uv.run()
  end
  local proxy = setmetatable({ endpoint = real }, { __index = sip })
  chunk("luv", { sipsession = proxy, luv = own })()
  require("sipsession.luv").detach()
  uv.run() -- luv 1.44 wants to see every handle's end
  assert.matches("^SIP/2.0 486 ", assert(answers[1]))
  assert.is_true(opened.is_closed)
end

-- The same, with a stand-in for rtpengine.
run["rtpengine #slow"] = function()
  local uv = require "luv"
  local daemon = require("support.ng_daemon").new()
  local client, answers
  local own = setmetatable({}, { __index = uv })
  function own.run()
    answers = call_over(uv, function()
      opened:close()
      client:close()
      daemon:close()
    end)
    return uv.run()
  end
  local proxy = setmetatable({ endpoint = real }, { __index = sip })
  chunk("rtpengine", { sipsession = proxy, luv = own,
    ["sipsession.rtpengine"] = { client = function(options)
      assert.equal("127.0.0.1:2223", options.address)
      client = require("sipsession.rtpengine").client {
        address = daemon.address,
      }
      return client
    end },
  })()
  require("sipsession.luv").detach()
  uv.run()
  assert.matches("^SIP/2.0 486 ", assert(answers[1]))
  assert.same({ "failure_response\trtpengine refused query: Unknown call-id" },
    printed)
  local request = daemon.log[1].request
  assert.equal("docs", request["call-id"])
  assert.equal("1", request["from-tag"])
end

run["cqueues #slow"] = function()
  local found, cqueues = pcall(require, "cqueues")
  if not found then
    pending "cqueues is not installed"
    return
  end
  local uv = require "luv"
  local answers
  local own = setmetatable({}, { __index = cqueues })
  function own.sleep(seconds)
    local over = false
    answers = call_over(uv, function()
      over = true
    end)
    while not over do
      cqueues.sleep(seconds / 100)
      uv.run "nowait"
    end
  end
  local proxy = setmetatable({ endpoint = real }, { __index = sip })
  chunk("cqueues", { sipsession = proxy, cqueues = own })()
  uv.run()
  assert.matches("^SIP/2.0 486 ", assert(answers[1]))
  assert.is_false(sip.run "nowait")
end

describe("the pages", function()
  for i, block in ipairs(blocks) do
    if block.kind == "lua" then
      it(("have Lua that compiles: %s, block %d"):format(block.page, i),
        function()
          assert(load(block.text, "@" .. block.page, "t", {}))
        end)
    end
  end

  local names = {}
  for name in pairs(run) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    it("have a block that runs: " .. name, run[name])
  end

  it("have no named block that isn't run", function()
    for _, block in pairs(named) do
      assert.is_truthy(run[block.name] or run[block.name .. " #slow"],
        block.name)
    end
  end)

  it("link to files that exist", function()
    for _, page in ipairs(pages) do
      local folder = page:match "^(.*/)" or ""
      for target in read(page):gmatch "%]%(([^)#]+)" do
        if not target:find "^%a+:" then
          local path = folder .. target
          local file = io.open(path)
          assert.is_truthy(file, page .. ": " .. target)
          file:close()
        end
      end
    end
  end)

  it("mention functions and fields that exist", function()
    local endpoint = module().endpoint {
      listen = "udp:10.0.0.1:5060",
      auth = { realm = "x", lookup = function() return "x" end },
    }
    local session
    endpoint:on("session_received", function(received)
      session = received
      session.data, session.media = 1, {}
      session:reject(486)
    end)
    local peer = network:peer "udp:10.0.0.2:5060"
    local call = peer:invite {
      to = "sip:desk@10.0.0.1", sdp = OFFER,
      auth = { user = "x", password = "x" },
    }
    assert(call:wait(401))
    call:authenticate()
    local message = assert(call:wait(486))
    call:ack()
    local things = {
      session = session, endpoint = endpoint, network = network, peer = peer,
      caller = peer, call = call, message = message,
    }
    local function check(page, text, pattern)
      for object, name in text:gmatch(pattern) do
        if things[object] then
          assert.is_truthy(things[object][name],
            ("%s: %s %s"):format(page, object, name))
        end
      end
    end
    for _, page in ipairs(pages) do
      check(page, read(page), "%f[%w](%l+):([%l_]+)")
    end
    things.sip, things.network, things.message = sip, nil, nil
    for _, block in ipairs(blocks) do
      if block.kind == "lua" then
        check(block.page, block.text, "%f[%w](%l+)%.([%l_]+)")
      end
    end
    endpoint:close()
  end)
end)

describe("README.md", function()
  local page = read "README.md"

  it("lists the limits with their defaults", function()
    local source = read "src/base/limits.h"
    local shown = {}
    for name, value in page:gmatch "\n| `([%l_]+)` | (%d+) |" do
      shown[name] = value
    end
    local n = 0
    for name, value in source:gmatch "X%(([%l_]+), (%d+), %d%)" do
      assert.equal(value, shown[name], name)
      n = n + 1
    end
    assert.is_true(n > 10)
  end)

  it("lists every option of an endpoint and no other", function()
    local source = read "src/lua/endpoint_options.c"
    local real_ones, shown = {}, {}
    for name in source:match "names%[%] = (%b{})":gmatch '"([%l_]+)"' do
      real_ones[name] = true
    end
    local options = page:match "\n| `sip%.endpoint.-\n\n"
    for name in options:gmatch "\n| `([%l_]+)` |" do
      shown[name] = true
    end
    assert.same(real_ones, shown)
  end)

  it("names the Debian packages that the Makefile builds with", function()
    local list = read "Makefile":match "BUILD_PACKAGES = (.-[^\\])\n"
    local shown = page:match "apt%-get install (.-[^\\])\n" .. " "
    for package in list:gmatch "[%w.-]+" do
      assert.is_truthy(shown:find(package .. " ", 1, true), package)
    end
  end)

  it("gives the defaults that an endpoint has", function()
    local source = read "src/ua/endpoint.c"
    for _, option in ipairs { "unhandled_code", "terminate_code" } do
      local value = source:match("%." .. option .. " = (%d+)")
      assert.equal(value, page:match("`" .. option .. "` | (%d+) |"))
    end
    for _, option in ipairs { "connect_timeout", "close_timeout" } do
      local ms = source:match("%." .. option .. " = (%d+)")
      assert.equal(tonumber(ms) // 1000,
        tonumber(page:match("`" .. option .. "` | (%d+) |")))
    end
  end)
end)
