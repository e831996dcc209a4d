-- Writes the requests and responses of the testing kit's scripted peers
-- (RFC 3261 7). It checks nothing: a peer may say whatever its script wants,
-- broken header values included.

local text = {}

local COMPACT = {
  v = "via", f = "from", t = "to", i = "call-id", m = "contact",
  c = "content-type", l = "content-length", k = "supported",
}

local function key(name)
  local low = name:lower()
  return COMPACT[low] or low
end

-- Headers as everywhere in sipsession, a map or a list of pairs, as a list of
-- { name, values }. A map goes in the order of its names: the same script
-- sends the same bytes each time.
local function entries(headers)
  local list = {}
  for name, value in pairs(headers or {}) do
    if type(name) == "number" then
      list[name] = { value[1], value[2] }
    end
  end
  if #list == 0 then
    for name, value in pairs(headers or {}) do
      list[#list + 1] = { name, value }
    end
    table.sort(list, function(a, b)
      return a[1] < b[1]
    end)
  end
  for _, entry in ipairs(list) do
    if entry[2] == false then
      entry[2] = {}
    elseif type(entry[2]) ~= "table" then
      entry[2] = { entry[2] }
    end
  end
  return list
end

-- `base` with `headers` put in: a header that base has is replaced in its
-- place (`false`: left out), another one is added at the end.
local function merge(base, headers)
  local given, out = {}, {}
  local list = entries(headers)
  for _, entry in ipairs(list) do
    local k = key(entry[1])
    given[k] = given[k] or {}
    for _, value in ipairs(entry[2]) do
      table.insert(given[k], { entry[1], value })
    end
  end
  local function put(k)
    for _, field in ipairs(given[k]) do
      out[#out + 1] = field
    end
    given[k] = {}
  end
  for _, field in ipairs(base) do
    local k = key(field[1])
    if given[k] then
      put(k)
    else
      out[#out + 1] = field
    end
  end
  for _, entry in ipairs(list) do
    put(key(entry[1]))
  end
  return out
end

-- A whole message, and its headers as a list of pairs. `base` are the headers
-- it has anyway; `options` may have headers, sdp, or body with content_type.
function text.message(first_line, base, options)
  options = options or {}
  local body = options.sdp or options.body or ""
  base = table.move(base, 1, #base, 1, {})
  if options.content_type or options.sdp then
    base[#base + 1] =
      { "Content-Type", options.content_type or "application/sdp" }
  end
  base[#base + 1] = { "Content-Length", #body }
  local lines = { first_line }
  local fields = merge(base, options.headers)
  for _, field in ipairs(fields) do
    lines[#lines + 1] = ("%s: %s"):format(field[1], field[2])
  end
  lines[#lines + 1] = "\r\n" .. body
  return table.concat(lines, "\r\n"), fields
end

-- The first value of a header in the fields that text.message returned.
function text.first(fields, name)
  for _, field in ipairs(fields) do
    if key(field[1]) == name:lower() then
      return tostring(field[2])
    end
  end
end

local REPLY = {
  headers = true, sdp = true, body = true, content_type = true, reason = true,
  contact = true,
}

-- The options of a reply: a table that has one of headers, sdp, body and
-- content_type (which are no names of headers), else the headers.
function text.reply_options(given, description, level)
  if given ~= nil and type(given) ~= "table" then
    error("reply: a table is expected, not " .. type(given), level + 1)
  end
  local options = { headers = given }
  if given and (given.headers ~= nil or given.sdp ~= nil or given.body ~= nil
    or given.content_type ~= nil) then
    options = {}
    for name, value in pairs(given) do
      if not REPLY[name] then
        error(("reply: unknown option '%s'"):format(name), level + 1)
      end
      options[name] = value
    end
  end
  options.headers = options.headers or {}
  options.sdp = description or options.sdp
  return options
end

-- A response to a request message (RFC 3261 8.2.6.2). `tag` goes to the To
-- that has none yet.
function text.response(request, code, reason, tag, options)
  local base = {}
  for _, via in ipairs(request:headers "Via") do
    base[#base + 1] = { "Via", via }
  end
  for _, name in ipairs { "From", "To", "Call-ID", "CSeq" } do
    base[#base + 1] = { name, request:header(name) or "" }
  end
  local to = base[#base - 2]
  if code > 100 and not text.tag(to[2]) then
    to[2] = to[2] .. ";tag=" .. tag
  end
  if options and options.contact then
    base[#base + 1] = { "Contact", text.name_addr(options.contact) }
  end
  local line = ("SIP/2.0 %d %s"):format(code, reason)
  return text.message(line, base, options)
end

-- The URI of a name-addr or addr-spec (RFC 3261 20: bare, its parameters are
-- the header's).
function text.uri(value)
  return value:match "<([^>]*)>" or value:match "^%s*([^;%s]*)"
end

-- As a name-addr; a bare URI is put in brackets whole.
function text.name_addr(value)
  return value:find("<", 1, true) and value or "<" .. value .. ">"
end

function text.parameter(value, name)
  local rest = value:match ".*>(.*)" or value
  for parameter in rest:gmatch ";%s*([^;,]+)" do
    local n, v = parameter:match "^([^=%s]+)%s*=?%s*(%S*)"
    if n and n:lower() == name then
      return v
    end
  end
end

function text.tag(value)
  return text.parameter(value or "", "tag")
end

-- The branch in a Via.
function text.branch(value)
  return text.parameter(value or "", "branch")
end

-- The body of a message where it is a session description, or nil.
function text.sdp(message)
  local type = (message:header "Content-Type" or ""):lower()
  return type:find "^application/sdp%s*$" and message.body
    or type:find "^application/sdp%s*;" and message.body or nil
end

-- The network address that a SIP URI with an IP literal means, or nil.
function text.address(uri, protocol)
  local rest = uri:match "^[Ss][Ii][Pp][Ss]?:([^?]*)"
  local place = rest and rest:match "^[^;]*@([^;]*)"
    or rest and rest:match "^[^;]*" or ""
  local host, port = place:match "^(%[[%x:.]+%])(.*)$"
  if not host then
    host, port = place:match "^(%d+%.%d+%.%d+%.%d+)(.*)$"
  end
  return host
    and ("%s:%s:%s"):format(protocol, host, port:match "^:(%d+)$" or "5060")
end

return text
