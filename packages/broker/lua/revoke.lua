--[[
  revoke: add one revocation to the list, and forget those that have ended.

  Why a script: the list, its texts and its version must change together, or a node that compares versions would never
  read the one that came in between.

  KEYS ends   zset  id -> when it ends, in ms since 1970
  KEYS texts  hash  id -> JSON
  KEYS state  hash  {life, version}
  ARGV id     text
  ARGV text   JSON
  ARGV end    ms since 1970
  ARGV life   text  what this life of the list is called if it begins now
  ARGV max    count

  RETURNS 1 when it is in the list, 0 when there are as many as there may be
  COST    10 commands, and 2 for each of at most 100 that have ended
]]
local ends, texts, state = KEYS[1], KEYS[2], KEYS[3]
local id, text, last, life, max = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)
for _, old in ipairs(ended) do
  redis.call('ZREM', ends, old)
  redis.call('HDEL', texts, old)
end
if redis.call('ZSCORE', ends, id) then
  return 1
end
if redis.call('ZCARD', ends) >= max then
  return 0
end
redis.call('ZADD', ends, last, id)
redis.call('HSET', texts, id, text)
redis.call('HSETNX', state, 'life', life)
redis.call('HINCRBY', state, 'version', 1)
return 1
