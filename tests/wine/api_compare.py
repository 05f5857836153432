#!/usr/bin/env python3
"""Runs the API cases (tests/api/both.h) and judges the outcome by a list of known differences.

Under Wine (--wine RUNNER): the program twice, first in a folder of its own on Wine's ws2_32, the reference, then beside
our DLLs. Natively (--native): once, on libws2_32.so.

Each row of the list is "CASE | WHO | REASON": WHO says which side fails the case or leaves it out: ours, reference or both.
A row of "ours" also holds for a native run; one of "ours-wine" or "ours-native" for that kind of run only. A row of "reference"
may name several cases with a *.

The run fails (exit code 1) when
  - a case passes on the reference and not on ours, and no row says so;
  - a case fails on both, and no row says so;
  - a row says that ours, or both, fail a case that ours passes: the row is stale;
  - a row names a case that does not exist, or a row of ours or both says of the reference what is not so;
  - either side did not run to its end, or not on the DLL that it should have run on;
  - ours crashed or hung as the process ended, behind the last case.
What fails on the reference alone is listed, with the reason where a row has one, and does not fail the run; nor does such a
row that no longer holds: some of what Wine does depends on who comes first. It is listed too.
"""
import argparse
import fnmatch
import os
import pathlib
import shutil
import subprocess
import sys

STARTS_MAX = 12  # of one program: a case that ends the process costs one
OURS = "Winlane"


def read_rows(path):
    rows = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|", 2)]
        if len(parts) != 3 or not all(parts) or parts[1] not in ("ours", "ours-wine", "ours-native", "reference", "both"):
            sys.exit(f"{path}:{number}: not CASE | ours, ours-wine, ours-native, reference or both | REASON")
        if "*" in parts[0] and parts[1] != "reference":
            sys.exit(f"{path}:{number}: one case only")
        if parts[0] in rows:
            sys.exit(f"{path}:{number}: {parts[0]} is there twice")
        rows[parts[0]] = (parts[1], parts[2])
    return rows


class Outcome:
    """What one side said: results[case] is (state, text), state one of pass, fail, skip."""

    def __init__(self, name):
        self.name = name
        self.results = {}
        self.provider = None
        self.complete = False
        self.end = None  # what was wrong with the end of the process

    def read(self, path):
        """Reads one start's lines; the case that was running when it ended, if it did not reach its plan."""
        running = None
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("# run "):
                running = line[6:]
            elif line.startswith("# provider "):
                self.provider = line[11:]
            elif line.startswith("ok "):
                name, _, why = line[3:].partition(" # SKIP ")
                self.results[name] = ("skip", why) if why else ("pass", "")
                running = None
            elif line.startswith("not ok "):
                name, _, what = line[7:].partition(": ")
                self.results[name] = ("fail", what)
                running = None
            elif line.startswith("1.."):
                self.complete = True
        return running


def run_side(name, command, folder, environment, limit):
    """Runs the program until it is through, anew behind each case that ends the process."""
    outcome = Outcome(name)
    after = []
    for start in range(STARTS_MAX):
        tap = folder / f"{name}-{start}.tap"
        tap.unlink(missing_ok=True)
        log = folder / f"{name}-{start}.log"
        with open(log, "wb") as out:
            try:
                code = subprocess.run(command + ["--out", str(tap.name)] + after, cwd=folder, env=environment, stdout=out,
                                      stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=limit, check=False).returncode
            except subprocess.TimeoutExpired:
                code = "time"
        if code == 77:
            print(log.read_text(errors="replace").strip())
            sys.exit(77)
        if not tap.exists():
            print(f"{name}: no output, exit code {code}:\n{log.read_text(errors='replace')[-2000:]}")
            return outcome
        running = outcome.read(tap)
        if outcome.complete or running is None:
            # Through with the cases, it can still crash or hang as it ends.
            outcome.end = None if code in (0, 1) else "hangs" if code == "time" else f"exit code {code}"
            return outcome
        outcome.results[running] = ("fail", f"ends the process (exit code {code})")
        after = ["--after", running]
    return outcome


def list_kind(title, cases, sides, rows):
    if not cases:
        return
    print(f"\n{title} ({len(cases)}):")
    for case in cases:
        print(f"  {case}")
        for side in sides:
            state, text = side.results.get(case, ("fail", "did not run"))
            if state != "pass":
                print(f"    {side.name}: {'left out: ' if state == 'skip' else ''}{text}")
        for name, (who, reason) in rows.items():
            if fnmatch.fnmatchcase(case, name):
                print(f"    known: {who}: {reason}")


def state_of(side, case):
    return side.results.get(case, ("fail", "did not run"))[0]


def known(rows, case, kind):
    """Does a row say that ours does not pass the case in a run of this kind?"""
    return case in rows and rows[case][0] in ("ours", "both", f"ours-{kind}")


def reference_faults(name, who, cases, wrong):
    """What a row says of the reference, against what the reference did."""
    matching = fnmatch.filter(cases, name)
    passes = [case for case in matching if case not in wrong]
    if who == "both" and passes:
        return [f"{name}: a row says 'both', but the reference passes it"]
    if who in ("ours", "ours-wine") and matching and not passes:
        return [f"{name}: a row says '{who}', but the reference does not pass it either"]
    return []


def list_passed(cases, wrong, rows):
    """Rows of the reference whose every case it passed."""
    for name, (who, _) in sorted(rows.items()):
        matching = fnmatch.filter(cases, name)
        if who == "reference" and matching and not wrong.intersection(matching):
            print(f"\nA row says that the reference does not pass {name}, but it does")


def judge(ours, reference, rows, kind):
    """Prints the comparison; the list of faults."""
    sides = [reference, ours] if reference else [ours]
    cases = sorted(set().union(*(side.results for side in sides)))
    bad = {case for case in cases if state_of(ours, case) != "pass"}
    wrong = {case for case in cases if reference and state_of(reference, case) != "pass"}
    if reference:
        list_kind("Not passed on the reference only", sorted(wrong - bad), sides, rows)
        list_kind("Not passed on either", sorted(wrong & bad), sides, rows)
        list_passed(cases, wrong, rows)
    list_kind("Not passed on ours" + (" only" if reference else ""), sorted(bad - wrong), sides, rows)
    faults = [f"{case}: not passed on ours, and no row of the list says so" for case in sorted(bad)
              if not known(rows, case, kind)]
    faults += [f"{case}: a row of the list says that ours does not pass it, but ours does" for case in cases
               if case not in bad and known(rows, case, kind)]
    faults += [f"{name}: a row of the list names it, but there is no such case" for name in sorted(rows)
               if not fnmatch.filter(cases, name)]
    if reference:
        faults += [fault for name, (who, _) in sorted(rows.items()) for fault in reference_faults(name, who, cases, wrong)]
    for side in sides:
        if not side.complete:
            faults.append(f"{side.name}: did not run to its end")
        if side.end and side is ours:
            faults.append(f"{side.name}: its end: {side.end}")
        if (side is ours) != ((side.provider or "").startswith(OURS)):
            faults.append(f"{side.name}: ran on the provider '{side.provider}'")
    print()
    for side in sides:
        states = [state for state, _ in side.results.values()]
        print(f"{side.name}: {states.count('pass')} passed, {states.count('fail')} failed, {states.count('skip')} left out")
        if side.end:
            print(f"{side.name}: its end: {side.end}")
    return faults


def wine_sides(arguments):
    """The program in two folders: alone, and beside our DLLs."""
    program = arguments.program
    alone = arguments.work / "reference"
    alone.mkdir(parents=True, exist_ok=True)
    shutil.copy2(program, alone)
    environment = dict(os.environ, WINLANE_CONFIG=str(arguments.config))
    environment.pop("WINLANE_WINE_OVERRIDES", None)
    reference = run_side("reference", [str(arguments.wine), str(alone / program.name)], alone,
                         dict(environment, WINLANE_WINE_OVERRIDES="ws2_32=b"), arguments.limit)
    ours_folder = arguments.work / "ours"
    ours_folder.mkdir(parents=True, exist_ok=True)
    ours = run_side("ours", [str(arguments.wine), str(program)], ours_folder,
                    dict(environment, WINLANE_WINE_OVERRIDES="ws2_32=n,b"), arguments.limit)
    return ours, reference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--wine", type=pathlib.Path, help="wine-run.sh")
    kind.add_argument("--native", action="store_true")
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--config", type=pathlib.Path, required=True)
    parser.add_argument("--differences", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder for outputs")
    parser.add_argument("--limit", type=int, default=150, help="seconds for one start of the program")
    arguments = parser.parse_args()
    rows = read_rows(arguments.differences)
    arguments.work.mkdir(parents=True, exist_ok=True)
    for name in ("wine", "program", "config", "work"):
        if getattr(arguments, name):
            setattr(arguments, name, getattr(arguments, name).resolve())
    if arguments.wine:
        ours, reference = wine_sides(arguments)
    else:
        environment = dict(os.environ, WINLANE_CONFIG=str(arguments.config))
        ours = run_side("ours", [str(arguments.program)], arguments.work, environment, arguments.limit)
        reference = None
        # For those who read this test's output: the conformance matrix names cases.
        for tap in sorted(arguments.work.glob("ours-*.tap")):
            print("".join(line for line in tap.read_text().splitlines(True) if line.startswith(("ok ", "not ok "))), end="")
    faults = judge(ours, reference, rows, "wine" if arguments.wine else "native")
    for fault in faults:
        print(f"FAULT {fault}")
    print("differences: " + (f"{len(faults)} faults" if faults else "as listed"))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
