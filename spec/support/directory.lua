-- A directory for files that other programs read or write, gone afterwards.
local uv = require "luv"

local Directory = {}

function Directory.new()
  return assert(uv.fs_mkdtemp(uv.os_tmpdir() .. "/sipsession-XXXXXX"))
end

-- With the files in it.
function Directory.remove(directory)
  for name in uv.fs_scandir_next, assert(uv.fs_scandir(directory)) do
    os.remove(directory .. "/" .. name)
  end
  uv.fs_rmdir(directory)
end

return Directory
