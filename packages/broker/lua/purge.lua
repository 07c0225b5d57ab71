--[[
  purge: empty a channel's log and tell how much was in it.

  Why a script: a publication between counting and deleting would be deleted without being counted.

  KEYS log  stream

  RETURNS how many publications are gone
  COST    2 commands; Redis frees the memory in its background
]]
local log = KEYS[1]
local count = redis.call('XLEN', log)
redis.call('UNLINK', log)
return count
