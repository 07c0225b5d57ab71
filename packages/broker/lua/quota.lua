--[[
  quota: say how many units of some keys a node would like to hold, and get what the others have left.

  Why a script: counting what the others hold and taking the rest must be one step, or two nodes take the same rest.

  KEYS quota... hash  node -> "<units> <end of its life in ms since 1970>"; lives as long as the last that was written
  ARGV node     text  who asks
  ARGV max      count units of one key on all nodes together
  ARGV life     ms
  ARGV wanted...  count one for each key; 0 gives all back

  RETURNS units that the node holds now, one for each key
  COST    up to 4 commands per key and one field per node; the caller bounds the keys
]]
local node, max, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local ending = string.format(' %.0f', now + life)
local held = {}
for at, quota in ipairs(KEYS) do
  local fields = redis.call('HGETALL', quota)
  local others = 0
  for field = 1, #fields, 2 do
    local units, ends = string.match(fields[field + 1], '^(%d+) (%d+)$')
    if not units or tonumber(ends) <= now then
      redis.call('HDEL', quota, fields[field])
    elseif fields[field] ~= node then
      others = others + tonumber(units)
    end
  end
  local units = math.max(0, math.min(tonumber(ARGV[at + 3]), max - others))
  if units == 0 then
    redis.call('HDEL', quota, node)
  else
    redis.call('HSET', quota, node, string.format('%.0f', units) .. ending)
    if redis.call('PTTL', quota) < life then redis.call('PEXPIRE', quota, life) end
  end
  held[at] = units
end
return held
