--[[
  lease: renew what a node says of itself.

  Why a script: the record and its place in the index end at the same moment, by the clock of the primary.

  KEYS node    string  JSON; lives as long as the lease
  KEYS nodes   zset    name -> end of its lease in ms since 1970
  ARGV name    text    of the node
  ARGV record  JSON
  ARGV lease   ms

  RETURNS 1
  COST    4 commands
]]
local node, nodes = KEYS[1], KEYS[2]
local name, record, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('SET', node, record, 'PX', lease)
redis.call('ZADD', nodes, string.format('%.0f', now + lease), name)
-- Nodes that never said goodbye.
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', '(' .. string.format('%.0f', now))
return 1
