-- SPDX-License-Identifier: MIT
-- SPDX-FileCopyrightText: grelmicro contributors

-- Answers 1, and changes nothing.

return answer(1)
