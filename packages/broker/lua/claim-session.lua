--[[
  claim-session: take a session over.

  Why a script: of two nodes that the client reached at once, one turn must come after the other.

  KEYS session hash  {node, turn, record}
  ARGV node    text  who takes it
  ARGV life    ms

  RETURNS { record, turn, previous node }, or nothing when there is no such session
  COST    4 commands
]]
local session = KEYS[1]
local node, life = ARGV[1], ARGV[2]

local found = redis.call('HMGET', session, 'record', 'node')
if not found[1] then
  return false
end
local turn = redis.call('HINCRBY', session, 'turn', 1)
redis.call('HSET', session, 'node', node)
redis.call('PEXPIRE', session, life)
return { found[1], turn, found[2] }
