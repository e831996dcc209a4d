-- Worlds whose callers must say who they are, for specs of `auth`: the realm is
-- example.com, and these are the passwords.

local assert = require "luassert"
local World = require "support.world"

local access = {}

access.PASSWORDS = { alice = "wonderland", bob = "builder", ["a\"b"] = "x" }

-- `auth` replaces options of auth; the others are World.new's. w.asked: who was
-- looked up.
function access.world(auth, options)
  options = options or {}
  options.endpoint = options.endpoint or {}
  local asked = {}
  local all = {
    realm = "example.com",
    lookup = function(user, realm)
      asked[#asked + 1] = user .. "@" .. realm
      return access.PASSWORDS[user]
    end,
  }
  for name, value in pairs(auth or {}) do
    all[name] = value
  end
  options.endpoint.auth = all
  local w = World.new(options)
  w.asked = asked
  return w
end

-- A call by alice with her password, unless others are given.
function access.invite(w, user, password)
  user = user or "alice"
  return w:invite { auth = {
    user = user, password = password or access.PASSWORDS[user],
  } }
end

-- Challenged, and once more with credentials; `how` as of authenticate.
function access.try(w, call, how)
  assert(call:wait(401, 1))
  assert(call:authenticate(how))
  w.network:advance(0)
end

-- The endpoint's last word is a 401; what it says about the nonce.
function access.refused(w, stale)
  local sent = w:sent()
  local text = sent[#sent].text
  assert.matches("^SIP/2.0 401 Unauthorized\r\n", text)
  local _, n = text:gsub("stale=true", "")
  assert.equal(stale and 2 or 0, n)
  assert.equal(0, #w.sessions)
  return text
end

return access
