#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Draws the charts of docs/performance.md with gnuplot, from what tests/bench/run --json wrote, and
prints the table of the rows in Markdown."""

import json
import pathlib
import subprocess
import sys

from measure import amount

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
    draw(folder / "lock-names.svg", "Acquire and release a lock from a thread",
         "names in use", "ns", "set yrange [0:*]",
         [("names at random", points(rows, "lock/names", "ns")),
          ("one name, in the same run", points(rows, "lock/names", "reference_ns"))])


def print_table(rows):
    print("| row | cost | beside | which costs | ratio | spread | target |")
    print("| --- | --: | --- | --: | --: | --: | --: |")
    for name, row in rows.items():
        target = f"{row['target']:.3g}" if "target" in row else ""
        print(f"| {name} | {amount(row)} | {row['reference']} | {amount(row, 'reference_')} "
              f"| {row['ratio']:.2f} | {row['spread']:.0%} | {target} |")


def main():
    if len(sys.argv) != 3:
        sys.exit("Usage: tests/bench/charts.py RESULTS.json FOLDER")
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = {row["name"]: row for row in json.load(file)}
    folder = pathlib.Path(sys.argv[2])
    draw_latency(rows, folder)
    draw_names(rows, folder)
    print_table(rows)


if __name__ == "__main__":
    main()
