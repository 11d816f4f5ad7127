-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: the sets of the tags. ARGV: the prefix, what the last step returned, how many keys a step
-- takes. Returns "0" after the last step.

local budget = tonumber(ARGV[3])

for _, tag in ipairs(KEYS) do
  local values = redis.call('SPOP', tag, budget)

  for _, value in ipairs(values) do
    if has_tag(value, tag) then
      forget(value, get_record(value))
    end
  end
  budget = budget - #values
  if budget == 0 then
    return '1'
  end
end
return '0'
