-- What the testing kit's peers say where a script leaves it to them: an answer
-- that accepts what is offered, and as `auto` peers the responses that a real
-- phone gives (RFC 3261 14.2, RFC 3311 5.2).

local sdp = require "sipsession.sdp"
local text = require "sipsession.testing_text"

local auto = {}

-- The session id and version of the description that the call sent last.
local function origin(call)
  local id, version = (call.sdp or ""):match "\no=%S+ (%d+) (%d+) "
  return math.tointeger(tonumber(id or 1)) or 1,
    math.tointeger(tonumber(version or 0)) or 0
end

-- Builds a description, with the version one higher where anything is new
-- (RFC 3264 8).
local function build(call, options, make)
  options.address = call.peer.host
  options.session_id, options.version = origin(call)
  local built = make()
  if built and built ~= call.sdp then
    options.version = options.version + 1
    built = make()
  end
  return built
end

-- An answer that takes everything that is offered; nil where that can't be,
-- or where there is no offer.
function auto.accept(call, offered)
  local offer = offered and sdp.parse(offered)
  local options = {}
  for _, media in ipairs(offer and offer.media or {}) do
    local codecs = {}
    for _, map in pairs(media.rtpmap) do
      codecs[#codecs + 1] = map.encoding
    end
    if (media.type == "audio" or media.type == "video") and codecs[1] then
      options[media.type] = { port = 40000, codecs = codecs }
    end
  end
  if options.audio or options.video then
    return build(call, options, function()
      return (sdp.answer(offer, options))
    end)
  end
end

-- The description that the call sent last, or one with an audio stream.
local function offer(call)
  local options = { audio = { port = 40000, codecs = { "PCMU", "PCMA" } } }
  return call.sdp or build(call, options, function()
    return sdp.offer(options)
  end)
end

-- Answers a request: an offer with an answer that accepts it, or 488; a
-- re-INVITE without an offer with an offer; everything else with 200.
function auto.answer(call, request)
  local offered = text.sdp(request)
  local ours
  if request.method == "INVITE" and not request.body then
    ours = offer(call)
  elseif offered and (request.method == "INVITE"
    or request.method == "UPDATE") then
    ours = auto.accept(call, offered)
    if not ours then
      return call:reply(request, 488)
    end
  end
  return call:reply(request, 200, { sdp = ours, headers = {} })
end

return auto
