--[[
  registry-end: forget a node whose connections have been removed.

  Why a script: a node of the same name may have begun anew, and must not be forgotten.

  KEYS registry  prefix  see registry-write
  ARGV node      text
  ARGV stamp     text    of the last batch

  RETURNS 1, or 0 when another batch came last
  COST    4 commands
]]
local prefix = KEYS[1]
local node, stamp = ARGV[1], ARGV[2]

if redis.call('HGET', prefix .. 'stamps', node) ~= stamp then return 0 end
redis.call('HDEL', prefix .. 'stamps', node)
redis.call('ZREM', prefix .. 'leases', node)
redis.call('ZREM', prefix .. 'fresh', node)
return 1
