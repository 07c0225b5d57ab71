--[[
  unrevoke: take one revocation out of the list.

  Why a script: the list, its texts and its version must change together.

  KEYS ends   zset  id -> when it ends, in ms since 1970
  KEYS texts  hash  id -> JSON
  KEYS state  hash  {life, version}
  ARGV id     text

  RETURNS 1, or 0 when there is none of this id
  COST    3 commands
]]
local ends, texts, state = KEYS[1], KEYS[2], KEYS[3]
local id = ARGV[1]

if redis.call('ZREM', ends, id) == 0 then
  return 0
end
redis.call('HDEL', texts, id)
redis.call('HINCRBY', state, 'version', 1)
return 1
