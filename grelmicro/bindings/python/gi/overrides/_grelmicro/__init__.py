# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The parts of the override. Nothing here is for programs: they import gi.repository.Grelmicro.

Each part sees those above it:

introspection, errors, seconds   what everything needs
current                          the app of the current task
derivable                        classes derived in Python
answers                          awaiting introspected calls
lifecycle, app                   open and close
primitives                       what locks and other primitives have in common
lease, lock_base, lock, task_lock
                                 locks, with what they grant
permit, tickets, breaker         circuit breakers, with what they grant
functions, keys                  what decorators know of a function, and make of its arguments
serializers, loading, cache, cached
                                 caches, and how they are filled
methods                          all introspected methods, once more
"""
