#!/usr/bin/env python3
"""Feeds results to ctest_summary.py and checks the counts: what died or is absent must count as failed."""
import contextlib
import io
import os
import sys
import tempfile

import ctest_summary

OK = '<testcase name="a" status="run"/>'
BAD = '<testcase name="b" status="fail"><failure message=""/></testcase>'
SKIP = '<testcase name="c" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>'
ABSENT = '<testcase name="d" status="notrun"><skipped message="Unable to find executable"/></testcase>'
DISABLED = '<testcase name="e" status="disabled"/>'

# cases, tests selected, ctest's status, expected (passed, failed, skipped)
ROWS = (
    ([OK, OK], 2, 0, (2, 0, 0)),
    ([OK, BAD], 2, 8, (1, 1, 0)),
    ([OK, SKIP], 2, 0, (1, 0, 1)),
    ([ABSENT], 1, 8, (0, 1, 0)),
    ([OK, DISABLED], 2, 0, (1, 1, 0)),
    ([OK], 3, 0, (1, 2, 0)),
    ([OK], 1, 8, (1, 1, 0)),
    (None, 1, 8, (0, 1, 0)),
)


def main():
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.xml")
        for cases, expected, status, counts in ROWS:
            if cases is None:
                os.unlink(path)
            else:
                with open(path, "w", encoding="utf-8") as handle:
                    handle.write("<testsuite>" + "".join(cases) + "</testsuite>")
            with contextlib.redirect_stderr(io.StringIO()):
                got = ctest_summary.summarise(path, expected, status)
            if got != counts:
                print(f"{cases}, {expected} selected, status {status}: expected {counts}, got {got}")
                wrong += 1
    print(f"ctest_summary_test: {len(ROWS)} rows, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
