--[[
  schedule-add: keep a publication for later.

  Why a script: looking the publisher's id up, taking a name and storing must be one step, or a retry is kept twice.

  The name begins with the time in 13 digits, then comes how many there were before: names in the order of their bytes
  are in the order of their times, and of their arrival within one.

  KEYS order   zset    names, all of score 0
  KEYS abouts  hash    name -> JSON for lists
  KEYS plans   hash    name -> JSON of what is to be published
  KEYS count   string  how many there ever were
  KEYS known   string  fingerprint and name of the first one with this id
  ARGV at      ms      since 1970
  ARGV nonce   text    so that a count that Redis has lost gives no name a second time
  ARGV about   JSON
  ARGV plan    JSON
  ARGV fingerprint text of the content; empty when there is no id
  ARGV life    ms      how long beyond that time the id is known
  ARGV max     count

  RETURNS { 1, name } added, { 0, name } the same as before, { -1 } the id says something else,
          { -2 } there are as many as there may be
  COST    8 commands
]]
local order, abouts, plans, count, known = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local at, nonce, about, plan = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local fingerprint, life, max = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])

if fingerprint ~= '' then
  local said = redis.call('GET', known)
  if said then
    local first, name = string.match(said, '^(%S+) (%S+)$')
    if first ~= fingerprint then return { -1 } end
    return { 0, name }
  end
end
if redis.call('HLEN', plans) >= max then return { -2 } end
local name = string.format('%013.0f-%09.0f-%s', at, redis.call('INCR', count), nonce)
redis.call('HSET', plans, name, plan)
redis.call('HSET', abouts, name, about)
redis.call('ZADD', order, 0, name)
if fingerprint ~= '' then
  local time = redis.call('TIME')
  local ahead = math.max(0, at - tonumber(time[1]) * 1000 - math.floor(tonumber(time[2]) / 1000))
  redis.call('SET', known, fingerprint .. ' ' .. name, 'PX', string.format('%.0f', ahead + life))
end
return { 1, name }
