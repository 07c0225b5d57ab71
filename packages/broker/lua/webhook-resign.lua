--[[
  webhook-resign: end the lease of who delivers events to the application.

  Why a script: between looking whose it is and ending it, it could become somebody else's.

  KEYS lease   string  who leads
  ARGV holder  text

  RETURNS 1 when it was the holder's, else 0
  COST    2 commands
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
