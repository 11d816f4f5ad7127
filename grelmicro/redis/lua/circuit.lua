-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- Comes before each of the scripts for circuits. KEYS: the circuit.
-- The hash is the one of Python grelmicro, which counts time in seconds. Here it is µs. Besides,
-- "probes" lists the probes of this library, "TICKET UNTIL TICKET UNTIL". They belong to a half-open
-- state that was entered or joined by this library, which sets opened_at to 0 then: a Python peer
-- removes it when it enters the state, and leaves the list as it was.

local key = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function micros(seconds)
  return math.floor((tonumber(seconds) or 0) * 1000000 + 0.5)
end

local stored = redis.call('HMGET', key, 'state', 'cerr', 'csucc', 'ho_admit', 'opened_at',
                          'cool_down', 'probes')
local circuit = {
  state = stored[1] or 'CLOSED',
  errors = tonumber(stored[2]) or 0,
  successes = tonumber(stored[3]) or 0,
  busy = tonumber(stored[4]) or 0,
  open_until = micros(stored[5]) + micros(stored[6]),
  probes = {},
}

if circuit.state == 'HALF_OPEN' and stored[5] == '0' then
  for ticket, dies_at in string.gmatch(stored[7] or '', '(%d+) (%d+)') do
    table.insert(circuit.probes, { ticket = tonumber(ticket), dies_at = tonumber(dies_at) })
  end
end
-- A Python peer that was admitted while the circuit was closed gives back what it never had.
circuit.busy = math.max(circuit.busy, #circuit.probes)

local function write_probes()
  local words = {}
  for _, probe in ipairs(circuit.probes) do
    table.insert(words, string.format('%.0f %.0f', probe.ticket, probe.dies_at))
  end
  redis.call('HSET', key, 'opened_at', 0, 'ho_admit', circuit.busy,
             'probes', table.concat(words, ' '))
end

-- A record that nobody writes to lasts for a day, or ten times as long as it may be open.
local function expire(cool_down)
  redis.call('EXPIRE', key, math.max(86400, math.ceil(cool_down * 10 / 1000000)))
end

-- A circuit without a record is closed, and had no errors.
local function close()
  redis.call('DEL', key)
  circuit = { state = 'CLOSED', errors = 0, successes = 0, busy = 0, open_until = 0, probes = {} }
end

-- Into any other state; cool_down is how long it is open.
local function enter(state, cool_down)
  circuit = { state = state, errors = 0, successes = 0, busy = 0, open_until = 0, probes = {} }
  redis.call('HSET', key, 'state', state, 'cerr', 0, 'csucc', 0, 'ho_admit', 0)
  redis.call('HDEL', key, 'opened_at', 'cool_down', 'probes')

  if state == 'OPEN' then
    circuit.open_until = now + cool_down
    redis.call('HSET', key, 'opened_at', string.format('%.6f', now / 1000000),
               'cool_down', cool_down / 1000000)
  elseif state == 'HALF_OPEN' then
    write_probes()
  end

  if state == 'FORCED_OPEN' or state == 'FORCED_CLOSED' then
    redis.call('PERSIST', key)
  else
    expire(cool_down)
  end
end

-- What each script returns: its answer, and how the circuit stands.
local function answer(value)
  local left = 0
  if circuit.state == 'OPEN' then
    left = math.max(circuit.open_until - now, 0)
  end
  return { value, circuit.state, circuit.errors, circuit.successes, left }
end
