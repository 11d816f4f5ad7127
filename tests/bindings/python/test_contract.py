# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The contract suites, run over backends as Python sees them and over those written in it."""

import unittest

import gi
from dict_cache_backend import DictCacheBackend, DictOfManyCacheBackend
from dict_circuit_breaker_backend import DictCircuitBreakerBackend
from dict_lock_backend import DictLockBackend
from helpers import Grelmicro

gi.require_version("GrelTest", "1")
from gi.repository import GrelTest


def add_rules(case, contract, make_backend):
    run = getattr(GrelTest, contract + "_contract_run")
    for rule in getattr(GrelTest, contract + "_contract_list")():

        def test(self, rule=rule):
            run(rule, make_backend(), Grelmicro.VirtualClock())

        setattr(case, f"test_{contract}_{rule}", test)


class Memory(unittest.TestCase):
    pass


class Dict(unittest.TestCase):
    pass


class DictOfMany(unittest.TestCase):
    pass


add_rules(Memory, "lock", Grelmicro.MemoryLockAdapter)
add_rules(Dict, "lock", DictLockBackend)
add_rules(Memory, "circuit_breaker", Grelmicro.MemoryCircuitBreakerAdapter)
add_rules(Dict, "circuit_breaker", DictCircuitBreakerBackend)
add_rules(Memory, "cache", Grelmicro.MemoryCacheAdapter)
add_rules(Dict, "cache", DictCacheBackend)
add_rules(DictOfMany, "cache", DictOfManyCacheBackend)

if __name__ == "__main__":
    unittest.main()
