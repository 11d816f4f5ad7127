#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Draws the charts of docs/performance.md with gnuplot, from what tests/bench/run --json wrote, and
writes its tables; tests/bench/run --docs docs does so at once."""

import json
import pathlib
import re
import subprocess
import sys

UNITS = {"ns": "ns", "bytes": "B", "commands": "commands"}
TABLE = re.compile(r"(<!-- rows: (.*?) -->\n).*?(<!-- end of rows -->\n)", re.DOTALL)
TITLES = """\
| row | cost | beside | which costs | ratio | spread | target |
| --- | --: | --- | --: | --: | --: | --: |
"""

HEAD = """\
set terminal svg size 820,430 font "DejaVu Sans,13" background "#ffffff"
set output "{output}"
set title "{title}"
set xlabel "{xlabel}"
set ylabel "{ylabel}"
set logscale x
set grid ytics lc rgb "#d0d7de"
set key outside right center
set border 3
set tics nomirror
set format y "%.0f"
"""
SPDX = """<!-- SPDX-License-Identifier: MIT -->
<!-- SPDX-FileCopyrightText: grelmicro contributors -->
"""
COLORS = "#3f8f5b", "#b3453c", "#9ad0ae", "#e3a9a3"


def points(rows, folder, key):
    """The (number, value) of the rows folder/number, in order."""
    prefix = folder + "/"
    found = [(int(name[len(prefix):]), row[key]) for name, row in rows.items()
             if name.startswith(prefix) and key in row]
    return sorted(found)


def draw(output, title, xlabel, ylabel, axis, curves):
    """Nothing, if only some of the rows were measured."""
    if not all(curve for _, curve in curves):
        return
    script = HEAD.format(output=output, title=title, xlabel=xlabel, ylabel=ylabel) + axis + "\n"
    ticks = sorted({x for _, curve in curves for x, _ in curve})
    script += "set xtics (" + ", ".join(f'"{x:,}" {x}' for x in ticks) + ")\n"
    for number, (_, curve) in enumerate(curves):
        lines = "\n".join(f"{x} {y}" for x, y in curve)
        script += f"$data{number} << EOD\n{lines}\nEOD\n"
    script += "plot " + ", ".join(
        f'$data{number} with linespoints lw 2 pt 7 ps 0.6 lc rgb "{color}" title "{name}"'
        for number, ((name, _), color) in enumerate(zip(curves, COLORS))) + "\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    head, rest = output.read_text(encoding="utf-8").split("<svg", 1)
    output.write_text(f"{head}{SPDX}<svg{rest}", encoding="utf-8")


def draw_latency(rows, folder):
    curves = []
    for quantile, word in ("p50", "median"), ("p99", "99 of 100"):
        for prefix, who in ("", "grelmicro"), ("reference_", "invoke and GCond"):
            curve = points(rows, "hop/one-cpu", prefix + quantile)
            curves.append((f"{who}: {word}", [(x, y / 1000) for x, y in curve]))
    draw(folder / "hop-latency.svg", "A thread asks the loop and waits",
         "threads at once, all on one CPU", "µs", "set logscale y", curves)


def draw_names(rows, folder):
    curves = [(name, points(rows, f"{row}/names", "ratio"))
              for name, row in (("locks", "lock"), ("circuits", "circuits"),
                                ("cache entries", "entries"))]
    draw(folder / "names.svg", "How many names there are, each used at random",
         "names in use", "times as long as one name", "set yrange [0:*]", curves)


def draw_redis(rows, folder):
    """Each of so many at once waits for as long as all of them take."""
    curves = [(name, [(x, x * y / 1000) for x, y in points(rows, "redis/one-cpu", key)])
              for name, key in (("grelmicro", "ns"), ("hiredis", "reference_ns"))]
    draw(folder / "redis-latency.svg", "Acquire and release a lock in Redis",
         "locks at once, client and server on one CPU", "µs", "set logscale y", curves)


def amount(row, prefix=""):
    unit = next(unit for unit in UNITS if unit in row)
    value = row[prefix + unit]
    return f"{value:,.{0 if value >= 100 else 1}f} {UNITS[unit]}"


def make_line(row):
    target = f"{row['target']:.3g}" if "target" in row else ""
    return (f"| {row['name']} | {amount(row)} | {row['reference']} | {amount(row, 'reference_')} "
            f"| {row['ratio']:.2g} | {row['spread']:.0%} | {target} |\n")


def write_tables(rows, file):
    """A table has the rows below the names in its first line; without any it stays as it is."""

    def fill(table):
        folders = tuple(f"{name}/" for name in table[2].split())
        lines = [make_line(row) for name, row in rows.items() if name.startswith(folders)]
        return table[1] + TITLES + "".join(lines) + table[3] if lines else table[0]

    file.write_text(TABLE.sub(fill, file.read_text(encoding="utf-8")), encoding="utf-8")


def document(results, folder):
    rows = {row["name"]: row for row in results}
    for draw_one in draw_latency, draw_names, draw_redis:
        draw_one(rows, folder)
    write_tables(rows, folder / "performance.md")


def main():
    if len(sys.argv) != 3:
        sys.exit("Usage: tests/bench/charts.py RESULTS.json FOLDER")
    with open(sys.argv[1], encoding="utf-8") as file:
        document(json.load(file), pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
