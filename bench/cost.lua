-- What one call may cost through the Lua handler of bench/calls.c, its caller
-- in C included: instructions, counted by callgrind on x86-64 with the
-- libraries named, and allocations of the core. spec/cost_spec.lua compares.
-- Who makes a call cheaper puts the new figures here; who makes one dearer by
-- more than 2 % says why in docs/performance.md.
return {
  libraries = "libc6 2.36, liblua5.4-0 5.4.4",
  answered = { instructions = 82700, allocations = 20.1 },
  declined = { instructions = 48300, allocations = 10.1 },
}
