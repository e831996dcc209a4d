-- sipsession.luv: sipsession driven from luv's loop.
local script = require "support.script"

describe("sipsession.luv", function()
  local function runs(code)
    local output, ok = script([[
      local sip = require "sipsession"
      local uv = require "luv"
      local driver = require "sipsession.luv"
    ]] .. code)
    assert.is_true(ok, output)
    assert.equal("", output)
  end

  it("wakes sleepers, also those that came after attach", function()
    runs [[
      local log = {}
      local function sleeper(seconds)
        sip.spawn(function()
          sip.sleep(seconds)
          log[#log + 1] = seconds
        end)
      end
      sleeper(0.03)
      driver.attach()
      driver.attach()
      sleeper(0.01)
      local timer = uv.new_timer()
      timer:start(20, 0, function()
        log[#log + 1] = "luv"
        timer:close()
      end)
      uv.run() -- returns when nothing is left
      assert(table.concat(log, " ") == "0.01 luv 0.03",
        table.concat(log, " "))
    ]]
  end)

  it("keeps luv's loop going for an endpoint, until it is closed", function()
    runs [[
      driver.attach()
      uv.run() -- nothing to do
      local endpoint = assert(sip.endpoint { listen = "udp:127.0.0.1:0" })
      local timer = uv.new_timer()
      timer:start(20, 0, function()
        timer:close()
        endpoint:close()
      end)
      uv.run()
      assert(endpoint.is_closed and timer:is_closing())
    ]]
  end)

  it("gives the loop back on detach", function()
    runs [[
      driver.attach()
      driver.detach()
      driver.detach()
      local endpoint = assert(sip.endpoint { listen = "udp:127.0.0.1:0" })
      uv.run()
      endpoint:close()
      assert(sip.run() == false)
    ]]
  end)

  it("says what to install where there is no luv", function()
    local output, ok = script [[
      package.preload.luv = function()
        error "no such module"
      end
      local ok, err = pcall(require("sipsession.luv").attach)
      assert(not ok and err:find("luarocks install luv", 1, true)
        and err:find("lua-luv", 1, true), err)
    ]]
    assert.is_true(ok, output)
  end)
end)
