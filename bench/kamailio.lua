-- Kamailio's script in the benchmark: reads From, and declines with a header of
-- its own, in a transaction, as bench/serve.lua does.
function ksr_request_route()
  if KSR.is_INVITE() then
    KSR.tm.t_newtran()
    KSR.hdr.append_to_reply("X-From: " .. KSR.pv.get "$hdr(From)" .. "\r\n")
    KSR.tm.t_reply(486, "Busy Here")
  else
    KSR.tm.t_check_trans() -- takes the ACK
  end
end
