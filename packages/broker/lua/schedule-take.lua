--[[
  schedule-take: hand out publications whose time has come.

  Why a script: each is handed to one caller at a time, and all callers go by the clock of Redis.

  The first write is one that a Redis without memory refuses: then nothing is handed out, because nothing could be
  published.

  KEYS order    zset   names, all of score 0; they begin with their time in 13 digits
  KEYS taken    zset   name -> when it may be handed out again, in ms since 1970
  KEYS plans    hash   name -> JSON of what is to be published
  ARGV overdue  ms     how long the time must be past
  ARGV limit    count  handed out at most
  ARGV lease    ms     until they may be handed out again

  RETURNS { wait, name, plan, name, plan, … }; wait is ms until the next one is due, -1 when there is none
  COST    4 commands, and 2 for each that is handed out
]]
local order, taken, plans = KEYS[1], KEYS[2], KEYS[3]
local overdue, limit, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Lost ones first: they are older. A name is behind the bare text of its time, hence the 1.
local names = redis.call('ZRANGEBYSCORE', taken, '-inf', string.format('%.0f', now), 'LIMIT', 0, limit)
local bound = '(' .. string.format('%013.0f', now - overdue + 1)
for _, name in ipairs(redis.call('ZRANGEBYLEX', order, '-', bound, 'LIMIT', 0, limit - #names)) do
  names[#names + 1] = name
end
local answer = { -1 }
for _, name in ipairs(names) do
  redis.call('ZADD', taken, string.format('%.0f', now + lease), name)
  redis.call('ZREM', order, name)
  local plan = redis.call('HGET', plans, name)
  if plan then
    answer[#answer + 1] = name
    answer[#answer + 1] = plan
  else
    -- Redis evicted it, or somebody deleted it.
    redis.call('ZREM', taken, name)
  end
end
local following = redis.call('ZRANGE', order, 0, 0)[1]
if following then answer[1] = math.max(0, tonumber(string.sub(following, 1, 13)) - now) end
return answer
