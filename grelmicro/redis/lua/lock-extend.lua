-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: the lock. ARGV: the token, the lease in ms. Returns 1 if the token holds the lock.

local value = redis.call('GET', KEYS[1])

if value and string.match(value, '^%d+:(.*)$') == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
