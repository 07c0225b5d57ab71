--[[
  webhook-advance: note how far events are dealt with, and what could not be delivered.

  Why a script: a leader whose lease is over must change nothing, and what is given up must be kept in the step that
  goes past it.

  KEYS lease   string  who leads
  KEYS after   string  id of the last event that was dealt with
  KEYS dead    hash    id -> JSON of a dead letter
  KEYS order   zset    places of dead letters, all of score 0: they sort by age; each ends with the id
  KEYS due     zset    places of those that are to be tried again
  ARGV holder  text
  ARGV id      text    of the last event
  ARGV letter  text    id of a dead letter, or empty
  ARGV place   text    of the dead letter
  ARGV text    JSON    of the dead letter
  ARGV max     count   dead letters kept

  RETURNS 1, or 0 when somebody else leads
  COST    2 commands, and 6 with a dead letter
]]
local lease, after, dead, order, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local holder, id, letter, place, text, max = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])

if redis.call('GET', lease) ~= holder then return 0 end
redis.call('SET', after, id)
if letter == '' then return 1 end
redis.call('HSET', dead, letter, text)
redis.call('ZADD', order, 0, place)
if redis.call('ZCARD', order) > max then
  local oldest = redis.call('ZPOPMIN', order)[1]
  redis.call('HDEL', dead, string.match(oldest, '[^ ]+$'))
  redis.call('ZREM', due, oldest)
end
return 1
