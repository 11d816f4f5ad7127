-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- ARGV: the ticket, the outcome, the error threshold, the success threshold, the reset timeout.
-- Answers 1 if it counted. A ticket of a probe is good for its slot only; others count while the
-- circuit is closed.

local outcome, reset_timeout = ARGV[2], tonumber(ARGV[5])

local function take_probe(ticket)
  for i, probe in ipairs(circuit.probes) do
    if probe.ticket == ticket then
      table.remove(circuit.probes, i)
      circuit.busy = circuit.busy - 1
      write_probes()
      return true
    end
  end
  return false
end

if circuit.state == 'HALF_OPEN' then
  if not take_probe(tonumber(ARGV[1])) then
    return answer(0)
  end
elseif circuit.state ~= 'CLOSED' then
  return answer(0)
end
if outcome == 'NONE' then
  return answer(0)
end

if outcome == 'ERROR' then
  circuit.errors, circuit.successes = circuit.errors + 1, 0
else
  circuit.errors, circuit.successes = 0, circuit.successes + 1
end

if circuit.errors >= tonumber(ARGV[3]) then
  enter('OPEN', reset_timeout)
elseif circuit.state == 'HALF_OPEN' and circuit.successes >= tonumber(ARGV[4]) then
  close()
else
  redis.call('HSET', key, 'cerr', circuit.errors, 'csucc', circuit.successes)
  expire(reset_timeout)
end
return answer(1)
