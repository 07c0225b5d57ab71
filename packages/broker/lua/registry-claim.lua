--[[
  registry-claim: take the place of a node whose lease has run out, to clean up behind it.

  Why a script: of several that find the same node lost only one may go on, and none once the node is back.

  KEYS registry  prefix  see registry-write
  ARGV node      text    the lost one
  ARGV stamp     text    under which the claimant goes on
  ARGV lease     ms      after which another one may try

  RETURNS 1, or 0 when the lease is running
  COST    5 commands
]]
local prefix = KEYS[1]
local node, stamp, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local ends = redis.call('ZSCORE', prefix .. 'leases', node)
if not ends or tonumber(ends) > now then return 0 end
redis.call('ZADD', prefix .. 'leases', string.format('%.0f', now + lease), node)
redis.call('HSET', prefix .. 'stamps', node, stamp)
redis.call('ZREM', prefix .. 'fresh', node)
return 1
