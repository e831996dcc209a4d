-- Answers, and follows every referral: what spec/sipp/refer.xml calls.
local sip = require "sipsession"

local function refer_received(_, referral)
  if referral.target:find "sip:carol@" and referral:accept() then
    sip.sleep(0.2) -- their BYE comes first
    assert(referral:notify(200))
  end
end

return function(endpoint)
  endpoint:on("session_received", function(session)
    session:on("refer_received", refer_received)
    session:participate()
  end)
end
