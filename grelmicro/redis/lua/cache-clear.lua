-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: what the keys of caches begin with. ARGV: the prefix, what the last step returned, how many
-- keys a step looks at. Returns "0" after the last step.
-- Where a step ended means nothing to another server, or to this one after a restart: there it begins
-- anew. To a user who may not ask which one it is all servers are one.

local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or '0'
local cursor, asked = string.match(ARGV[2], '^(%d+):(%x+)$')
if asked ~= server then
  cursor = '0'
end

local pattern = string.gsub(KEYS[1], '[%*%?%[%]%^\\]', '\\%0') .. '*'
local found = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', ARGV[3])

for _, key in ipairs(found[2]) do
  redis.call('UNLINK', key)
end
if found[1] == '0' then
  return '0'
end
return found[1] .. ':' .. server
