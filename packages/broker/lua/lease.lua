--[[
  lease: renew what a node says of itself, and the subscriber counts that changed.

  Why a script: whether there still was a lease decides what the counts mean. Counts added to a hash that expired in
  between would pass for all of them.

  KEYS node    hash  "{record}" and one field per channel; lives as long as the lease, so all of it ends at once
  KEYS nodes   zset  name -> end of its lease in ms since 1970
  ARGV name    text  of the node
  ARGV record  JSON
  ARGV lease   ms
  ARGV channel... text
  ARGV count...   number  0 removes the channel

  RETURNS 1 when there was a lease, 0 when this one is new
  COST    6 commands and one per changed channel; the caller bounds those
]]
local node, nodes = KEYS[1], KEYS[2]
local name, record, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local had = redis.call('EXISTS', node)
redis.call('HSET', node, '{record}', record)
for at = 4, #ARGV, 2 do
  if ARGV[at + 1] == '0' then
    redis.call('HDEL', node, ARGV[at])
  else
    redis.call('HSET', node, ARGV[at], ARGV[at + 1])
  end
end
redis.call('PEXPIRE', node, lease)
redis.call('ZADD', nodes, string.format('%.0f', now + lease), name)
-- Nodes that never said goodbye.
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', '(' .. string.format('%.0f', now))
return had
