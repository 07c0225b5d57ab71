--[[
  registry-write: apply what changed on a node to the registry of connections.

  Why a script: a batch is applied whole, and only behind the one that its node takes for the last; a connection and its
  places in the lists change together; and who owns a connection decides whether anything changes at all.

  KEYS registry  prefix  of everything below; all of it is in one slot
         c:<id>             hash  {node, turn, user, channels, about, unsent}; one per connection
         all                zset  id, every score 0: read by lexical order
         node:<node>        zset  id
         user:<user>        zset  id                    users     zset  user
         channel:<channel>  zset  id                    channels  zset  channel
         unsent             zset  "<16 digits, the fewer the more> <id>"
         stamps             hash  node -> stamp of its last batch
         leases             zset  node -> when its lease ends, ms since 1970
         fresh              zset  node -> until when it is not missing, ms since 1970
  ARGV node      text
  ARGV after     text    the node's batch before; empty: begins anew
  ARGV stamp     text    of this batch
  ARGV lease     ms
  ARGV complete  0|1     whether the registry has everything of the node now
  ARGV gone      count   of the ids that come next
  ARGV goneId... text    connections that are gone
  ARGV id...       text
  ARGV turn...     number  of its session
  ARGV user...     text    "=" and the user, or empty
  ARGV channels... text    separated by spaces
  ARGV about...    JSON    what is only ever read back
  ARGV unsent...   bytes

  RETURNS false when another batch came last, else the ids that were removed
  COST    5 commands, some 7 per connection and 2 per channel that it joined or left; the caller bounds those
]]
local prefix = KEYS[1]
local node, after, stamp = ARGV[1], ARGV[2], ARGV[3]
local lease, complete, gone = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6])

if after ~= '' and redis.call('HGET', prefix .. 'stamps', node) ~= after then return false end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', prefix .. 'stamps', node, stamp)
redis.call('ZADD', prefix .. 'leases', string.format('%.0f', now + lease), node)
if complete then
  redis.call('ZADD', prefix .. 'fresh', string.format('%.0f', now + lease * 2 / 3), node)
elseif after == '' then
  redis.call('ZREM', prefix .. 'fresh', node)
end

-- A list of ids, and its name in the list of such lists.
local function enter(kind, name, id)
  if redis.call('ZADD', prefix .. kind .. ':' .. name, 0, id) == 1 then
    redis.call('ZADD', prefix .. kind .. 's', 0, name)
  end
end
local function leave(kind, name, id)
  local list = prefix .. kind .. ':' .. name
  redis.call('ZREM', list, id)
  if redis.call('EXISTS', list) == 0 then redis.call('ZREM', prefix .. kind .. 's', name) end
end
local function words(text)
  local set = {}
  for word in string.gmatch(text, '%S+') do set[word] = true end
  return set
end
local function behind(unsent, id) return string.format('%016.0f ', 1e15 - unsent) .. id end

-- The owner, turn, user, channels and unsent bytes of a connection.
local function known(id)
  return redis.call('HMGET', prefix .. 'c:' .. id, 'node', 'turn', 'user', 'channels', 'unsent')
end

local removed = {}
for at = 7, 6 + gone do
  local id = ARGV[at]
  local old = known(id)
  if old[1] == node then
    redis.call('DEL', prefix .. 'c:' .. id)
    redis.call('ZREM', prefix .. 'all', id)
    redis.call('ZREM', prefix .. 'node:' .. node, id)
    if old[3] ~= '' then leave('user', string.sub(old[3], 2), id) end
    for channel in pairs(words(old[4])) do leave('channel', channel, id) end
    if old[5] ~= '0' then redis.call('ZREM', prefix .. 'unsent', behind(tonumber(old[5]), id)) end
    removed[#removed + 1] = id
  end
end

for at = 7 + gone, #ARGV, 6 do
  local id, turn, user, channels, about, unsent = unpack(ARGV, at, at + 5)
  local old = known(id)
  local isNew = not old[1]
  if isNew or tonumber(old[2]) <= tonumber(turn) then
    redis.call('HSET', prefix .. 'c:' .. id, 'node', node, 'turn', turn, 'user', user, 'channels', channels,
      'about', about, 'unsent', unsent)
    if isNew then
      old = { false, false, '', '', '0' }
      redis.call('ZADD', prefix .. 'all', 0, id)
    elseif old[1] ~= node then
      redis.call('ZREM', prefix .. 'node:' .. old[1], id)
    end
    if old[1] ~= node then redis.call('ZADD', prefix .. 'node:' .. node, 0, id) end
    if old[3] ~= user then
      if old[3] ~= '' then leave('user', string.sub(old[3], 2), id) end
      if user ~= '' then enter('user', string.sub(user, 2), id) end
    end
    if old[4] ~= channels then
      local had, has = words(old[4]), words(channels)
      for channel in pairs(had) do if not has[channel] then leave('channel', channel, id) end end
      for channel in pairs(has) do if not had[channel] then enter('channel', channel, id) end end
    end
    if old[5] ~= unsent then
      if old[5] ~= '0' then redis.call('ZREM', prefix .. 'unsent', behind(tonumber(old[5]), id)) end
      if unsent ~= '0' then redis.call('ZADD', prefix .. 'unsent', 0, behind(tonumber(unsent), id)) end
    end
  end
end
return removed
