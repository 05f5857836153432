#!/usr/bin/env python3
"""What the check of the conformance matrix must find: each fault is planted, and must be told."""
import pathlib
import tempfile
import unittest

import conformance

RULES = "# rules\n[data]\nA-1 A-2\n[other]\nA-3 A-4\n"
HEAD = "| ID | status | tests or error | note |\n|---|---|---|---|\n"
GOOD = (
    "| A-1 | done | t_one: a__b__c, d__e__f; t_two: all cases | |\n"
    "| A-2 | refused | WSAEINVAL | no |\n"
    "| A-3 | not applicable | | why |\n"
    "| A-4 | not yet | | |\n"
)
OUTPUT = "[ RUN      ] a__b__c\n[       OK ] a__b__c\nok d__e__f\n"


def junit(output=OUTPUT, two="run", failure=""):
    """A result of ctest for t_one and t_two."""
    skipped = '<skipped message="SKIP_RETURN_CODE=77"/>' if two == "notrun" else ""
    return (
        f'<testsuite><testcase name="t_one" status="run">{failure}<system-out>{output}</system-out></testcase>'
        f'<testcase name="t_two" status="{two}">{skipped}<system-out/></testcase></testsuite>'
    )


class Matrix(unittest.TestCase):
    """The matrix GOOD, with one thing changed at a time."""

    def faults(self, rows=GOOD, results=None, rules=RULES):
        """What check finds wrong."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "rules.txt").write_text(rules)
            (folder / "data.md").write_text(HEAD + rows)
            found = None
            if results is not None:
                files = [folder / f"junit-{number}.xml" for number in range(len(results))]
                for file, text in zip(files, results):
                    file.write_text(text)
                found = conformance.read_results(files)
            table = conformance.read_rows([folder / "data.md"])
            return conformance.check(conformance.read_rules(folder / "rules.txt"), table, found)[0]

    def assert_one(self, text, **changes):
        """Exactly one fault, with this text."""
        faults = self.faults(**changes)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(text, faults[0])

    def test_good(self):
        self.assertEqual(self.faults(), [])
        self.assertEqual(self.faults(results=[junit()]), [])

    def test_rows(self):
        self.assert_one("no row", rows=GOOD.replace("| A-4 | not yet | | |\n", ""))
        self.assert_one("no such rule", rows=GOOD + "| B-1 | not yet | | |\n")
        self.assert_one("already", rows=GOOD + "| A-4 | not yet | | |\n")
        self.assert_one("no such status", rows=GOOD.replace("not yet", "nearly"))
        self.assert_one("cells", rows=GOOD.replace("| not yet | | |", "| not yet | |"))

    def test_cells(self):
        self.assert_one("no test", rows=GOOD.replace("t_one: a__b__c, d__e__f; t_two: all cases", ""))
        self.assert_one("not a test's name", rows=GOOD.replace("t_two", "t two"))
        self.assert_one("refused needs", rows=GOOD.replace("WSAEINVAL", ""))
        self.assert_one("refused needs", rows=GOOD.replace("| no |", "| |"))
        self.assert_one("not applicable needs", rows=GOOD.replace("| why |", "| |"))

    def test_results(self):
        self.assert_one("did not run", rows=GOOD.replace("t_two", "t_three"), results=[junit()])
        self.assert_one("no case", rows=GOOD.replace("d__e__f", "x__y__z"), results=[junit()])
        self.assert_one("did not pass", results=[junit(OUTPUT.replace("ok d", "not ok d"))])
        self.assert_one("did not pass", results=[junit(OUTPUT.replace("d__e__f", "d__e__f # SKIP no root"))])
        self.assert_one("did not pass", results=[junit(OUTPUT.replace("      OK ]", "  FAILED  ]"))])
        self.assert_one("was skipped", results=[junit(two="notrun")])
        self.assert_one("failed", results=[junit(failure='<failure message=""/>')])

    def test_several_builds(self):
        left_out = junit(OUTPUT.replace("      OK ]", " SKIPPED  ]"))
        not_here = junit(OUTPUT.replace("d__e__f", "d__e__f # SKIP no root"))
        failed = junit(OUTPUT.replace("ok d", "not ok d"))
        for results in ([junit(), left_out], [left_out, junit()], [junit(), not_here], [not_here, left_out]):
            self.assertEqual(self.faults(results=results), [])
        self.assert_one("did not pass", results=[left_out, left_out])
        self.assert_one("did not pass", results=[junit(), failed])
        self.assert_one("did not pass", results=[failed, junit()])
        self.assert_one("did not pass", results=[failed, not_here])

    def test_rules(self):
        with self.assertRaises(SystemExit):
            self.faults(rules=RULES + "A-1\n")


if __name__ == "__main__":
    unittest.main()
