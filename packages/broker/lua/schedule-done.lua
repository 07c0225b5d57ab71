--[[
  schedule-done: forget publications for later that were published, or never can be.

  Why a script: what is no longer taken must be gone everywhere, or it would be handed out without its content.

  KEYS taken   zset  name -> when it may be handed out again
  KEYS abouts  hash  name -> JSON for lists
  KEYS plans   hash  name -> JSON of what is to be published
  ARGV name... text

  RETURNS nothing
  COST    3 commands for each
]]
local taken, abouts, plans = KEYS[1], KEYS[2], KEYS[3]

for _, name in ipairs(ARGV) do
  redis.call('ZREM', taken, name)
  redis.call('HDEL', abouts, name)
  redis.call('HDEL', plans, name)
end
