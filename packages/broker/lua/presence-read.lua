--[[
  presence-read: who is in a channel.

  Why a script: counts, members and version must be of one moment, or deltas cannot be put on top of them.

  KEYS meta       hash   life, version
  KEYS members    hash   session id -> "owner turn user since text"
  KEYS users      hash   user -> number of its sessions
  ARGV membersMax count  members are listed up to so many

  RETURNS { life, version, clients, users, members or nothing }
  COST    3 commands, and the members
]]
local known = redis.call('HMGET', KEYS[1], 'life', 'version')
local clients = redis.call('HLEN', KEYS[2])
return {
  tonumber(known[1] or 0),
  tonumber(known[2] or 0),
  clients,
  redis.call('HLEN', KEYS[3]),
  clients <= tonumber(ARGV[1]) and redis.call('HVALS', KEYS[2]) or false,
}
