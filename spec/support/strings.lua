-- Strings for those who want to break a line: pieces, random sequences of them,
-- and whether one would break a line.

local PIECES = {
  "\r\n", "\r", "\n", "\0", "\r\n\r\n", "\t", "\27", "\127", "\r\n ", "\133",
  "Via: x", "X-Evil: 1", "a", "b", " ", ":", ";", ",", "<", ">", "\"", "\\",
  "%0d%0a", "sip:a@b", "ä", "\255", "text/plain", "é: \r", "=", "1", "(", "?",
}

local function dice(seed)
  local state = seed
  return function(n)
    state = state * 48271 % 2147483647
    return state % n + 1
  end
end

local function breaks(s)
  return s:find "[\r\n%z]" ~= nil
end

-- So many pieces, or up to four.
local function made(random, n)
  local pieces = {}
  for i = 1, n or random(4) do
    pieces[i] = PIECES[random(#PIECES)]
  end
  return table.concat(pieces)
end

return { made = made, dice = dice, breaks = breaks }
