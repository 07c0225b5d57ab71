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
  ARGV bytes    bytes   of values, after which no further publication is returned
  ARGV logLife  ms      age at which a publication is gone, even when Redis still holds it

  RETURNS { epoch, top, seq, first, entries, now }; epoch empty when the channel was never used; first is top + 1 when
          the log is empty; entries as XRANGE gives them; now in ms since 1970, to tell which of them have expired
  COST    about 2 log2(keep) commands of one entry, and the entries returned in pieces of 25. Nobody else is served
          meanwhile: a log of large publications, read at once, kept Redis from everybody for seconds
]]
local meta, log = KEYS[1], KEYS[2]
local from, edge, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local keep, bytes, logLife = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

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

local backward = from == 'before' or from == 'end'
local pieceMax = 25

local function sizeOf(entry)
  local size = 0
  for at = 2, #entry[2], 2 do size = size + #entry[2][at] end
  return size
end

-- The entries next in turn, as many as are likely to fit: the first one says how large they are.
local function nextPiece(count, size)
  local fitting = count == 0 and 1 or math.max(1, math.floor((bytes - size) / (size / count)))
  local wanted = math.min(pieceMax, limit - count, fitting)
  if backward then
    return redis.call('XREVRANGE', log, whole(high), whole(low), 'COUNT', wanted)
  end
  return redis.call('XRANGE', log, whole(low), whole(high), 'COUNT', wanted)
end

local entries, size = {}, 0
while #entries < limit and low <= high and size < bytes do
  local piece = nextPiece(#entries, size)
  if #piece == 0 then break end
  for _, entry in ipairs(piece) do
    if size >= bytes then break end
    entries[#entries + 1] = entry
    size = size + sizeOf(entry)
    local offset = tonumber(string.match(entry[1], '^(%d+)-'))
    if backward then high = offset - 1 else low = offset + 1 end
  end
end
if backward then
  for at = 1, math.floor(#entries / 2) do
    entries[at], entries[#entries + 1 - at] = entries[#entries + 1 - at], entries[at]
  end
end
return { state[1], top, seq, first, entries, math.floor(now / 1000) }
