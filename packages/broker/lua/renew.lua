--[[
  renew: start a channel's new epoch, if it still has the one that is given.

  Why a script: of several nodes that find the same contradiction only the first may start a new epoch.

  KEYS meta       hash    epoch, top, seq
  KEYS log        stream  dropped with the old epoch
  ARGV epoch      text    the epoch that ends
  ARGV candidate  text    the epoch to install
  ARGV metaLife   ms      how long the channel is remembered at least

  RETURNS { epoch, top, seq } as they are afterwards
  COST    5 commands
]]
local meta, log = KEYS[1], KEYS[2]
local epoch, candidate, metaLife = ARGV[1], ARGV[2], tonumber(ARGV[3])

local state = redis.call('HMGET', meta, 'epoch', 'top', 'seq')
if not state[1] or state[1] == epoch then
  state = { candidate, '0', '0' }
  redis.call('HSET', meta, 'epoch', candidate, 'top', 0, 'seq', 0)
  redis.call('DEL', log)
end
if redis.call('PTTL', meta) < metaLife then redis.call('PEXPIRE', meta, metaLife) end
return { state[1], tonumber(state[2]), tonumber(state[3]) }
