-- Both sides renew, hold, resume and hang up at random over a network that
-- loses, doubles and reorders (RFC 3261 14, RFC 5407): each operation ends
-- once, and nothing is left. The peer plays by the rules of a real phone: it
-- repeats what isn't answered, and every ACK.
local sip = require "sipsession"
local World = require "support.world"
local Sdp = require "support.descriptions"

local CALLS = 100
local ROUND = 25 -- calls at a time

-- A phone on the other side of one call.
local Phone = {}
Phone.__index = Phone

local function phone(w, random)
  return setmetatable({ w = w, random = random, open = {}, version = 1 },
    Phone)
end

function Phone:description()
  local directions = { "sendrecv", "sendonly", "recvonly", "inactive" }
  self.version = self.version + 1
  return Sdp.offer { version = self.version,
    direction = directions[self.random(4)] }
end

-- Sends a request again and again until its final response has come.
function Phone:repeated(method, options)
  local call = self.call
  if not call:request(method, options) then
    return
  end
  local t = call.transactions[#call.transactions]
  local wait, left = 0.5, 32
  sip.spawn(function()
    while not t.final and left > 0 do
      sip.sleep(wait)
      left, wait = left - wait, math.min(wait * 2, 4)
      if not t.final then
        self.w.caller:send(t.text, t.address)
      end
    end
  end)
  return t
end

-- The ACK of a final response to a request of this call.
function Phone:acknowledge(t, response)
  local call, body = self.call, nil
  if response.code >= 300 then
    call.responses = { response }
    call:ack()
    return
  end
  if not t.has_body then
    t.answer = t.answer or self:description()
    body = t.answer
  end
  call.responses = { response }
  call:ack { sdp = body }
end

function Phone:response(response)
  local cseq = response:header "CSeq"
  if response.code < 200 then
    return
  end
  for _, t in ipairs(self.call.transactions) do
    if ("%d %s"):format(t.cseq, t.method) == cseq then
      t.final = true
      if t.method == "INVITE" then
        self:acknowledge(t, response)
      end
    end
  end
end

function Phone:request(request)
  local cseq, method = request:header "CSeq", request.method
  if method == "ACK" then
    return
  end
  local said = self.open[cseq]
  if not said then
    said = { 200 }
    if method == "BYE" then
      self.over = true
    elseif self.over then
      said = { 481 }
    elseif method == "INVITE" or method == "UPDATE" then
      local dice = self.random(10)
      if dice == 1 then
        said = { 491 }
      elseif dice == 2 then
        said = { 488 }
      elseif method == "INVITE" or request.body then
        said = { 200, self:description() }
      end
    end
    self.open[cseq] = said
  end
  self.call:reply(request, said[1], nil, said[2])
end

-- What the phone does by itself.
function Phone:act()
  local dice = self.random(6)
  if self.over then
    return
  elseif dice <= 2 then
    self:repeated("INVITE", { sdp = self:description() })
  elseif dice == 3 then
    self:repeated "INVITE"
  elseif dice == 4 then
    self:repeated("UPDATE", { sdp = self:description() })
  elseif dice == 5 then
    self:repeated "UPDATE"
  elseif self.random(3) == 1 then
    self.over = true
    self:repeated "BYE"
  end
end

describe("renewals at random", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function run(seed, impairments)
    w = World.new { seed = seed }
    local state = seed
    local function random(n)
      state = (state * 6364136223846793005 + 1442695040888963407)
      return (state >> 33) % n + 1
    end
    local begun, ended, accepted, told = 0, 0, 0, 0
    local function once()
      local called = false
      begun = begun + 1
      return function(value, err)
        assert(not called and (value or err))
        called, ended = true, ended + 1
      end
    end
    -- What our side does.
    local function act(session)
      local dice = random(8)
      local ok
      if dice <= 2 then
        local fn = once()
        ok = session:renegotiate_async({ offer = dice == 1 }, fn)
      elseif dice == 3 then
        ok = session:renegotiate_async({ method = "UPDATE" }, once())
      elseif dice == 4 then
        ok = session:hold_async(once())
      elseif dice == 5 then
        ok = session:resume_async(once())
      elseif dice == 6 then
        ok = session:send_async("INFO", once())
      elseif dice == 7 and random(3) == 1 then
        session:terminate()
        return
      else
        return
      end
      if not ok then -- pending, or over: its function is never called
        begun = begun - 1
      end
    end
    w.endpoint:on("session_received", function(session)
      w.sessions[#w.sessions + 1] = session
      session:on("ended", function()
        told = told + 1
      end)
      if random(2) == 1 then
        local function late(_, description)
          sip.sleep(random(30) / 10)
          return Sdp.audio { version = random(1000),
            formats = description and "0 8" or "0" }
        end
        session.media = { get_answer = late, get_offer = late,
          set_answer = function() sip.sleep(random(10) / 10) end }
      end
      session:participate()
      accepted = accepted + 1
      while session.state == "connected" do
        sip.sleep(random(40) / 10)
        act(session)
      end
    end)
    for _ = 1, CALLS // ROUND // World.SCALE + 1 do
      w.network:impair(impairments)
      local phones = {}
      for i = 1, ROUND do
        local p = phone(w, random)
        phones[i] = p
        p.call = w.caller:invite { to = "sip:desk@10.0.0.1",
          sdp = random(4) > 1 and p:description() or nil }
        local t = p.call.transactions[1]
        local take = p.call.take
        function p.call.take(call, entry)
          take(call, entry)
          if entry.code then
            p:response(entry.message)
          else
            p:request(entry.message)
          end
        end
        sip.spawn(function()
          for _ = 1, 10 do
            sip.sleep(0.7)
            if not t.final then
              w.caller:send(t.text, t.address)
            end
          end
          while not p.over do
            sip.sleep(random(50) / 10)
            p:act()
          end
        end)
      end
      w.network:advance(120)
      for _, p in ipairs(phones) do
        if not p.over then
          p.over = true
          p:repeated "BYE"
        end
      end
      w.network:advance(120)
      w.network:impair()
      w.network:advance(120)
      for name, n in pairs(w.network:leftovers()) do
        assert.equal(0, n, name)
      end
    end
    assert.equal(begun, ended)
    assert.is_true(begun > CALLS // World.SCALE)
    assert.equal(accepted, #w.sessions)
    assert.equal(told, #w.sessions)
    for _, session in ipairs(w.sessions) do
      assert.equal("disconnected", session.state)
    end
  end

  it("on a good network", function()
    run(1, {})
  end)

  it("on one that loses", function()
    run(2, { loss = 0.2 })
  end)

  it("on one that does everything", function()
    run(3, { loss = 0.1, duplicate = 0.2, reorder = 0.3, delay = 0.1 })
  end)
end)
