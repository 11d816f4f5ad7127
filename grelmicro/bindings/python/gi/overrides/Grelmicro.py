# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
