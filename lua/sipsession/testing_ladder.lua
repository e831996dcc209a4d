-- Draws messages that were sent over the testing kit's network as a ladder: a
-- column for each address, an arrow for each message, times relative to the
-- first. A message that was lost ends in a cross.

local sip = require "sipsession"

local GAP = 72 -- at most this between two columns

local width = utf8.len

local function cut(s, most)
  if width(s) <= most then
    return s
  end
  return s:sub(1, (utf8.offset(s, most) or most) - 1) .. "…"
end

-- "INVITE sip:desk@10.0.0.1 (1)", "200 OK (1 INVITE)".
local function label(bytes)
  local line = bytes:match "^[\r\n]*([^\r\n]*)"
  local cseq = ("\n" .. bytes):match "\n[Cc][Ss][Ee][Qq][ \t]*:%s*([^\r\n]*)"
  local status = line:match "^SIP/2%.0 (.*)$"
  if not status then
    line = line:match "^(.*) SIP/2%.0$" or line
    cseq = cseq and cseq:match "^%d+" or cseq
  end
  line = status or line
  if line == "" then
    line = ("(%d bytes)"):format(#bytes)
  end
  if cseq then
    line = ("%s (%s)"):format(line, cseq)
  end
  return sip.printable(line)
end

-- The addresses in order of appearance, and their columns.
local function columns(log)
  local names, place = {}, {}
  for _, sent in ipairs(log) do
    for _, name in ipairs { sent.from, sent.to } do
      if not place[name] then
        names[#names + 1] = name
        place[name] = #names
      end
    end
  end
  return names, place
end

-- What is between the lifelines of an arrow, `room` characters wide.
local function arrow(text, room, right, lost)
  text = " " .. cut(text, room - 6) .. " "
  local head = right and "▶" or "◀"
  if lost then
    head = right and "✗ " or " ✗"
  end
  local line = room - width(text) - width(head)
  local before = ("─"):rep(line // 2)
  local after = ("─"):rep(line - line // 2)
  if right then
    return before .. text .. after .. head
  end
  return head .. before .. text .. after
end

-- `log`: a list of { time =, from =, to =, text =, lost = }. `most`: columns
-- are at most this wide.
return function(log, most)
  if #log == 0 then
    return ""
  end
  local names, place = columns(log)
  local gap = 20
  for _, name in ipairs(names) do
    gap = math.max(gap, width(name) + 3)
  end
  for _, sent in ipairs(log) do
    local span = math.max(1, math.abs(place[sent.to] - place[sent.from]))
    gap = math.max(gap, (width(label(sent.text)) + 9) // span)
  end
  gap = math.max(12, math.min(gap, most or GAP))

  local out = { "" }
  for i, name in ipairs(names) do
    local at = 11 + (i - 1) * gap - width(name) // 2
    at = math.max(at, width(out[1]) + (i > 1 and 2 or 0))
    out[1] = out[1] .. (" "):rep(at - width(out[1])) .. name
  end
  for _, sent in ipairs(log) do
    local a, b = place[sent.from], place[sent.to]
    local row = { ("%9.3f  │"):format(sent.time - log[1].time) }
    local i = 1
    while i < #names do
      if i == math.min(a, b) and a ~= b then
        local room = math.abs(a - b) * gap - 1
        row[#row + 1] = arrow(label(sent.text), room, a < b, sent.lost)
        i = math.max(a, b)
      else
        row[#row + 1] = (" "):rep(gap - 1)
        i = i + 1
      end
      row[#row + 1] = "│"
    end
    if a == b then
      row[#row + 1] = " " .. label(sent.text) .. " (to itself)"
    end
    out[#out + 1] = table.concat(row)
  end
  return table.concat(out, "\n") .. "\n"
end
