-- How a call of the testing kit says whose it is (RFC 3261 22.2, 22.4; RFC
-- 7616; RFC 8760): credentials for the challenge it got last. The digest is
-- computed by the library's own code. The methods here are those of
-- testing_call.lua's calls.

local sip = require "sipsession"
local text = require "sipsession.testing_text"

local auth, methods = {}, {}
auth.methods = methods

local AUTHORIZATION = {
  user = true, password = true, algorithm = true, nc = true, cnonce = true,
  uri = true, realm = true, nonce = true, response = true, qop = true,
  method = true,
}

-- The parameters of a challenge, by name.
local function parameters(challenge)
  local list = {}
  local rest = challenge:match "^%s*[Dd]igest%s+(.*)$" or ""
  for name, value in rest:gmatch '([%w-]+)%s*=%s*("?[^",]*"?)' do
    list[name:lower()] = value:match '^"(.*)"$' or value
  end
  return list
end

-- The first challenge that can be answered (RFC 8760 2.4), or the one with
-- that algorithm.
local function choose(response, algorithm)
  for _, value in ipairs(response:headers "WWW-Authenticate") do
    local challenge = parameters(value)
    local name = challenge.algorithm or "MD5"
    if algorithm and name:lower() == algorithm:lower()
      or not algorithm and sip._digest(name, "", "", "", "", "", "", "", "")
    then
      return challenge
    end
  end
end

local function check(options, known, what)
  if options ~= nil and type(options) ~= "table" then
    error(what .. ": a table is expected, not " .. type(options), 3)
  end
  for name in pairs(options or {}) do
    if not known[name] then
      error(("%s: unknown option '%s'"):format(what, name), 3)
    end
  end
end

-- Each nonce counts its uses.
local function count(call, nonce, nc)
  call.counts = call.counts or {}
  call.counts[nonce] = nc and tonumber(nc, 16)
    or (call.counts[nonce] or 0) + 1
  return nc or ("%08x"):format(call.counts[nonce])
end

-- In the order of RFC 3261 22.4's example; `false` leaves one out.
local ORDER = { { "username", true }, { "realm", true }, { "nonce", true },
  { "uri", true }, { "qop" }, { "nc" }, { "cnonce", true },
  { "response", true }, { "algorithm" } }

local function write(values)
  local list = {}
  for _, item in ipairs(ORDER) do
    local name, quoted = item[1], item[2]
    if values[name] then
      list[#list + 1] = ('%s=%s'):format(name,
        quoted and '"' .. values[name] .. '"' or values[name])
    end
  end
  return "Digest " .. table.concat(list, ", ")
end

-- The value of an Authorization header for a request with that method, in
-- answer to the last challenge. Options: user, password (those of invite's
-- `auth`), algorithm (the first in the challenge that can be computed), uri
-- (that of the last request with that method, else the remote target), method
-- (what is signed), nc (counted for each nonce), cnonce, realm, nonce,
-- response, qop: to put in what is wrong; false leaves one out.
function methods:authorization(method, options)
  check(options, AUTHORIZATION, "authorization")
  options = options or {}
  local known = self.auth or {}
  local challenge = self.challenge and choose(self.challenge,
    options.algorithm or nil)
  if not challenge then
    error("authorization: no challenge that can be answered has come; "
      .. "call:wait(401) first", 2)
  end
  local user = options.user or known.user
  local password = options.password or known.password
  if not user or not password then
    error("authorization: whose? Say invite { auth = { user =, password = } }",
      2)
  end
  local last = self.last
  local function given(name, usual)
    if options[name] == nil then
      return usual
    end
    return options[name]
  end
  local values = {
    username = user, realm = given("realm", challenge.realm),
    nonce = given("nonce", challenge.nonce),
    uri = given("uri", last.method == method and last.uri or self.target),
    qop = given("qop", "auth"),
    cnonce = given("cnonce", self.peer.network:token()),
    algorithm = given("algorithm", challenge.algorithm),
  }
  values.nc = given("nc", nil)
  if values.nc ~= false then
    values.nc = count(self, values.nonce or "", values.nc)
  end
  values.response = given("response", (sip._digest(
    values.algorithm or "MD5", user, values.realm or "", password,
    options.method or method, values.uri or "", values.nonce or "",
    values.nc or "", values.cnonce or "")))
  return write(values)
end

-- Sends the last request again, with the next CSeq, a new branch, and the
-- credentials that the 401 to it asks for; where it is an INVITE, after the
-- ACK of that. Options as of call:authorization. Results as of call:request.
function methods:authenticate(options)
  check(options, AUTHORIZATION, "authenticate")
  local t = self.last
  local value = self:authorization(t.method, options)
  if t.method == "INVITE" and not self.auto then
    self:ack()
  end
  return self:again(t, { "Authorization", value })
end

-- What an `auto` call does with a challenge: once for each request, again
-- where only the nonce was too old.
function auth.answer(call, response)
  local t = call.last
  local challenge = call.auth and choose(response)
  if challenge and (not t.authorized or challenge.stale == "true") then
    call:authenticate()
  end
end

function auth.check(given)
  if given ~= nil and (type(given) ~= "table"
    or type(given.user) ~= "string" or type(given.password) ~= "string") then
    error("invite: auth = { user =, password = } is expected", 4)
  end
  return given
end

-- The challenge in a response, or nil.
function auth.challenge(response)
  if response.code == 401 and text.first(response:headers(),
    "WWW-Authenticate") then
    return response
  end
end

return auth
