#!/usr/bin/env python3
"""The sampler of breaks finds what it has to: stale breaks, a test that notices and one that does not."""
import pathlib
import subprocess
import sys
import tempfile

TOOL = pathlib.Path(__file__).with_name("mutation.py")

CMAKE = """cmake_minimum_required(VERSION 3.16)
project(planted C)
enable_testing()
add_library(winlane STATIC product.c)
add_custom_target(ws2_32)
add_executable(good test.c)
target_link_libraries(good winlane)
add_test(NAME good COMMAND good)
"""
PRODUCT = """int seen(int value)
{
    if (value < 3)
        return 1;
    return 2;
}

int unseen(int value)
{
    if (value < 3)
        return 1;
    return 2;
}
"""
TEST = """#include <stdio.h>
int seen(int value);
int main(void)
{
    if (seen(2) == 1)
        puts("[       OK ] case_one");
    else
        puts("[  FAILED  ] case_one");
    return seen(2) != 1;
}
"""
ROWS = """| ID | status | tests or error | note |
|---|---|---|---|
| R-1 | done | good: case_one | |
| R-2 | done | good | |
| R-3 | not yet | | |
"""


def plant(root, breaks):
    """A project of one product file and one test."""
    files = {
        "CMakeLists.txt": CMAKE, "product.c": PRODUCT, "test.c": TEST, "wsp/conformance/area.md": ROWS,
        "wsp/conformance/rules.txt": "[area]\nR-1 R-2 R-3\n", "tests/mutation/breaks/area.txt": breaks,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "-q", root], check=True)


def run(breaks, *words):
    """(exit status, output) of the tool on such a project."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "root"
        root.mkdir()
        plant(root, breaks)
        done = subprocess.run([sys.executable, TOOL, "--root", root, "--work", pathlib.Path(folder) / "work", *words],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def expect(name, wanted_status, wanted_words, breaks, *words):
    """One case; its name and result are printed."""
    status, output = run(breaks, *words)
    good = status == wanted_status and wanted_words in output
    print(f"{'ok' if good else 'not ok'} {name}")
    if not good:
        print(output)
    return good


SEEN = "rule R-1, R-2\nin product.c\nafter int seen(\n- if (value < 3)\n+ if (value < 2)\n"
UNSEEN = SEEN.replace("int seen(", "int unseen(").replace("R-1, R-2", "R-1")


def main():
    results = [
        expect("noticed", 0, "2 of 2 breaks were noticed", SEEN, "--all"),
        expect("not_noticed", 1, "not ok 1 R-1", UNSEEN, "--all"),
        expect("does_not_build", 1, "does not build", SEEN.replace("+ if (value < 2)", "+ if ("), "--all"),
        expect("fits", 0, "0 faults", SEEN, "--check"),
        expect("stale", 1, "has the old text 0 times", SEEN.replace("- if (value < 3)", "- if (value < 4)"), "--check"),
        expect("ambiguous", 1, "has the old text 2 times", SEEN.replace("after int seen(\n", ""), "--check"),
        expect("changes_nothing", 1, "changes nothing", SEEN.replace("< 2", "< 3"), "--check"),
        expect("row_not_done", 1, "R-3 is not a done row", SEEN.replace("R-2", "R-3"), "--check"),
        expect("no_such_file", 1, "no such source file", SEEN.replace("product.c", "other.c"), "--check"),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
