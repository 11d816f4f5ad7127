-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- ARGV: the state, the time for which it is open. Answers 1.

if ARGV[1] == 'CLOSED' then
  close()
else
  enter(ARGV[1], tonumber(ARGV[2]))
end
return answer(1)
