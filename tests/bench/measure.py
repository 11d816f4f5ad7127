#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Runs the benchmark programs, and prints what they measured beside its floor or rival."""

import argparse
import json
import pathlib
import re
import subprocess
import sys

import charts
from charts import amount

COUNTED = (1000, 6000)  # the difference is free of what starting costs
SIDES = {"subject": "instructions", "reference": "reference_instructions"}


def parse():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, metavar="N",
                        help="how long a row takes, about; 0 only tries whether it runs")
    parser.add_argument("--json", metavar="FILE", help="writes the results there as well")
    parser.add_argument("--docs", metavar="FOLDER", type=pathlib.Path,
                        help="draws the charts there, and writes the tables of performance.md")
    parser.add_argument("--only", default="", metavar="NAME",
                        help="measures this row, or the rows below it")
    parser.add_argument("--instructions", action="store_true",
                        help="counts instructions as well, with valgrind")
    parser.add_argument("program", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args()


def run(command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def count(program, row, side, n):
    """How many instructions the whole program takes to do a row n times."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program,
         "--only", row, "--side", side, "--count", str(n)],
        check=True, text=True, stderr=subprocess.PIPE)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def count_instructions(program, row):
    for side, key in SIDES.items():
        few, many = (count(program, row["name"], side, n) for n in COUNTED)
        row[key] = round((many - few) / (COUNTED[1] - COUNTED[0]))


def show(row):
    target = f"≤ {row['target']:.3g}" if "target" in row else ""
    line = (f"{row['name']:24} {amount(row):>12}  {amount(row, 'reference_'):>12}  "
            f"{row['ratio']:8.3g} ±{row['spread']:4.0%}  {target:8}")
    if "instructions" in row:
        line += f" {row['instructions']:8,} / {row['reference_instructions']:,}"
    print(f"{line} {row['reference']}", flush=True)


def complete(row):
    row.pop("countable")
    if "ns" in row:
        row["ops_per_s"] = round(1e9 / row["ns"])
    return row


def describe_rows(program, options):
    """One process for each row, so that none finds what another left; a try needs but one."""
    if options.seconds <= 0:
        names = [options.only]
    else:
        names = run([program, "--list", "--only", options.only]).split()
    for name in names:
        yield from run(
            [program, "--only", name, "--seconds", str(options.seconds)]).splitlines()


def rows(options):
    for program in options.program:
        for line in describe_rows(program, options):
            row = json.loads(line)
            if options.instructions and row["countable"]:
                count_instructions(program, row)
            yield complete(row)


def main():
    options = parse()
    print(f"{'row':24} {'cost':>12}  {'reference':>12}  {'ratio':>8} spread  target")
    results = []
    for row in rows(options):
        show(row)
        results.append(row)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2, ensure_ascii=False)
            file.write("\n")
    if options.docs:
        charts.document(results, options.docs)
    if not results:
        sys.exit("No row has this name.")


if __name__ == "__main__":
    main()
