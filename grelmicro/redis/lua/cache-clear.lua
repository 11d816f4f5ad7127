-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: what the keys of caches begin with. ARGV: the prefix, what the last step returned, how many
-- keys a step looks at. Returns "0" after the last step.

local pattern = string.gsub(KEYS[1], '[%*%?%[%]%^\\]', '\\%0') .. '*'
local found = redis.call('SCAN', ARGV[2], 'MATCH', pattern, 'COUNT', ARGV[3])

for _, key in ipairs(found[2]) do
  redis.call('UNLINK', key)
end
return found[1]
