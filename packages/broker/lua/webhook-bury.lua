--[[
  webhook-bury: put a dead letter back that could not be delivered again.

  Why a script: one that has been delivered or forgotten meanwhile must not come back.

  KEYS dead   hash  id -> JSON of a dead letter
  KEYS due    zset  places of those that are to be tried again
  ARGV id     text
  ARGV place  text
  ARGV text   JSON

  RETURNS 1, or 0 when there is none of this id
  COST    3 commands
]]
local dead, due = KEYS[1], KEYS[2]
local id, place, text = ARGV[1], ARGV[2], ARGV[3]

redis.call('ZREM', due, place)
if redis.call('HEXISTS', dead, id) == 0 then return 0 end
redis.call('HSET', dead, id, text)
return 1
