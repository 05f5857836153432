#!/usr/bin/env python3
"""Do the tests of the conformance matrix notice when the code behind a rule is broken?

Usage: mutation.py [--check] [--sample N | --all | --rule ID...] [--area AREA] [--seed S] [--work FOLDER]

tests/mutation/breaks/AREA.txt holds small breaks of the product, each for one or more rules that the matrix calls done:

    rule A.5.6, WSPACCEPT-4
    in wsp/wsp_accept.c
    after wsp_accept(
    - if (decision == CF_REJECT)
    + if (decision == CF_ACCEPT)

`-` and `+` are whole lines, compared without their indentation; the `-` lines follow each other and occur once in the file,
counted behind the first line that contains the text of `after`, where that is given. Without `+` lines they are taken out.

--check only looks whether every break still fits its file and its rules are done rows; it needs no build.
Otherwise a copy of the tree is made in FOLDER (build/mutation), and for each break of the sample: the break is made, what
the tests of the rule's row need is built, and they are run. At least one of the named tests has to fail, or to crash or
hang; a break that does not compile counts as a fault of the table. Before that the same tests have to pass as they are.
The sample is drawn at random; --seed repeats one. Exit status 1 when a break was not noticed.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lint"))
import conformance  # noqa: E402

LIBRARIES = ["winlane", "ws2_32"]  # loaded at run time: no test's target names them


class Break:
    """One small change of one file, and the rules whose tests have to notice it."""

    def __init__(self, where, rules):
        self.where, self.rules = where, rules
        self.file, self.after, self.old, self.new = None, None, [], []

    def place(self, text):
        """(first line, number of lines) of the old text, or a fault's words."""
        lines = [line.strip() for line in text.splitlines()]
        start = 0
        if self.after:
            found = [i for i, line in enumerate(lines) if self.after in line]
            if not found:
                return None, f"{self.file} has no line with {self.after!r}"
            start = found[0]
        count = len(self.old)
        places = [i for i in range(start, len(lines) - count + 1) if lines[i : i + count] == self.old]
        if self.after and places:
            places = places[:1]
        if len(places) != 1:
            return None, f"{self.file} has the old text {len(places)} times"
        return (places[0], count), None

    def apply(self, text):
        """The text with the break in it."""
        (first, count), _ = self.place(text)
        lines = text.splitlines(keepends=True)
        return "".join(lines[:first] + [line + "\n" for line in self.new] + lines[first + count :])


def read_breaks(folder, faults):
    """All breaks of all areas; what is wrong with their form goes to faults."""
    breaks = []
    for path in sorted(folder.glob("*.txt")):
        current = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{path.name}:{number}"
            word, _, rest = line.strip().partition(" ")
            if not line.strip() or line.startswith("#"):
                continue
            if word == "rule":
                current = Break(where, [rule.strip() for rule in rest.split(",")])
                current.area = path.stem
                breaks.append(current)
            elif current is None:
                faults.append(f"{where}: no rule before it")
            elif word == "in":
                current.file = rest.strip()
            elif word == "after":
                current.after = rest.strip()
            elif word == "-":
                current.old.append(rest.strip())
            elif word == "+":
                current.new.append(rest.strip())
            else:
                faults.append(f"{where}: not understood: {line.strip()!r}")
    return breaks


def done_tests(root):
    """{rule: [(program, cases)]} of the done rows."""
    rows = conformance.read_rows(sorted((root / "wsp" / "conformance").glob("*.md")))
    return {c[0]: conformance.tests_of(c[2]) for _, _, c in rows if len(c) > 2 and c[1] == "done"}


def check(root, breaks, done):
    """Faults of the table against the tree."""
    faults = []
    for item in breaks:
        path = root / item.file if item.file else None
        if path is None or not path.is_file() or path.suffix not in (".c", ".h"):
            faults.append(f"{item.where}: no such source file: {item.file}")
            continue
        if not item.old or item.old == item.new:
            faults.append(f"{item.where}: changes nothing")
            continue
        _, wrong = item.place(path.read_text())
        if wrong:
            faults.append(f"{item.where}: {wrong}")
        faults += [f"{item.where}: {rule} is not a done row" for rule in item.rules if rule not in done]
    return faults


def output_of(command, folder=None):
    """What a command prints; it has to succeed."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def run_bounded(command, folder, longest):
    """Runs a command and ends it, with all that it started, after some seconds: a broken product may hang."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True) as process:
        try:
            process.wait(longest)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def copy_tree(root, target):
    """The files of the tree as they are now; unchanged ones keep their times, so that little is built anew."""
    listed = output_of(["git", "-C", root, "ls-files", "-co", "--exclude-standard"])
    wanted = set(listed.split("\n")) - {""}
    for name in wanted:
        source, copy = root / name, target / name
        if not source.is_file():
            continue
        if not copy.is_file() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
            copy.touch()
    for path in [p for p in target.rglob("*") if p.is_file()]:
        if str(path.relative_to(target)) not in wanted:
            path.unlink()


class Tree:
    """The copy and its build."""

    def __init__(self, root, work, extra):
        self.source, self.build, self.log = work / "tree", work / "build", work / "log"
        self.source.mkdir(parents=True, exist_ok=True)
        copy_tree(root, self.source)
        with open(self.log, "w") as log:
            # Warnings are no errors here: a break may leave a variable unused.
            subprocess.run(
                ["cmake", "-G", "Ninja", "-S", self.source, "-B", self.build, "-DCMAKE_BUILD_TYPE=None",
                 "-DCMAKE_C_COMPILER=gcc", "-DCMAKE_C_FLAGS=-w -O1", *extra], check=True, stdout=log, stderr=log)
        shown = output_of(["ctest", "--show-only=json-v1"], self.build)
        self.tests = {test["name"]: test for test in json.loads(shown)["tests"]}
        listed = output_of(["ninja", "-t", "targets", "all"], self.build)
        self.known = {line.rpartition(": ")[0] for line in listed.splitlines()}

    def targets(self, programs):
        """What ninja has to build for these tests."""
        found = set(LIBRARIES)
        for program in programs:
            found.update({program} & self.known)  # one that was never built has no command yet
            for word in self.tests[program].get("command", []):
                path = pathlib.Path(word)
                if path.is_absolute() and self.build in path.parents:
                    found.update({str(path.relative_to(self.build))} & self.known)
        return sorted(found)

    def make(self, targets):
        """Did it build?"""
        with open(self.log, "a") as log:
            return subprocess.run(["ninja", "-j2", *targets], cwd=self.build, stdout=log, stderr=log).returncode == 0

    def outcome(self, program, longest):
        """(passed, {case: passed}) of a test program; passed is None where it was skipped."""
        junit = self.build / "mutation.junit.xml"
        junit.unlink(missing_ok=True)
        run_bounded(
            ["ctest", "-R", f"^{re.escape(program)}$", "--test-output-size-passed", "1048576",
             "--test-output-size-failed", "1048576", "--output-junit", junit], self.build, longest)
        results = conformance.read_results([junit]) if junit.is_file() else {}
        passed, inner = results.get(program, (False, {}))
        if passed is None and "Unable to find executable" in junit.read_text():
            raise SystemExit(f"mutation: {program} was not built: {self.log}")
        return passed, inner

    def run(self, tests, longest):
        """The first of the named tests that did not pass; empty: all passed."""
        for program, cases in tests:
            wrong = wrong_of(program, cases, self.outcome(program, longest))
            if wrong:
                return [wrong]
        return []


def wrong_of(program, cases, outcome):
    """Which of the named cases did not pass, in words; empty: all did."""
    passed, inner = outcome
    if passed is None:
        return conformance.SKIPPED
    missed = [case for case in cases or [] if not inner.get(case, False)]
    if not missed and (cases or passed):
        return ""
    return f"{program}: {', '.join(missed)}" if missed else program


def choose(breaks, options):
    """[(break, rule)]: one rule each; the sample asks every rule at most once."""
    pairs = [(item, rule) for item in breaks for rule in item.rules]
    if options.area:
        pairs = [pair for pair in pairs if pair[0].area == options.area]
    if options.rule:
        return [pair for pair in pairs if pair[1] in options.rule]
    if options.all:
        return pairs
    chance = random.Random(options.seed)
    chance.shuffle(pairs)
    once = {}
    for item, rule in pairs:
        once.setdefault(rule, (item, rule))
    return list(once.values())[: options.sample]


def try_break(tree, item, tests, longest):
    """('noticed' | 'not noticed' | 'skipped' | 'does not build', words)."""
    path = tree.source / item.file
    whole = path.read_text()
    programs = [program for program, _ in tests]
    path.write_text(item.apply(whole))
    try:
        if not tree.make(tree.targets(programs)):
            return "does not build", f"see {tree.log}"
        wrong = tree.run(tests, longest)
    finally:
        path.write_text(whole)
    if wrong == [conformance.SKIPPED]:
        return "skipped", "a test of it was skipped here"
    return ("noticed", "; ".join(wrong)) if wrong else ("not noticed", ", ".join(programs))


def run_sample(options, pairs, done):
    """The numbers of breaks that were not noticed, and of those that could not be tried."""
    extra = [f"-DLWIP_SOURCE_DIR={options.lwip}"] if options.lwip else []
    tree = Tree(options.root, options.work, extra)
    tests = {rule: done[rule] for _, rule in pairs}
    missing = sorted({p for named in tests.values() for p, _ in named if p not in tree.tests})
    usable = {rule: [entry for entry in named if entry[0] in tree.tests] for rule, named in tests.items()}
    for name in missing:
        print(f"not a test of this build, left out: {name}")
    programs = sorted({program for named in usable.values() for program, _ in named})
    print(f"mutation: building {len(programs)} test programs as they are", flush=True)
    if not tree.make(tree.targets(programs)):
        raise SystemExit(f"mutation: the tree does not build: {tree.log}")
    outcomes = {program: tree.outcome(program, 4 * options.longest) for program in programs}
    broken = {rule for rule, named in usable.items() if fails_unbroken(outcomes, named)}
    bad = skipped = 0
    for number, (item, rule) in enumerate(pairs, 1):
        began = time.monotonic()
        if rule in broken or not usable[rule]:
            state, words = "not noticed", "its tests do not pass or do not exist without the break"
        else:
            state, words = try_break(tree, item, usable[rule], options.longest)
        bad += state not in ("noticed", "skipped")
        skipped += state == "skipped"
        line = "ok" if state in ("noticed", "skipped") else "not ok"
        took = time.monotonic() - began
        print(f"{line} {number} {rule} {item.where} {item.file}: {state}: {words} ({took:.0f} s)", flush=True)
    return bad, skipped


def fails_unbroken(outcomes, named):
    """Do these tests fail without any break?"""
    wrong = [wrong_of(program, cases, outcomes[program]) for program, cases in named]
    wrong = [words for words in wrong if words and words != conformance.SKIPPED]
    for words in wrong:
        print(f"fails without a break: {words}", flush=True)
    return bool(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "mutation")
    parser.add_argument("--lwip", help="a tree of lwIP, instead of the cached one")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--sample", type=int, default=30)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--rule", nargs="+")
    parser.add_argument("--area")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--longest", type=int, default=30, help="seconds for one test program")
    options = parser.parse_args()
    faults = []
    breaks = read_breaks(options.root / "tests" / "mutation" / "breaks", faults)
    done = done_tests(options.root)
    faults += check(options.root, breaks, done)
    for fault in faults:
        print(fault)
    covered = {rule for item in breaks for rule in item.rules}
    print(f"mutation: {len(breaks)} breaks for {len(covered)} of {len(done)} done rules, {len(faults)} faults in the table")
    if faults or options.check:
        return 1 if faults else 0
    pairs = choose(breaks, options)
    print(f"mutation: trying {len(pairs)}, seed {options.seed}", flush=True)
    bad, skipped = run_sample(options, pairs, done)
    print(f"mutation: {len(pairs) - bad - skipped} of {len(pairs)} breaks were noticed, {bad} were not, "
          f"{skipped} could not be tried here; seed {options.seed}")
    return 1 if bad or skipped == len(pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
