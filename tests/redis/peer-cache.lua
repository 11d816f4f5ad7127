-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- A service that uses Python grelmicro 0.40. KEYS: the value, the record of its tags. ARGV: what it
-- does, the prefix, and for "set" the value, its time in ms and the tags; for "delete_tag" the tag.

local value, record = KEYS[1], KEYS[2]
local verbs = {}

local function tag_key(i)
  return ARGV[2] .. 'cache:tag:' .. ARGV[i]
end

local function leave_tags()
  for _, tag in ipairs(redis.call('SMEMBERS', record)) do
    redis.call('SREM', tag, value)
  end
end

function verbs.set()
  redis.call('SET', value, ARGV[3], 'PX', ARGV[4])
  leave_tags()
  redis.call('DEL', record)
  for i = 5, #ARGV do
    redis.call('SADD', tag_key(i), value)
    redis.call('SADD', record, tag_key(i))
  end
  redis.call('PEXPIRE', record, ARGV[4])
end

function verbs.delete()
  leave_tags()
  redis.call('UNLINK', value, record)
end

-- The records of what it deletes stay.
function verbs.delete_tag()
  for _, member in ipairs(redis.call('SMEMBERS', tag_key(3))) do
    redis.call('UNLINK', member)
  end
  redis.call('DEL', tag_key(3))
end

verbs[ARGV[1]]()
return 'done'
