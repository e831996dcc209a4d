-- types/sipsession.lua and the library name the same functions and fields,
-- both ways. Of the testing kit only that what is documented is there: the
-- rest of it is its own business.
local sip = require "sipsession"
local testing = require "sipsession.testing"

-- Class name to { functions = set, fields = set }, from the declarations.
local function declared()
  local classes, variables, class = {}, {}, nil
  for line in io.lines "types/sipsession.lua" do
    local name = line:match "^%-%-%-@class ([%w._]+)"
    local variable = line:match "^local (%w+) = {}$"
    local owner, fn = line:match "^function (%w+)[.:]([%w_]+)%("
    if name then
      class = { functions = {}, fields = {} }
      classes[name] = class
    elseif line:find "^%-%-%-@field" then
      class.fields[line:match "^%-%-%-@field ([%w_]+)"] = true
    elseif variable then
      variables[variable] = class
    elseif fn then
      local functions = variables[owner].functions
      functions[fn] = true
    end
  end
  return classes
end

local function keys(set)
  local list = {}
  for name in pairs(set) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

-- The names in a table whose values have that type, without the private ones.
local function public(t, kind)
  local set = {}
  for name, value in pairs(t) do
    if type(value) == kind and not name:find "^_" then
      set[name] = true
    end
  end
  return set
end

local types = declared()

local function is_subset(inner, outer, what)
  for name in pairs(inner) do
    assert.is_not_nil(outer[name], what .. " has no " .. name)
  end
end

describe("types/sipsession.lua names what is there:", function()
  -- __index of a class is a closure over its methods and the numbers of its
  -- getters.
  for _, name in ipairs { "endpoint", "session", "message", "referral" } do
    it(name, function()
      local index = debug.getregistry()["sipsession." .. name].__index
      local _, members = debug.getupvalue(index, 1)
      local class = types["sipsession." .. name]
      assert.same(keys(public(members, "function")), keys(class.functions))
      assert.same(keys(public(members, "number")), keys(class.fields))
    end)
  end

  it("error", function()
    local class = types["sipsession.error"]
    local index = debug.getregistry()["sipsession.error"].__index
    assert.same(keys(index), keys(class.functions))
    assert.same({ "code", "kind", "message", "reason", "response" },
      keys(class.fields))
  end)

  it("the modules", function()
    assert.same(keys(public(sip, "function")),
      keys(types["sipsession"].functions))
    for _, name in ipairs { "sipsession.sdp", "sipsession.luv",
      "sipsession.rtpengine", "sipsession.bencode", "sipsession.testing" } do
      assert.same(keys(public(require(name), "function")),
        keys(types[name].functions))
    end
  end)

  it("a client of rtpengine and its errors", function()
    local client = require("sipsession.rtpengine").client {
      address = "127.0.0.1:2223",
    }
    local class = types["sipsession.rtpengine.client"]
    assert.same(keys(public(getmetatable(client), "function")),
      keys(class.functions))
    is_subset(class.fields, client, "client")
    client:close()
    local _, err = client:command "ping"
    class = types["sipsession.rtpengine.error"]
    assert.same(keys(public(getmetatable(err), "function")),
      keys(class.functions))
    for name in pairs(err) do
      assert.is_true(class.fields[name], name)
    end
  end)

  it("the testing kit", function()
    local network = testing.network()
    local peer = network:peer "udp:10.0.0.2:5060"
    local call = peer:invite { to = "sip:desk@10.0.0.1" }
    for name, object in pairs { network = network, peer = peer,
      call = call } do
      is_subset(types["sipsession.testing." .. name].functions, object, name)
      is_subset(types["sipsession.testing." .. name].fields, object, name)
    end
    network:close()
  end)

  it("options, limits, timers and counters", function()
    local network = testing.network()
    local endpoint = assert(sip.endpoint {
      listen = "udp:10.0.0.1:5060", network = network,
    })
    local function known(option, what, names)
      for name in pairs(names) do
        local value = setmetatable({}, {})
        local options = { listen = "udp:10.0.0.1:1", network = network }
        local inner = option and {} or options
        inner[name] = inner[name] or value
        if option then
          options[option] = inner
        end
        local _, err = pcall(sip.endpoint, options)
        assert.not_matches("unknown " .. what, tostring(err))
      end
    end
    known(nil, "option", types["sipsession.endpoint_options"].fields)
    known("limits", "limit", types["sipsession.limits"].fields)
    known("timers", "timer", types["sipsession.timers"].fields)
    local limits = {}
    for line in io.lines "src/base/limits.h" do
      limits[line:match "^  X%(([%w_]+)," or ""] = true
    end
    limits[""] = nil
    assert.same(keys(limits), keys(types["sipsession.limits"].fields))
    assert.same(keys(endpoint:stats()), keys(types["sipsession.stats"].fields))
    network:close()
  end)
end)
