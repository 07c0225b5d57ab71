--[[
  open: the newest places of channels; those never used are given an epoch, and none is forgotten soon.

  Why a script: two nodes that open a channel at the same time must be told the same epoch.

  KEYS meta...    hash    epoch, top, seq
  KEYS log...     stream  dropped when its channel is new: it belongs to an epoch that nobody knows any more
  ARGV candidate  text    the epoch to install where there is none
  ARGV metaLife   ms      how long the channels are remembered at least

  RETURNS { epoch, top, seq, epoch, top, seq, ... } in the order of the keys
  COST    2 commands a channel, 4 for a new one
]]
local candidate, metaLife = ARGV[1], tonumber(ARGV[2])
local places = {}
for at = 1, #KEYS, 2 do
  local meta, log = KEYS[at], KEYS[at + 1]
  local state = redis.call('HMGET', meta, 'epoch', 'top', 'seq')
  if not state[1] then
    state = { candidate, '0', '0' }
    redis.call('HSET', meta, 'epoch', candidate, 'top', 0, 'seq', 0)
    redis.call('DEL', log)
  end
  if redis.call('PTTL', meta) < metaLife then redis.call('PEXPIRE', meta, metaLife) end
  places[#places + 1] = state[1]
  places[#places + 1] = tonumber(state[2])
  places[#places + 1] = tonumber(state[3])
end
return places
