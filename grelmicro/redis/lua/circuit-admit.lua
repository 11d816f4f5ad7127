-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- ARGV: the half-open capacity, the reset timeout. Answers with a ticket, minus the µs for which the
-- circuit is open, or 0.

local capacity, reset_timeout = tonumber(ARGV[1]), tonumber(ARGV[2])

-- A prober that died must not block the others for ever.
local function drop_dead_probes()
  for i = #circuit.probes, 1, -1 do
    if circuit.probes[i].dies_at <= now then
      table.remove(circuit.probes, i)
      circuit.busy = circuit.busy - 1
    end
  end
end

local function add_probe()
  local ticket = now
  for _, probe in ipairs(circuit.probes) do
    ticket = math.max(ticket, probe.ticket + 1)
  end
  table.insert(circuit.probes, { ticket = ticket, dies_at = now + reset_timeout })
  circuit.busy = circuit.busy + 1
  write_probes()
  expire(reset_timeout)
  return ticket
end

if circuit.state == 'OPEN' then
  if circuit.open_until > now then
    return answer(now - circuit.open_until)
  end
  enter('HALF_OPEN', reset_timeout)
end
if circuit.state == 'HALF_OPEN' then
  if circuit.busy >= capacity then
    drop_dead_probes()
  end
  if circuit.busy >= capacity then
    return answer(0)
  end
  return answer(add_probe())
end
if circuit.state == 'FORCED_OPEN' then
  return answer(0)
end
return answer(now)
