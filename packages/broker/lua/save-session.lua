--[[
  save-session: write a session's record, unless another node has taken the session over.

  Why a script: a node that was frozen must not write over what its successor wrote, so the check and the write are one.

  KEYS session hash  {node, turn, record}
  ARGV node    text
  ARGV turn    number  counts the nodes that have served the session
  ARGV record  JSON
  ARGV life    ms

  RETURNS 1, or 0 when the session has a later turn
  COST    3 commands
]]
local session = KEYS[1]
local node, turn, record, life = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

local current = tonumber(redis.call('HGET', session, 'turn') or '0')
if current > turn then
  return 0
end
redis.call('HSET', session, 'node', node, 'turn', turn, 'record', record)
redis.call('PEXPIRE', session, life)
return 1
