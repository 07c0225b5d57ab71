--[[
  receipts-write: begin receipts, and note what a node says of publications.

  Why a script: whoever speaks first begins the receipt, and what is said of a publication whose offset was given out
  again must not end up in the other one's. And a node is noted as having said everything together with what it says,
  or a reader would take it for one that had nothing to say.

  KEYS lives      hash   "life node" -> "ms seq seq ..."
  KEYS order      zset   the same names by ms
  KEYS receipt... hash   epoch, seq, "life node" -> counts
  ARGV who        text   life and node; empty for a publisher
  ARGV seqs       list   up to where it has said everything now, a seq for each partition; empty when it goes on
  ARGV life       ms     of a receipt, from its publication on
  ARGV epoch...   text
  ARGV seq...     us     since 1970: the publication's time, and what tells it from another one
  ARGV counts...  text   sessions, written, unsent, dropped, recovered; empty for a publisher

  RETURNS how many of the publications had not outlived their receipt
  COST    2 to 5 commands for each; 4 more for who says up to where, and 2 for each of at most 16 former nodes
]]
local lives, order = KEYS[1], KEYS[2]
local who, seqs, life = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local nowText = string.format('%.0f', now)

if seqs ~= '' then
  redis.call('HSET', lives, who, nowText .. ' ' .. seqs)
  redis.call('ZADD', order, nowText, who)
  redis.call('PEXPIRE', lives, life)
  redis.call('PEXPIRE', order, life)
  local former = redis.call('ZRANGEBYSCORE', order, '-inf', string.format('%.0f', now - life), 'LIMIT', 0, 16)
  for _, name in ipairs(former) do
    redis.call('HDEL', lives, name)
    redis.call('ZREM', order, name)
  end
end

local noted = 0
for item = 1, #KEYS - 2 do
  local receipt = KEYS[item + 2]
  local epoch, seq, counts = unpack(ARGV, 3 * item + 1, 3 * item + 3)
  local ends = math.floor(tonumber(seq) / 1000) + life
  if ends > now then
    noted = noted + 1
    local known = tonumber(redis.call('HGET', receipt, 'seq') or -1)
    if known < tonumber(seq) then
      if known >= 0 then redis.call('DEL', receipt) end
      redis.call('HSET', receipt, 'epoch', epoch, 'seq', seq)
      redis.call('PEXPIRE', receipt, string.format('%.0f', ends - now))
    end
    if counts ~= '' and known <= tonumber(seq) then redis.call('HSET', receipt, who, counts) end
  end
end
return noted
