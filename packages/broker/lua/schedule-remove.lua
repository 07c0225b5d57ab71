--[[
  schedule-remove: call a publication for later off.

  Why a script: it is either called off or handed out to be published, never both.

  KEYS order   zset  names, all of score 0
  KEYS taken   zset  name -> when it may be handed out again
  KEYS abouts  hash  name -> JSON for lists
  KEYS plans   hash  name -> JSON of what is to be published
  ARGV name    text

  RETURNS 1 called off, 0 there is none of this name, -1 it is being published
  COST    4 commands
]]
local order, taken, abouts, plans = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name = ARGV[1]

if redis.call('ZSCORE', taken, name) then return -1 end
if redis.call('ZREM', order, name) == 0 then return 0 end
redis.call('HDEL', abouts, name)
redis.call('HDEL', plans, name)
return 1
