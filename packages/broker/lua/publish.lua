--[[
  publish: give publications their places, store them and announce them: one or several.

  Why a script: taking the offset, storing and announcing must be one step. Apart, two nodes can announce 8 before 7,
  and a reader takes the order for a gap; and a node that dies in between leaves an offset that nobody ever hears. Of
  several that belong together either all are stored or none is. None is announced before all are stored.

  Payload and announcement are bytes that Node made: nothing here reads JSON, because Lua tables make {} of [] and lose
  digits of large numbers. Numbers are printed with %.0f, because Lua's own way turns to 1e+15.

  What can fail (memory full, a replica) fails at the first write, and then nothing is written. Redis checks its memory
  only before a script's first write, so that one must be a command that is refused when memory is full: XADD or HSET.

  KEYS seq        string  the partition's clock in microseconds
  KEYS meta...    hash    epoch, top, seq
  KEYS log...     stream  ids <offset>-<seq>
  KEYS id...      string  fingerprint, epoch and offset of the first publication with this id
  ARGV candidate  text    the epoch to install when a channel has none
  ARGV idLife     ms      how long ids are remembered
  ARGV kind       text    sharded, classic, or empty for what the server can do
  ARGV together   flag    1: all or none; empty: each by itself
  ARGV keep...    count   publications kept in the log; 0 keeps no log
  ARGV logLife... ms      age at which a publication is gone
  ARGV metaLife... ms     how long the channel is remembered
  ARGV fingerprint... text of the content; empty when the publication has no id
  ARGV name...    text    the id
  ARGV event...   text
  ARGV data...    JSON    goes into the log and into the announcement: it is sent here once
  ARGV binary...  flag    1 or empty
  ARGV except...  list    session ids, comma-separated
  ARGV ttl...     ms      how long it may be replayed; empty as long as the log has it
  ARGV trace...   text    W3C traceparent, or empty; in the announcement it is part of the tail
  ARGV receipt... flag    1 or empty: whether to count who gets it
  ARGV topic...   text    where it is announced
  ARGV head...    bytes   the announcement up to the epoch
  ARGV before...  bytes   from there to the data
  ARGV after...   bytes   from the data to the offset in the context
  ARGV tail...    bytes   what the context holds behind the time

  RETURNS for each { 1, epoch, offset, seq } stored, { 0, epoch, offset } the same as before or { -1 }: its id says
          something else; or of those together { -1, n }: the id of the n-th does, and nothing was stored
  COST    10 to 12 commands and one delivery per node for each; every 64th time a bisection of the log
]]
local clock = KEYS[1]
local candidate, idLife, kind, together = ARGV[1], ARGV[2], ARGV[3], ARGV[4] ~= ''
local count = (#KEYS - 1) / 3
-- Of each, 3 keys from 3n - 1 on and 17 arguments from 17n - 12 on; the fourth of those is the fingerprint.

local answers, twins = {}, nil
local firstOfId
for item = 1, count do
  local fingerprint = ARGV[17 * item - 9]
  if fingerprint ~= '' then
    local id = KEYS[3 * item + 1]
    local known = redis.call('GET', id)
    if known then
      local first, epoch, offset = string.match(known, '^(%S+) (%S+) (%d+)$')
      if first == fingerprint then
        answers[item] = { 0, epoch, tonumber(offset) }
      elseif together then
        return { -1, item }
      else
        answers[item] = { -1 }
      end
    elseif count > 1 then
      firstOfId, twins = firstOfId or {}, twins or {}
      local first = firstOfId[id]
      if not first then
        firstOfId[id] = item
      else
        if ARGV[17 * first - 9] == fingerprint then
          twins[item] = first
        elseif together then
          return { -1, item }
        else
          answers[item] = { -1 }
        end
      end
    end
  end
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
-- Topic, announcement, topic, announcement, …
local said = {}
for item = 1, count do
  local twin = twins and answers[twins[item]]
  if twin then
    answers[item] = { 0, twin[2], twin[3] }
  elseif not answers[item] then
    local meta, log, id = unpack(KEYS, 3 * item - 1, 3 * item + 1)
    local keep, logLife, metaLife, fingerprint, name, event, data, binary, except, ttl, trace, receipt,
      topic, head, before, after, tail = unpack(ARGV, 17 * item - 12, 17 * item + 4)
    keep = tonumber(keep)
    local state = redis.call('HMGET', meta, 'epoch', 'top', 'seq')
    local epoch, top, last = state[1], tonumber(state[2] or 0), tonumber(state[3] or 0)
    if not epoch then
      -- A log without its epoch belongs to nobody: Redis evicted the hash, or somebody deleted it.
      epoch, top, last = candidate, 0, 0
      if redis.call('EXISTS', log) == 1 then redis.call('DEL', log) end
    end
    local seq = math.max(now, tonumber(redis.call('GET', clock) or 0) + 1, last + 1)
    local offsetText = string.format('%.0f', top + 1)
    local seqText = string.format('%.0f', seq)
    local lastText = string.format('%.0f', last)

    if keep > 0 then
      local entry = { 'e', event, 'd', data, 'p', lastText }
      local function put(field, value)
        if value ~= '' then
          entry[#entry + 1] = field
          entry[#entry + 1] = value
        end
      end
      put('i', name)
      put('b', binary)
      put('x', except)
      put('w', trace)
      put('r', receipt)
      if ttl ~= '' then put('t', string.format('%.0f', math.floor(seq / 1000) + tonumber(ttl))) end
      redis.call('XADD', log, 'MAXLEN', '=', keep, offsetText .. '-' .. seqText, unpack(entry))
      redis.call('PEXPIRE', log, logLife)
    end
    redis.call('HSET', meta, 'epoch', epoch, 'top', offsetText, 'seq', seqText)
    if redis.call('PTTL', meta) < tonumber(metaLife) then redis.call('PEXPIRE', meta, metaLife) end
    redis.call('SET', clock, seqText)
    if keep == 0 then redis.call('DEL', log) end
    if fingerprint ~= '' then
      redis.call('SET', id, fingerprint .. ' ' .. epoch .. ' ' .. offsetText, 'PX', idLife)
    end
    answers[item] = { 1, epoch, top + 1, seq }

    local bookmark = keep > 0 and '"1.' .. seqText .. '"' or 'null'
    said[#said + 1] = topic
    said[#said + 1] = table.concat({
      head, epoch, ':', offsetText, ':', seqText, ':', lastText,
      before, data, after, offsetText, ',"epoch":"', epoch, '","at":', string.format('%.0f', math.floor(seq / 1000)),
      tail, ',', bookmark, ']}}}',
    })

    -- MAXLEN bounds a log by count. What is too old is cut here now and then; readers do not see it in the meantime.
    if keep > 0 and (top + 1) % 64 == 0 then
      local function idAt(offset)
        return redis.call('XRANGE', log, string.format('%.0f', offset), '+', 'COUNT', 1)[1][1]
      end
      local horizon = now - logLife * 1000
      local low = tonumber(string.match(idAt(0), '^%d+'))
      local high = top + 1
      while low < high do
        local half = math.floor((low + high) / 2)
        if tonumber(string.match(idAt(half), '%d+$')) >= horizon then high = half else low = half + 1 end
      end
      redis.call('XTRIM', log, 'MINID', '=', string.format('%.0f', low))
    end
  end
end

if kind == '' then kind = redis.REDIS_VERSION_NUM and 'sharded' or 'classic' end
local say = kind == 'sharded' and 'SPUBLISH' or 'PUBLISH'
for at = 1, #said, 2 do redis.call(say, said[at], said[at + 1]) end

return answers
