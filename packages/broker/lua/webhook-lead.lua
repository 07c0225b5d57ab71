--[[
  webhook-lead: begin or renew the lease of who delivers events to the application.

  Why a script: that nobody else has the lease and that it is ours must be one step.

  KEYS lease   string  who leads
  KEYS after   string  id of the last event that was dealt with
  ARGV holder  text
  ARGV life    ms      of the lease

  RETURNS the id, or an empty text when there is none yet; nil when somebody else leads
  COST    3 commands
]]
local lease, after = KEYS[1], KEYS[2]
local holder, life = ARGV[1], ARGV[2]

local leader = redis.call('GET', lease)
if leader and leader ~= holder then return nil end
redis.call('SET', lease, holder, 'PX', life)
return redis.call('GET', after) or ''
