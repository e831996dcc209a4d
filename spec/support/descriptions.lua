-- Session descriptions for specs: ours and the caller's, and what is read from
-- one.
local Sdp = {}

local function lines(list)
  return table.concat(list, "\r\n") .. "\r\n"
end

local function build(o)
  local list = {
    "v=0",
    ("o=- %d %d IN IP4 %s"):format(o.id, o.version or 1, o.host),
    "s=-",
    "c=IN IP4 " .. (o.address or o.host),
    "t=0 0",
  }
  local stream = ("m=audio %d RTP/AVP %s"):format(o.port, o.formats or "0 8")
  for _, m in ipairs(o.streams or { stream }) do
    list[#list + 1] = m
  end
  if o.direction then
    list[#list + 1] = "a=" .. o.direction
  end
  for _, line in ipairs(o.more or {}) do
    list[#list + 1] = line
  end
  return lines(list)
end

local function with(options, usual)
  for name, value in pairs(options or {}) do
    usual[name] = value
  end
  return build(usual)
end

-- Ours. Options: version, direction, port, formats, address, streams (the
-- m-lines), more (lines behind them).
function Sdp.audio(options)
  return with(options, { id = 7, host = "10.0.0.1", port = 5000 })
end

-- The caller's.
function Sdp.offer(options)
  return with(options, { id = 1, host = "10.0.0.2", port = 4000 })
end

-- The direction of each stream that says one.
function Sdp.directions(text)
  local list = {}
  for line in text:gmatch "a=(%a+)\r\n" do
    if line:find "^send" or line:find "^recv" or line == "inactive" then
      list[#list + 1] = line
    end
  end
  return list
end

-- "audio 5000", "video 0" …
function Sdp.streams(text)
  local list = {}
  for media, port in text:gmatch "m=(%a+) (%d+)" do
    list[#list + 1] = media .. " " .. port
  end
  return list
end

function Sdp.version(text)
  return math.tointeger(text:match "o=%S+ %d+ (%d+)")
end

return Sdp
