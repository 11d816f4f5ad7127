#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Runs the unittest file named on the command line; prints TAP, and what failed to stderr."""

import faulthandler
import pathlib
import signal
import sys
import unittest


class TapResult(unittest.TestResult):
    count = 0

    def report(self, test, problem=None):
        self.count += 1
        print("not ok" if problem else "ok", self.count, "-", test.id(), flush=True)
        if problem:
            print(problem, file=sys.stderr, flush=True)

    def addSuccess(self, test):
        self.report(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.report(test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.report(test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.report(subtest, (self.failures + self.errors)[-1][1])

    def addSkip(self, test, reason):
        self.report(test, f"skipped: {reason}")

    def addUnexpectedSuccess(self, test):
        self.report(test, "was expected to fail")

    def addExpectedFailure(self, test, err):
        self.report(test)


def main():
    faulthandler.enable()
    faulthandler.register(signal.SIGTERM, chain=True)  # sent when the time is over
    path = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(path.parent))
    result = TapResult()
    unittest.defaultTestLoader.loadTestsFromName(path.stem).run(result)
    print(f"1..{result.count}", flush=True)


if __name__ == "__main__":
    main()
