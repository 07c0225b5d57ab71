--[[
  presence-beat: begin, renew or end an owner's lease, and take on owners whose lease is over.

  Why a script: of all survivors exactly one is to be told of a lost owner, and an owner that renews must not be
  declared lost by somebody who has read an older end.

  KEYS owners hash   owner -> "end state steps": end of its lease in ms since 1970; alive, or why it is gone. And
                     "{beat}" -> when anybody was here last
  ARGV owner  text
  ARGV lease  ms     of the owner; when it gives up, until its members leave
  ARGV state  text   alive, or the reason that its members leave for
  ARGV claim  ms     how long nobody else is told of an owner that this caller is told of

  RETURNS { 1 when the owner was alive else 0, steps, lost owner, its reason, lost owner, its reason... }
  COST    3 commands, and one for each owner that is lost or was not heard of for a while
]]
local owners = KEYS[1]
local owner, lease, state, claim = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local beat = '{beat}'

local function write(who, ends, what, steps)
  redis.call('HSET', owners, who, string.format('%.0f %s %s', ends, what, steps))
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local all = redis.call('HGETALL', owners)
local entries, last = {}, now
for at = 1, #all, 2 do
  if all[at] == beat then
    last = tonumber(all[at + 1])
  else
    local ends, what, steps = string.match(all[at + 1], '^(%d+) (%S+) (%d+)$')
    entries[#entries + 1] = { who = all[at], ends = tonumber(ends), what = what, steps = steps }
  end
end
-- A time in which nobody came here counts for nobody: this server was away, or its clock was set.
local pause = now - last > lease / 2 or now < last
local known, mySteps, lost = 0, 0, {}
for _, entry in ipairs(entries) do
  if entry.who == owner then
    mySteps = tonumber(entry.steps)
    if entry.what == 'alive' then known = 1 end
  elseif pause then
    write(entry.who, math.max(entry.ends, now + lease), entry.what, entry.steps)
  elseif entry.ends < now then
    local reason = entry.what == 'alive' and 'node_lost' or entry.what
    write(entry.who, now + claim, reason, entry.steps)
    lost[#lost + 1] = entry.who
    lost[#lost + 1] = reason
  end
end
-- Who was declared lost stays so. Its own name is not kept for it: it goes on under another.
local mine = redis.call('HEXISTS', owners, owner) == 1
if known == 1 or (not mine and state == 'alive') then
  write(owner, now + lease, state, string.format('%.0f', mySteps))
end
redis.call('HSET', owners, beat, string.format('%.0f', now))
return { known, mySteps, unpack(lost) }
