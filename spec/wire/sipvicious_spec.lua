-- SIPVicious, which every open port is looked at with sooner or later, finds no
-- user and no password, and costs next to nothing. Its own defaults: it begins
-- with a user that can't be, and calls whoever is answered otherwise found.
local Process = require "support.process"
local Siege = require "support.siege"

describe("sipvicious #slow", function()
  if not Process.installed("svmap", "--version") then
    pending "isn't installed: Debian's sipvicious"
    return
  end
  local siege

  after_each(function()
    siege:finish()
  end)

  -- What the tool printed. `timeout` is its exit status when it goes on too
  -- long.
  local function run(tool, ...)
    local lines = {}
    local used, began = siege:used(), siege.wire.time()
    local process = assert(Process.start(tool, { "-p", tostring(siege.port),
      "-b", "127.0.0.1", "-P", tostring(Process.free_port()), ... },
      function(line)
        lines[#lines + 1] = line
      end, { seconds = 60 }))
    siege:wait(function()
      return process.ended
    end, 65)
    process:kill()
    local text = table.concat(lines, "\n")
    local seconds = siege.wire.time() - began
    Siege.say("%s: %.1f s, CPU %.2f s", tool, seconds, siege:used() - used)
    assert.is_true(Siege.SANITIZED or siege:used() - used < 0.2, text)
    assert.is_true(siege:fresh().messages_in > 0)
    return text
  end

  local function start(who)
    siege = Siege.new { endpoint = who, handler = "session:reject(404)" }
  end

  local AUTH = [[{ limits = { invites_per_source = %d }, auth = {
    realm = "example.com", algorithms = { "MD5" }, -- it knows no other
    lookup = function(user)
      return user == "150" and "1099" or nil
    end } }]]

  it("finds no extension where each has to say who it is", function()
    start(AUTH:format(0))
    local text = run("svwar", "-m", "INVITE", "-e100-199", "--force",
      "127.0.0.1")
    assert.is_nil(text:find "|%s*1%d%d%s*|", text)
    -- told that a user who can't be is challenged as any other, it gives up
    assert.is_true(siege:fresh().challenged > 1)
    assert.equal(0, siege.stats.calls_received)
  end)

  if not Siege.LONG then
    return -- each waits for ten seconds: make siege
  end

  it("sees that there is something, and what it calls itself", function()
    start "{ user_agent = 'desk/1.0' }"
    assert.matches("desk/1.0", run("svmap", "127.0.0.1"), 1, true)
  end)

  it("finds no extension where each is refused alike", function()
    start "{}"
    local text = run("svwar", "-m", "INVITE", "-e100-199", "127.0.0.1")
    assert.matches("found nothing", text, 1, true)
    assert.is_nil(text:find "|%s*1%d%d%s*|", text)
    assert.is_true(siege:fresh().calls_rejected > 90)
  end)

  -- The right one is its hundredth. Without the limit it gets there in 10 s.
  for _, method in ipairs { "INVITE", "REGISTER" } do
    it("is held back where it guesses passwords by " .. method, function()
      start(AUTH:format(0))
      local text = run("svcrack", "-m", method, "-u150", "-r1000-1099",
        "--maximumtime=3", "127.0.0.1")
      assert.is_nil(text:find("| 1099", 1, true), text)
      local stats = siege:fresh()
      assert.is_true(stats.refused_guesses > 0)
      assert.is_true(stats.refused_credentials <= 25, stats.refused_credentials)
      assert.equal(0, stats.calls_received)
    end)
  end
end)
