--[[
  presence-apply: what has changed for one owner's sessions in a channel.

  Why a script: members, counts, version and announcement must be of one step, or two nodes hear different things in
  different orders. And whether a session is still the owner's to speak for is decided where it is written.

  A member is kept as "owner turn user since text": text is its JSON without the closing brace, so that since, and the
  reason it left for, can be put behind it without reading JSON.

  KEYS meta       hash   life, version
  KEYS members    hash   session id -> member
  KEYS users      hash   user -> number of its sessions
  KEYS owned      set    channels that the owner has members in
  KEYS owners     hash   owner -> "end state steps": end of its lease in ms since 1970; alive, or why it is gone
  ARGV owner      text
  ARGV name       text   of the channel
  ARGV stays      flag   1 when the owner has any member in the channel afterwards
  ARGV membersMax count  above so many members only counts are announced
  ARGV emptyLife  ms     how long an empty channel's version is remembered
  ARGV kind       text   sharded, classic, or empty for what the server can do
  ARGV topic      text   where it is announced
  ARGV verb...    text   join or leave
  ARGV id...      text
  ARGV turn...    number
  ARGV user...    text   empty for none
  ARGV since...   ms     since 1970
  ARGV text...    JSON   the member without its closing brace; of a leave the reason

  RETURNS { version, steps, since of each join or -1 where it was refused... }, or { -1 } when the owner is not alive
  COST    10 commands, 2 to 6 a change and one delivery per node that listens; the caller bounds the changes
]]
local meta, members, users, owned, owners = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local owner, name, stays, membersMax = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local emptyLife, kind, topic = ARGV[5], ARGV[6], ARGV[7]

local ends, state, steps = string.match(redis.call('HGET', owners, owner) or '', '^(%d+) (%S+) (%d+)$')
if state ~= 'alive' then return { -1 } end
steps = tonumber(steps) + 1
redis.call('HSET', owners, owner, ends .. ' alive ' .. string.format('%.0f', steps))

local function count(user, by)
  if user ~= '' and redis.call('HINCRBY', users, user, by) <= 0 then redis.call('HDEL', users, user) end
end

local joined, left, sinces = {}, {}, {}
for at = 8, #ARGV, 6 do
  local verb, id, turn, user, since, text = unpack(ARGV, at, at + 5)
  local found = redis.call('HGET', members, id)
  local fOwner, fTurn, fUser, fSince, fText
  if found then fOwner, fTurn, fUser, fSince, fText = string.match(found, '^(%S+) (%d+) (%S*) (%d+) (.*)$') end
  if verb == 'leave' then
    if found and fOwner == owner and tonumber(fTurn) <= tonumber(turn) then
      redis.call('HDEL', members, id)
      count(fUser, -1)
      left[#left + 1] = fText .. ',"since":' .. fSince .. ',"reason":"' .. text .. '"}'
    end
  elseif not found then
    redis.call('HSET', members, id, table.concat({ owner, turn, user, since, text }, ' '))
    count(user, 1)
    joined[#joined + 1] = text .. ',"since":' .. since .. '}'
    sinces[#sinces + 1] = tonumber(since)
  elseif tonumber(fTurn) > tonumber(turn) then
    sinces[#sinces + 1] = -1
  else
    if fOwner ~= owner or fTurn ~= turn or fText ~= text then
      redis.call('HSET', members, id, table.concat({ owner, turn, user, fSince, text }, ' '))
    end
    if fUser ~= user then
      count(user, 1)
      count(fUser, -1)
    end
    if fText ~= text then joined[#joined + 1] = text .. ',"since":' .. fSince .. '}' end
    sinces[#sinces + 1] = tonumber(fSince)
  end
end
redis.call(stays == '1' and 'SADD' or 'SREM', owned, name)

local known = redis.call('HMGET', meta, 'life', 'version')
local previous = known[2] or '0'
if #joined + #left == 0 then return { tonumber(previous), steps, unpack(sinces) } end

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
  clients <= membersMax
    and ',"joined":[' .. table.concat(joined, ',') .. '],"left":[' .. table.concat(left, ',') .. ']' or '',
  '}',
}))
return { tonumber(version), steps, unpack(sinces) }
