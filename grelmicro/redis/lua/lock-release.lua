-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: the lock. ARGV: the token, the channel for those who wait, who says it there.
-- Returns 1 if the token held the lock. Who may not publish may release nevertheless.

local value = redis.call('GET', KEYS[1])

if value and string.match(value, '^%d+:(.*)$') == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.pcall('PUBLISH', ARGV[2], ARGV[3])
  return 1
end
return 0
