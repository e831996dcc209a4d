-- What a session description has to be (RFC 4566 9), read with other eyes than
-- the library's: line by line, in order, with what src/sip/sdp.c asks for too.
local rules = {}

local WORD = "[!#-'*+%-.0-9A-Z^-~]+"

local function has_words(n)
  return function(value)
    return select(2, value:gsub("[^ ]+", "")) == n
      and not value:find "  " and not value:find "^ " and not value:find " $"
  end
end

local function matches(pattern)
  return function(value)
    return value:find(pattern) ~= nil
  end
end

local function is_media(value)
  local port, protocol = value:match("^[%w!%%*_+`'~.-]+ (%d+) (%S+)"
    .. (" " .. WORD) .. "[^%c]*$")
  if not port then
    port, protocol = value:match("^[%w!%%*_+`'~.-]+ (%d+)/%d+ (%S+) [^%c]+$")
  end
  return port and tonumber(port) <= 65535 and not value:find "  "
    and not value:find " $"
    and ("/" .. protocol):gsub("/" .. WORD, "") == ""
end

local VALUE = {
  v = matches "^0$", o = has_words(6), s = matches "^.", i = matches "^.",
  u = matches "^%S+$", e = matches "^.", p = matches "^.", c = has_words(3),
  b = matches("^" .. WORD .. ":%d+$"), t = matches "^%d+ %d+$",
  r = matches "^%d", z = matches "^%d", m = is_media,
  a = function(value)
    return value:find("^" .. WORD .. "$") or value:find("^" .. WORD .. ":.")
  end,
}

-- The letters of a whole description, in RFC 4566's order.
local SESSION = "^vosi?u?e*p*c?b*t[tr]*z?a*$"
local MEDIA = "^mi?c*b*a*$"

-- What is wrong with the text, or nil.
function rules.broken(text)
  if text:gsub("\r\n", ""):find "[\0-\8\10-\31\127]" then
    return "a control character"
  elseif not text:find "\r\n$" then
    return "no CRLF at the end"
  end
  local letters, lines = {}, 0
  for line in text:gmatch "(.-)\r\n" do
    local letter, value = line:match "^(%l)=(.*)$"
    if not letter or not VALUE[letter] or not VALUE[letter](value) then
      return "the line " .. line
    end
    letters[#letters + 1] = (letter == "m" and "\n" or "") .. letter
    lines = lines + 1
  end
  local streams, unconnected = 0, false
  local session
  for section in table.concat(letters):gmatch "[^\n]+" do
    if not section:find(session and MEDIA or SESSION) then
      return "the order " .. section
    end
    streams = session and streams + 1 or 0
    unconnected = unconnected or session and not section:find "c"
    session = session or section
  end
  return not session and "nothing in it"
    or unconnected and not session:find "c" and "a stream without c="
    or streams > 64 and "over 64 streams"
    or lines > 2000 and "over 2000 lines" or nil
end

-- The m= lines as { type, port, protocol, formats }.
function rules.streams(text)
  local list = {}
  for line in text:gmatch "[^\r\n]+" do
    local kind, port, protocol, formats =
      line:match "^m=(%S+) (%d+)%S* (%S+) (.*)$"
    if kind then
      list[#list + 1] = { kind, tonumber(port), protocol, formats }
    end
  end
  return list
end

return rules
