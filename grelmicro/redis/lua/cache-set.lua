-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: the value, the record of its tags, the set of each tag. ARGV: the prefix, the value, its time
-- in ms.

local value, record, ttl = KEYS[1], KEYS[2], tonumber(ARGV[3])

-- A set lives for a day longer than its values: a peer that adds to it doesn't know how long it lives.
-- One without an end was made by a peer.
local function keep(tag)
  local left = redis.call('PTTL', tag)

  redis.call('SADD', tag, value)
  if left ~= -1 then
    redis.call('PEXPIRE', tag, math.max(left, ttl + 86400000))
  end
end

-- Each set that adds one looks at two: in the long run no more have expired than live.
local function prune(tag)
  for _, member in ipairs(redis.call('SRANDMEMBER', tag, 2)) do
    if not has_tag(member, tag) then
      redis.call('SREM', tag, member)
    end
  end
end

local function replace_tags()
  take_tags_off(value, record)
  for i = 3, #KEYS do
    redis.call('SADD', record, KEYS[i])
    prune(KEYS[i])
    keep(KEYS[i])
  end
  redis.call('PEXPIRE', record, ARGV[3])
end

-- First, since it fails if there is no memory. A value must not stay without its tags.
redis.call('SET', value, ARGV[2], 'PX', ARGV[3])
local succeeded, fault = pcall(replace_tags)
if not succeeded then
  redis.call('UNLINK', value)
  error(fault)
end
return 1
