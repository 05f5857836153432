#!/usr/bin/env python3
"""Reads one JUnit file of ctest and prints "passed failed skipped"; names what was skipped, and why, on standard error.

Usage: ctest_summary.py JUNIT EXPECTED_COUNT CTEST_STATUS

A missing or short file counts as a failure: a run that died must not look like a run that passed.
"""
import sys
import xml.etree.ElementTree as ElementTree


def summarise(path, expected, status):
    passed = failed = skipped = 0
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"ctest left no readable result: {error}", file=sys.stderr)
        return 0, 1, 0
    for case in cases:
        output = (case.findtext("system-out") or "").strip().splitlines()
        state = case.get("status")
        if state == "run" and case.find("failure") is None:
            passed += 1
        elif case.find("skipped") is not None and state == "notrun" and "SKIP_" in case.find("skipped").get("message", ""):
            skipped += 1
            reason = next((line for line in output if "skip" in line.lower()), output[-1] if output else "no reason given")
            print(f"skipped: {case.get('name')}: {reason.strip()}", file=sys.stderr)
        else:
            failed += 1
            print(f"failed: {case.get('name')}", file=sys.stderr)
    missing = expected - len(cases)
    if missing > 0:
        print(f"{missing} tests were selected but not reported", file=sys.stderr)
        failed += missing
    if status != 0 and failed == 0:
        print(f"ctest ended with status {status}", file=sys.stderr)
        failed += 1
    return passed, failed, skipped


if __name__ == "__main__":
    print(*summarise(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
