-- The text of a file, which has to be there.
return function(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end
