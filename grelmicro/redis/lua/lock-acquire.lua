-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: the lock, the count of its holders. ARGV: the token, the lease in ms.
-- The lock holds "FENCE:TOKEN". Returns the fence, or minus the ms for which another holds it.

local value = redis.call('GET', KEYS[1])

if not value then
  local fence = redis.call('INCR', KEYS[2])
  redis.call('SET', KEYS[1], string.format('%.0f:%s', fence, ARGV[1]), 'PX', ARGV[2])
  return fence
end

local fence, token = string.match(value, '^(%d+):(.*)$')
if token == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(fence)
end

-- A lock without an end is waited for as one whose end isn't known.
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  return 0
end
return -math.max(left, 1)
