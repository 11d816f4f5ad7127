-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- A service that uses Python grelmicro 0.40, which knows six fields of the hash and nothing of ours.
-- KEYS: the circuit. ARGV: what it does, a number for that, the cool-down in s. Returns the state,
-- or for "acquire" whether it may.

local verb, number, cool_down = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6

local function get(field)
  return redis.call('HGET', KEYS[1], field)
end

local function live()
  redis.call('EXPIRE', KEYS[1], math.ceil(math.max(86400, 10 * cool_down)))
end

local function enter(state)
  redis.call('HSET', KEYS[1], 'state', state, 'cerr', 0, 'csucc', 0, 'ho_admit', 0)
  if state == 'OPEN' then
    redis.call('HSET', KEYS[1], 'opened_at', now, 'cool_down', cool_down)
  else
    redis.call('HDEL', KEYS[1], 'opened_at', 'cool_down')
  end
  if state == 'FORCED_OPEN' or state == 'FORCED_CLOSED' then
    redis.call('PERSIST', KEYS[1])
  else
    live()
  end
end

local state = get('state') or 'CLOSED'

local verbs = {}

function verbs.acquire() -- number: the half-open capacity
  if state == 'OPEN' and now >= (tonumber(get('opened_at')) or 0) + tonumber(get('cool_down')) then
    state = 'HALF_OPEN'
    enter(state)
  end
  if state ~= 'HALF_OPEN' then
    return (state == 'CLOSED' or state == 'FORCED_CLOSED') and 1 or 0
  end
  if (tonumber(get('ho_admit')) or 0) >= number then
    return 0
  end
  redis.call('HINCRBY', KEYS[1], 'ho_admit', 1)
  live()
  return 1
end

local function record(counted, forgotten)
  if state ~= 'CLOSED' and state ~= 'HALF_OPEN' then
    return false
  end
  local count = redis.call('HINCRBY', KEYS[1], counted, 1)
  redis.call('HSET', KEYS[1], forgotten, 0)
  if state == 'HALF_OPEN' and (tonumber(get('ho_admit')) or 0) > 0 then
    redis.call('HINCRBY', KEYS[1], 'ho_admit', -1)
  end
  live()
  return count >= number
end

function verbs.error() -- number: the error threshold
  if record('cerr', 'csucc') then
    enter('OPEN')
  end
  return get('state') or 'CLOSED'
end

function verbs.success() -- number: the success threshold
  if record('csucc', 'cerr') and state == 'HALF_OPEN' then
    redis.call('DEL', KEYS[1])
  end
  return get('state') or 'CLOSED'
end

function verbs.open()
  enter('OPEN')
  return 'OPEN'
end

function verbs.isolate()
  enter('FORCED_OPEN')
  return 'FORCED_OPEN'
end

function verbs.reset()
  redis.call('DEL', KEYS[1])
  return 'CLOSED'
end

return verbs[verb]()
