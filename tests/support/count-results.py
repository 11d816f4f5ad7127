#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Counts the results in a log of `meson test`: every TAP line is one, other tests are one each.

Prints "PASSED FAILED". What was skipped counts as failed.
"""

import json
import re
import sys

TAP_LINE = re.compile(r"^(not )?ok \d+\b(.*)", re.MULTILINE)


def results(test):
    lines = TAP_LINE.findall(test.get("stdout", ""))
    points = [not failed and "# SKIP" not in text.upper() for failed, text in lines]
    if test["result"] != "OK" and all(points):  # crashed, timed out, or is no TAP
        points.append(False)
    return points or [True]


def main():
    with open(sys.argv[1], encoding="utf-8") as log:
        points = [point for line in log for point in results(json.loads(line))]
    print(points.count(True), points.count(False))


if __name__ == "__main__":
    main()
