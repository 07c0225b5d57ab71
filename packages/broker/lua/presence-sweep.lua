--[[
  presence-sweep: let some of the members leave that a lost owner still owns in a channel.

  Why a script: a session that another node takes over between being found and being removed would be removed there too.

  KEYS meta       hash   life, version
  KEYS members    hash   session id -> "owner turn user since text"
  KEYS users      hash   user -> number of its sessions
  KEYS owned      set    channels that the owner has members in
  KEYS owners     hash   owner -> "end state steps"
  ARGV owner      text
  ARGV name       text   of the channel
  ARGV reason     text   that they leave for
  ARGV membersMax count  above so many members only counts are announced
  ARGV emptyLife  ms     how long an empty channel's version is remembered
  ARGV kind       text   sharded, classic, or empty for what the server can do
  ARGV topic      text   where it is announced
  ARGV cursor     text   0 to begin with, then what the call before returned
  ARGV count      count  members looked at, about

  RETURNS { cursor, number of those that left }; cursor 0 at the end, at once when the owner is alive
  COST    7 commands and 3 for each that leaves; count bounds them
]]
local meta, members, users, owned, owners = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local owner, name, reason, membersMax, emptyLife = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local kind, topic, cursor, count = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

if string.match(redis.call('HGET', owners, owner) or '', '^%d+ alive ') then return { '0', 0 } end

local page = redis.call('HSCAN', members, cursor, 'COUNT', count)
local left = {}
for at = 1, #page[2], 2 do
  local id = page[2][at]
  local fOwner, _, user, since, text = string.match(page[2][at + 1], '^(%S+) (%d+) (%S*) (%d+) (.*)$')
  -- A scan may show the same member twice.
  if fOwner == owner and redis.call('HDEL', members, id) == 1 then
    if user ~= '' and redis.call('HINCRBY', users, user, -1) <= 0 then redis.call('HDEL', users, user) end
    left[#left + 1] = text .. ',"since":' .. since .. ',"reason":"' .. reason .. '"}'
  end
end
if page[1] == '0' then redis.call('SREM', owned, name) end
if #left == 0 then return { page[1], 0 } end

local known = redis.call('HMGET', meta, 'life', 'version')
local previous = known[2] or '0'
local time = redis.call('TIME')
local version = string.format('%.0f', math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), tonumber(previous) + 1))
local life = known[1] or version
local clients, distinct = redis.call('HLEN', members), redis.call('HLEN', users)
redis.call('HSET', meta, 'life', life, 'version', version)
if clients == 0 then redis.call('PEXPIRE', meta, emptyLife) else redis.call('PERSIST', meta) end

if kind == '' then kind = redis.REDIS_VERSION_NUM and 'sharded' or 'classic' end
redis.call(kind == 'sharded' and 'SPUBLISH' or 'PUBLISH', topic, table.concat({
  '{"life":', life, ',"previous":', previous, ',"version":', version,
  ',"clients":', string.format('%.0f', clients), ',"users":', string.format('%.0f', distinct),
  clients <= membersMax and ',"joined":[],"left":[' .. table.concat(left, ',') .. ']' or '',
  '}',
}))
return { page[1], #left }
