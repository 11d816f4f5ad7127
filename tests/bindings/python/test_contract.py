# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The contract suite, run over backends as Python sees them and over one written in it."""

import unittest

import gi
from dict_lock_backend import DictLockBackend
from helpers import Grelmicro

gi.require_version("GrelTest", "1")
from gi.repository import GrelTest


def add_rules(case, make_backend):
    for rule in GrelTest.lock_contract_list():

        def test(self, rule=rule):
            GrelTest.lock_contract_run(rule, make_backend(), Grelmicro.VirtualClock())

        setattr(case, f"test_{rule}", test)


class Memory(unittest.TestCase):
    pass


class Dict(unittest.TestCase):
    pass


add_rules(Memory, Grelmicro.MemoryLockAdapter)
add_rules(Dict, DictLockBackend)

if __name__ == "__main__":
    unittest.main()
