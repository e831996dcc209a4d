-- No timing: what a call costs is counted, and compared with bench/cost.lua.
-- The difference of a long and a short run is what the calls between them cost.
local cost = require "support.cost"

describe("#slow what a call costs", function()
  for _, kind in ipairs { "answered", "declined" } do
    it("is no more allocations than before: " .. kind, function()
      local program = cost.program()
      if not program then
        return pending "bench/calls isn't built: make programs"
      end
      local made = cost.allocations(program, kind)
      local most = cost.limits[kind].allocations
      assert.is_true(made > 0 and made <= most,
        ("%.2f allocations, %d before"):format(made, most))
    end)

    it("is no more instructions than before, within 2 %: " .. kind, function()
      local program = cost.program()
      local why = not program and "bench/calls isn't built: make programs"
        or cost.why_not()
      if why then
        return pending(why)
      end
      local count = cost.instructions(program, kind)
      local before = cost.limits[kind].instructions
      assert.is_true(count > before / 2 and count <= before * 1.02,
        ("%d instructions, %d before"):format(count, before))
    end)
  end
end)
