-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- Comes before the scripts for caches. ARGV: what all keys begin with.
-- The layout is the one of Python grelmicro: a value has a record of its tags, which expires with it,
-- and each tag has a set of the keys of its values. What has expired may be in such a set still: the
-- record decides.

local prefix = ARGV[1]

local function get_record(value)
  return prefix .. 'cache:rtag:' .. string.sub(value, #prefix + 1)
end

local function has_tag(value, tag)
  return redis.call('SISMEMBER', get_record(value), tag) == 1
end

local function take_tags_off(value, record)
  for _, tag in ipairs(redis.call('SMEMBERS', record)) do
    redis.call('SREM', tag, value)
  end
  redis.call('UNLINK', record)
end

-- Returns whether it was there.
local function forget(value, record)
  take_tags_off(value, record)
  return redis.call('UNLINK', value)
end
