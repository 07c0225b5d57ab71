--[[
  read: part of one channel's log, with the channel's newest place.

  Why a script: the slice and the newest place must be of one moment, or a reader sees a hole where there is none. And
  the search for a seq or an age would otherwise be a round trip a step.

  Offsets in a log have no holes, so a bisection over them finds where the seq passes a value.

  KEYS meta     hash    epoch, top, seq
  KEYS log      stream  ids <offset>-<seq>
  ARGV from     text    after, afterSeq, before or end
  ARGV edge     number  the offset or the seq to start from; ignored for end
  ARGV limit    count   publications returned at most
  ARGV keep     count   publications that the channel's retention keeps
  ARGV logLife  ms      age at which a publication is gone, even when Redis still holds it

  RETURNS { epoch, top, seq, first, entries, now }; epoch empty when the channel was never used; first is top + 1 when
          the log is empty; entries as XRANGE gives them; now in ms since 1970, to tell which of them have expired
  COST    about 2 log2(keep) commands of one entry, and the entries returned
]]
local meta, log = KEYS[1], KEYS[2]
local from, edge, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local keep, logLife = tonumber(ARGV[4]), tonumber(ARGV[5])

local state = redis.call('HMGET', meta, 'epoch', 'top', 'seq')
if not state[1] then return { '', 0, 0, 1, {}, 0 } end
local top, seq = tonumber(state[2]), tonumber(state[3])

local function whole(number)
  return string.format('%.0f', number)
end

-- The offset and the seq of the first entry from an offset on.
local function placeAt(offset)
  local entry = redis.call('XRANGE', log, whole(offset), '+', 'COUNT', 1)[1]
  if not entry then return top + 1, math.huge end
  local offsetText, seqText = string.match(entry[1], '^(%d+)-(%d+)$')
  return tonumber(offsetText), tonumber(seqText)
end

-- The first offset within [low, high) whose seq is at least this, else high.
local function firstFrom(low, high, least)
  while low < high do
    local half = math.floor((low + high) / 2)
    local _, reached = placeAt(half)
    if reached >= least then high = half else low = half + 1 end
  end
  return low
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local first, firstSeq = top + 1, math.huge
if keep > 0 then
  first, firstSeq = placeAt(math.max(0, top - keep + 1))
  local horizon = now - logLife * 1000
  -- Mostly nothing is too old, and then nothing is searched.
  if firstSeq < horizon then first = firstFrom(first, top + 1, horizon) end
end

local low, high
if from == 'after' then
  low = math.max(edge + 1, first)
  high = top
elseif from == 'afterSeq' then
  low = edge < firstSeq and first or firstFrom(first, top + 1, edge + 1)
  high = top
else
  high = from == 'before' and math.min(edge - 1, top) or top
  low = math.max(first, high - limit + 1)
end

local entries = {}
if limit > 0 and low <= high then
  entries = redis.call('XRANGE', log, whole(low), whole(high), 'COUNT', limit)
end
return { state[1], top, seq, first, entries, math.floor(now / 1000) }
