-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- KEYS: the value, the record of its tags. ARGV: the prefix. Returns 1 if it was there.

return forget(KEYS[1], KEYS[2])
