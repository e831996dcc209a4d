-- Network namespaces (Linux), for specs of interfaces that come and go. Such a
-- file of specs is run once more, inside a namespace of its own: there it is
-- alone, and nothing it does to an interface is anybody else's. A namespace
-- made in there, for the other end of a pair of interfaces, is an object of
-- this class.
--
-- Fields: pid (of who holds it).

local Process = require "support.process"

local Namespace = {}
Namespace.__index = Namespace

Namespace.INSIDE = os.getenv "SIPSESSION_NAMESPACE" ~= nil

local PATH = "PATH=$PATH:/usr/sbin:/sbin "

-- Runs a line of shell: what it wrote, and whether it ended well.
local function run(line)
  local pipe = assert(io.popen(("{ %s%s; } 2>&1"):format(
    "export LD_PRELOAD=; export " .. PATH .. "; ", line)))
  local text = pipe:read "a"
  return text, (pipe:close())
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Why there can't be any here, or nil.
function Namespace.why_not()
  local text, ok = run("unshare -rn sh -c 'ip link set lo up && "
    .. "ip link add s0 type veth peer name s1 && unshare -n true'")
  if not ok then
    return "no network namespace with interfaces can be made here: "
      .. text:gsub("%s+$", ""):gsub("%s+", " ")
  end
end

-- Runs that file of specs in one: what it printed, and whether all passed.
function Namespace.specs(path)
  local pipe = assert(io.popen(PATH .. table.concat({
    "SIPSESSION_NAMESPACE=1 timeout 120 unshare -rn", Process.LUA,
    "spec/run.lua -o plainTerminal", quote(path), "2>&1" }, " ")))
  local text = pipe:read "a"
  return text, (pipe:close())
end

-- A further one, with its loopback interface up.
function Namespace.new()
  assert(Namespace.INSIDE, "only in a namespace of our own")
  local namespace = setmetatable({ names = {} }, Namespace)
  namespace.holder = assert(Process.start("unshare",
    { "-n", "sh", "-c", "echo $$; exec sleep 60" }, function(line)
      namespace.pid = namespace.pid or tonumber(line)
    end))
  assert(Process.wait(function()
    return namespace.pid
  end, 10))
  namespace:ip "link set lo up"
  return namespace
end

-- ip(8), there.
function Namespace:ip(...)
  local text, ok = run(("nsenter -t %d -n ip %s"):format(self.pid,
    string.format(...)))
  assert(ok, text)
end

-- ip(8), here.
function Namespace.ip_here(...)
  assert(Namespace.INSIDE, "only in a namespace of our own")
  local text, ok = run("ip " .. string.format(...))
  assert(ok, text)
end

-- A pair of interfaces, both up: `name` there with that address, and one here
-- with the other.
function Namespace:pair(name, there, here)
  self.names[name] = true
  Namespace.ip_here("link add %s-here type veth peer name %s netns %d", name,
    name, self.pid)
  Namespace.ip_here("addr add %s/24 dev %s-here", here, name)
  Namespace.ip_here("link set %s-here up", name)
  self:ip("addr add %s/24 dev %s", there, name)
  self:ip("link set %s up", name)
end

-- Its interfaces would go with it, but some time later.
function Namespace:close()
  for name in pairs(self.names) do
    pcall(self.ip, self, "link del %s", name)
  end
  self.holder:kill()
end

return Namespace
