#!/usr/bin/env python3
"""Checks the conformance matrix: wsp/conformance/*.md against wsp/conformance/rules.txt and against the tests of a run.

Usage: conformance.py [--root FOLDER] [--skips-allowed] [--results JUNIT...]

Every rule of rules.txt has exactly one row, every row a rule, a status and what the status asks for:
  done            | tests: `program: case, case; program: all cases` or `program` for a test that has no cases
  refused         | the error that callers get, and the reason as note
  not applicable  | why, as note
  not yet         | nothing
With --results every test named by a done row must have run and passed in those files of ctest; all cases of a program
that `all cases` names must have passed; with --skips-allowed one that was skipped is only said. Without --results the
tests are not looked at, which is said.
Prints the counts by area. Exit status 1 when anything is wrong.
"""
import argparse
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

SKIPPED = "was skipped"
STATES = ("done", "refused", "not applicable", "not yet")
# CMocka's lines, and those of the programs that print one line a case.
NAME = re.compile(r"[A-Za-z0-9_.-]+")
CASE = re.compile(r"^(?:\[\s+(OK|FAILED|SKIPPED)\s*\]|(ok|not ok))\s+([A-Za-z0-9_.]+)(.*)$", re.MULTILINE)


def read_rules(path):
    """The rules as {id: area}, in order."""
    rules = collections.OrderedDict()
    area = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            area = line[1:-1]
        elif line and not line.startswith("#"):
            for rule in line.split():
                if area is None or rule in rules:
                    raise SystemExit(f"{path}:{number}: {rule}: {'no area' if area is None else 'twice'}")
                rules[rule] = area
    return rules


def read_rows(paths):
    """All rows as (file, line number, id, status, third, note)."""
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.startswith("|"):
                continue
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if cells[0] == "ID" or set(cells[0]) <= {"-", ":"}:
                continue
            yield path.name, number, cells


def read_results(paths):
    """{program: (passed, {case: passed})}, None: skipped; what ran in several files must have passed wherever it was not skipped."""
    results = {}
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = case.get("name")
            state = case.get("status")
            entry = results.setdefault(name, [None, {}])
            if state == "notrun" and case.find("skipped") is not None:
                continue
            passed = state == "run" and case.find("failure") is None
            entry[0] = passed and entry[0] is not False
            for boxed, plain, inner, rest in CASE.findall(case.findtext("system-out") or ""):
                if boxed == "SKIPPED" or (plain == "ok" and "# SKIP" in rest.upper()):
                    entry[1].setdefault(inner, None)
                else:
                    entry[1][inner] = "OK" in (boxed, plain.upper()) and entry[1].get(inner) is not False
    return results


def tests_of(cell):
    """[(program, [cases] or None)] of a done row's cell."""
    found = []
    for part in cell.split(";"):
        program, colon, cases = part.strip().partition(":")
        names = [name.strip() for name in cases.split(",") if name.strip()] if colon else []
        found.append((program.strip(), None if names in ([], ["all cases"]) else names))
    return found


def tests_wrong(cell, results):
    """What is wrong with the tests of a done row; None: nothing."""
    for program, cases in tests_of(cell):
        if not NAME.fullmatch(program):
            return f"not a test's name: {program!r}"
        for case in cases or []:
            if not NAME.fullmatch(case):
                return f"not a case's name: {case!r}"
        wrong = None if results is None else test_wrong(program, cases or [], results)
        if wrong:
            return wrong
    return None


def test_wrong(program, cases, results):
    """Why a test shows nothing: it did not run or did not pass, or one of the cases; None: it does."""
    passed, inner = results.get(program, (None, None))
    if not passed:
        return f"{program} " + ("did not run" if inner is None else SKIPPED if passed is None else "failed")
    for case in cases:
        if not inner.get(case, False):
            return f"{program} has no case {case}" if case not in inner else f"{program}: {case} did not pass"
    return None


def row_wrong(cells, results):
    """What is wrong with a row's status and what it asks for; None: nothing."""
    if len(cells) != 4:
        return f"{len(cells)} cells instead of 4"
    _, status, third, note = cells
    if status not in STATES:
        return f"no such status: {status!r}"
    if status == "done":
        return "no test" if not third else tests_wrong(third, results)
    if status == "refused" and (not third or not note):
        return "refused needs the error and a reason"
    if status == "not applicable" and not note:
        return "not applicable needs a reason"
    return None


def check(rules, rows, results):
    """(faults, counts by area)."""
    faults = []
    seen = {}
    counts = {area: collections.Counter() for area in rules.values()}
    for name, number, cells in rows:
        where = f"{name}:{number}: {cells[0]}"
        if cells[0] not in rules:
            faults.append(f"{where}: no such rule")
            continue
        if cells[0] in seen:
            faults.append(f"{where}: has a row in {seen[cells[0]]} already")
            continue
        seen[cells[0]] = f"{name}:{number}"
        wrong = row_wrong(cells, results)
        if wrong:
            faults.append(f"{where}: {wrong}")
        elif len(cells) > 1:
            counts[rules[cells[0]]][cells[1]] += 1
    faults += [f"{rule} ({area}): no row" for rule, area in rules.items() if rule not in seen]
    return faults, counts


def print_counts(counts):
    """The table of counts, and the sum."""
    total = collections.Counter()
    width = max(len(area) for area in counts)
    print(f"{'area':{width}}  " + "  ".join(f"{state:>14}" for state in STATES))
    for area, count in counts.items():
        total += count
        print(f"{area:{width}}  " + "  ".join(f"{count[state]:14}" for state in STATES))
    print(f"{'all':{width}}  " + "  ".join(f"{total[state]:14}" for state in STATES))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--results", type=pathlib.Path, nargs="+")
    parser.add_argument("--skips-allowed", action="store_true")
    options = parser.parse_args()
    folder = options.root / "wsp" / "conformance"
    rules = read_rules(folder / "rules.txt")
    results = read_results(options.results) if options.results else None
    faults, counts = check(rules, read_rows(sorted(folder.glob("*.md"))), results)
    print_counts(counts)
    if options.skips_allowed:
        for fault in [fault for fault in faults if fault.endswith(SKIPPED)]:
            print(f"not shown by this run: {fault}")
            faults.remove(fault)
    for fault in faults:
        print(fault)
    if results is None:
        print("conformance: no results were given: the tests of done rows were not looked at")
    print(f"conformance: {len(rules)} rules, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
