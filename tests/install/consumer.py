# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The Python counterpart of consumer.c: typelib and override come from the installation."""

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import Grelmicro

with Grelmicro.App().in_thread():
    with Grelmicro.Lock("cart").from_thread as lease:
        print(lease.get_fencing_token())
