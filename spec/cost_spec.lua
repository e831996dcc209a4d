-- No timing: what a call costs is counted, and compared with bench/cost.lua.
-- The difference of a long and a short run is what the calls between them cost.
local count = require "bench.count"

describe("#slow what a call costs", function()
  for _, kind in ipairs { "answered", "declined" } do
    it("is no more allocations than before: " .. kind, function()
      local program = count.program()
      if not program then
        return pending "bench/calls isn't built: make programs"
      end
      local made = count.allocations(program, kind)
      local most = count.limits[kind].allocations
      assert.is_true(made > 0 and made <= most,
        ("%.2f allocations, %.2f before"):format(made, most))
    end)

    it("is no more instructions than before, within 2 %: " .. kind, function()
      local program = count.program()
      local why = not program and "bench/calls isn't built: make programs"
        or count.why_not_compare()
      if why then
        return pending(why)
      end
      local made = count.instructions(program, kind)
      local before = count.limits[kind].instructions
      assert.is_true(made > before / 2 and made <= before * 1.02,
        ("%d instructions, %d before"):format(made, before))
    end)
  end
end)
