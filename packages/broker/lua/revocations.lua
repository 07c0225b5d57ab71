--[[
  revocations: the list of revocations, unless the caller has it already.

  Why a script: the texts and the version that they belong to are read in one step.

  KEYS texts   hash  id -> JSON
  KEYS state   hash  {life, version}
  ARGV known   text  "life.version" that the caller has

  RETURNS { "life.version", life, texts... }, or nothing when that is what the caller has
  COST    1 command; one more that reads the whole list when it has changed
]]
local texts, state = KEYS[1], KEYS[2]
local known = ARGV[1]

local found = redis.call('HMGET', state, 'life', 'version')
local life = found[1] or ''
local version = life .. '.' .. (found[2] or '0')
if version == known then
  return false
end
local answer = redis.call('HVALS', texts)
table.insert(answer, 1, life)
table.insert(answer, 1, version)
return answer
