# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What grel-bench.c is for C: rows that are measured beside a floor or rival, turn by turn."""

import argparse
import dataclasses
import json
import os
import statistics
import time
import typing

REPETITIONS = 15


@dataclasses.dataclass
class Row:
    """Both sides do something n times."""

    name: str
    reference: str
    run: typing.Callable[[int], None]
    run_reference: typing.Callable[[int], None]
    set_up: typing.Callable[[], typing.ContextManager]
    target: float = 0.0


def _parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def _is_wanted(row, only):
    return not only or row.name == only or row.name.startswith(only + "/")


def _measure(run, n):
    """Nanoseconds for each."""
    before = time.perf_counter_ns()
    run(n)
    return (time.perf_counter_ns() - before) / n


def _calibrate(run, nanoseconds):
    n = 1
    while (each := _measure(run, n)) * n < nanoseconds / 4:
        n *= 2
    return max(int(nanoseconds / each), 1)


def _compare(row, seconds):
    """The two take turns, and which one begins changes."""
    sides = row.run_reference, row.run
    n_turns = REPETITIONS if seconds > 0 else 1
    each = seconds * 1e9 / (2 * n_turns)
    n = [_calibrate(run, each) if seconds > 0 else 1 for run in sides]
    values = [], []
    for turn in range(n_turns):
        for i in (turn % 2, 1 - turn % 2):
            values[i].append(_measure(sides[i], n[i]))
    return values


def _describe(row, seconds):
    references, subjects = _compare(row, seconds)
    ratios = sorted(subject / reference for subject, reference in zip(subjects, references))
    ratio = statistics.median(ratios)
    spread = (ratios[len(ratios) * 3 // 4] - ratios[len(ratios) // 4]) / ratio
    described = {"name": row.name, "reference": row.reference, "target": row.target}
    if not row.target:
        del described["target"]
    return {
        **described,
        "countable": False,
        "ns": round(statistics.median(subjects), 1),
        "reference_ns": round(statistics.median(references), 1),
        "ratio": float(f"{ratio:.4g}"),
        "spread": float(f"{spread:.2g}"),
    }


def main(rows):
    options = _parse()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for row in rows:
        if not _is_wanted(row, options.only):
            continue
        if options.list:
            print(row.name)
            continue
        with row.set_up():
            print(json.dumps(_describe(row, options.seconds)))
