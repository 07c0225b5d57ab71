--[[
  lifecycle-append: append one batch of one writer to the log of what happens in the cluster.

  Why a script: a batch whose answer was lost is written again and must not stand there twice; and of several nodes that
  notice the same change of a channel one is to say it.

  KEYS log         stream  one entry an event: e, its JSON
  KEYS last        string  name of the writer's last batch
  KEYS occupied    set     channels that are said to have subscribers
  ARGV batch       text
  ARGV keep        count   entries kept, about
  ARGV life        ms      how long the name of the batch is remembered
  ARGV verb...     text    occupied or vacated where the event is about that, else empty
  ARGV channel...  text
  ARGV text...     JSON

  RETURNS the number of events that were appended
  COST    2 commands, and 1 or 2 an event; the caller bounds them
]]
local log, last, occupied = KEYS[1], KEYS[2], KEYS[3]
local batch, keep, life = ARGV[1], ARGV[2], ARGV[3]

if redis.call('GET', last) == batch then return 0 end
local appended = 0
for at = 4, #ARGV, 3 do
  local verb, channel, text = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local new = 1
  if verb == 'occupied' then
    new = redis.call('SADD', occupied, channel)
  elseif verb == 'vacated' then
    new = redis.call('SREM', occupied, channel)
  end
  if new == 1 then
    redis.call('XADD', log, 'MAXLEN', '~', keep, '*', 'e', text)
    appended = appended + 1
  end
end
redis.call('SET', last, batch, 'PX', life)
return appended
