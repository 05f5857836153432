#!/usr/bin/env python3
"""The command winlane: command_test.py COMMAND ECHO_SERVER PLANTED.

The corpus in each mode, twice; cases with streams, events, goldens and counters; a Winsock program in virtual time; what is
reported when something departs; reduction of a planted bug. Exit status 1: something is not as it should be.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")
CORPUS = os.path.join(HERE, "corpus")
COMMAND, ECHO_SERVER, PLANTED = sys.argv[1:4] if len(sys.argv) > 3 else ("", "", "")

# No captures at all, or of links that are not known: refused in every mode.
REFUSED = {"c_no_capture.pcap", "c_nothing.pcap", "c_wrong_link.pcap", "c_ng_links.pcapng", "c_torn_header.pcap"}


def run(*words, command=None):
    return subprocess.run([command or COMMAND, *words], capture_output=True, text=True, timeout=120, check=False)


def corpus():
    return sorted(os.path.join(CORPUS, name) for name in os.listdir(CORPUS) if name.endswith((".pcap", ".pcapng")))


class Corpus(unittest.TestCase):
    """Every capture is played or refused with a reason, and twice gives the same output."""

    def check(self, *words):
        result = run("replay", "--twice", *words, *corpus())
        self.assertIn(result.returncode, (0, 1, 3), result.stderr)
        self.assertNotIn("two runs gave different outputs", result.stdout)
        lines = [line for line in result.stdout.splitlines() if line.startswith(("passed", "FAILED"))]
        self.assertEqual(len(lines), len(corpus()))
        return {line.split()[1].rstrip(":"): line.startswith("passed") for line in lines}, result.stdout

    def test_as_recorded(self):
        passed, text = self.check("--mode", "recorded")
        self.assertEqual({name for name, good in passed.items() if not good} - REFUSED, set(), text)

    def test_tcp_aware_client(self):
        passed, text = self.check("--mode", "tcp", "--play", "client")
        self.assertGreaterEqual(sum(passed.values()), len(passed) * 8 // 10, text)
        for name in ("c_plain.pcap", "c_overlaps.pcap", "c_wrap.pcap", "c_vlan.pcap", "c_ip6.pcap", "k_reorder.pcap"):
            self.assertTrue(passed[name], name)
        for line in text.splitlines():
            if line.strip().startswith("departure:") and "the program ended" not in line:
                self.assertRegex(line, r"conversation=\d+ packet=\d+ .*(expected|came)")

    def test_tcp_aware_server(self):
        passed, text = self.check("--mode", "tcp", "--play", "server")
        self.assertGreaterEqual(sum(passed.values()), len(passed) * 8 // 10, text)
        for name in ("c_plain.pcap", "c_overlaps.pcap", "c_wrap.pcap", "c_keepalives.pcap", "c_ip6.pcap"):
            self.assertTrue(passed[name], name)


class Cases(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def case(self, name):
        return os.path.join(CASES, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def test_the_examples_pass_and_junit_says_so(self):
        result = run("replay", "--twice", "--junit", self.path("j.xml"), self.case("echo.case"), self.case("request.case"))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        suite = xml.etree.ElementTree.parse(self.path("j.xml")).getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("errors")), ("2", "0", "0"))
        self.assertEqual([case.get("name") for case in suite], ["echo of three requests", "two requests and their answers"])

    def test_a_program_runs_in_virtual_time(self):
        result = run("replay", "--twice", "--program", f"'{ECHO_SERVER}' 7001", "--set", "expect.exit=0",
                     "--set", "expect.stream=1 out bytes 2305", self.case("echo.pcap"))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_a_program_that_answers_otherwise_is_noticed(self):
        result = run("replay", "--program", f"'{ECHO_SERVER}' 8001", self.case("request.pcap"))
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("departure: conversation=1 packet=6 byte 0 of the program's stream: expected 31323a30300d, came 54494d450d0a", result.stdout)

    def test_a_program_that_is_not_there(self):
        result = run("replay", "--program", "/nonexistent/program", self.case("echo.pcap"))
        self.assertEqual(result.returncode, 3, result.stdout)
        self.assertIn("cannot be run", result.stdout)

    def test_a_silent_server_is_a_departure_with_its_packet(self):
        result = run("replay", "--actor", "sink", "--junit", self.path("j.xml"), self.case("echo.pcap"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("departure: conversation=1 packet=6 expected data up to byte 5, came nothing", result.stdout)
        failure = xml.etree.ElementTree.parse(self.path("j.xml")).getroot().find("testcase/failure")
        self.assertEqual(failure.get("type"), "departure")
        self.assertEqual(run("replay", "--actor", "sink", "--set", "expect.departures=1", self.case("echo.pcap")).returncode, 0)

    def test_wrong_expectations_fail_with_file_and_line(self):
        text = f"[case]\ncapture = {self.case('echo.pcap')}\nactor = echo\n[expect]\n"
        rows = {
            "stream = 1 in bytes 7\n": "5: stream 1 in: expected bytes 7, came 2305",
            "stream = 2 in bytes 7\n": "5: stream 2: there were 1 conversations",
            "stream = 1 in md5 7\n": "5: stream: it is: NUMBER in|out sha256|bytes VALUE",
            "event = accept 1\nevent = error 1 10054\n": "6: event 2: expected 'error 1 10054', came 'data 1 2305'",
            "event = accept 1\n": "behind the last expected event came 'data 1 2305'",
            "counter = stack.0.tcp.rx 12\n": "5: counter stack.0.tcp.rx: expected 12, is 11",
        }
        for row, expected in rows.items():
            result = run("replay", self.write("t.case", text + row))
            self.assertIn(expected, result.stdout)
            self.assertNotEqual(result.returncode, 0)

    def test_a_broken_case_file_is_refused(self):
        result = run("replay", self.write("t.case", "[case]\ncapture = a.pcap\nmod = tcp\n"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("t.case:3: mod: unknown key", result.stderr)

    def test_a_golden_that_differs_is_shown(self):
        golden = self.path("g.pcap")
        base = ["replay", "--actor", "echo", "--golden", golden]
        self.assertEqual(run(*base, "--update", self.case("echo.pcap")).returncode, 0)
        self.assertEqual(run(*base, self.case("echo.pcap")).returncode, 0)
        result = run(*base, "--seed", "2", self.case("echo.pcap"))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"(?m)^- +2 .*\n\+ +2 .*\n    seq: expected \d+, came \d+$")
        tolerant = run(*base, "--seed", "2", "--tolerance", "seq id", self.case("echo.pcap"))
        self.assertEqual(tolerant.returncode, 0, tolerant.stdout)
        self.assertEqual(run("diff", golden, golden).returncode, 0)
        self.assertEqual(run("diff", golden, self.case("echo.pcap")).returncode, 1)

    def test_stop_at_a_packet_shows_where_things_are(self):
        result = run("replay", "--actor", "echo", "--stop-at", "8", self.case("echo.pcap"))
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("event = open 1", result.stdout)
        self.assertIn("# stack.0.tcp.rx 5", result.stdout)

    def test_a_run_that_was_captured_is_replayed(self):
        out = self.path("out")
        os.mkdir(out)
        self.assertEqual(run("replay", "--actor", "echo", "--out", out, self.case("echo.pcap")).returncode, 0)
        for side in ("client", "server"):
            result = run("replay", "--twice", "--play", side, os.path.join(out, "output.pcap"))
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_usage(self):
        self.assertEqual(run("replay").returncode, 2)
        self.assertEqual(run("replay", "--bogus", "x").returncode, 2)
        self.assertEqual(run("wind").returncode, 2)
        self.assertIn("usage:", run("replay", "--help").stdout)


class Reduction(unittest.TestCase):
    def test_a_planted_bug_is_found_and_made_small(self):
        clean, bad = set(), set()
        for line in run("replay", "--mode", "receive", *corpus()).stdout.splitlines():
            if line.startswith("passed"):
                clean.add(line.split()[1].rstrip(":"))
        name = ""
        for line in run("replay", "--mode", "receive", "--quiet", *corpus(), command=PLANTED).stdout.splitlines():
            name = line.split()[1].rstrip(":") if line.startswith("FAILED") else name
            if line.strip().startswith("reference:"):
                bad.add(name)
        found = sorted(os.path.join(CORPUS, name) for name in bad & clean)
        self.assertNotEqual(found, [], "no capture of the corpus notices the planted bug")
        with tempfile.TemporaryDirectory() as folder:
            small = os.path.join(folder, "small.pcap")
            result = run("replay", "--mode", "receive", "--reduce", small, found[0], command=PLANTED)
            count = re.search(r"reduced from (\d+) to (\d+) packets .*failing by reference", result.stdout)
            self.assertIsNotNone(count, result.stdout)
            self.assertLess(int(count.group(2)), 20)
            self.assertIn("reference:", run("replay", "--mode", "receive", small, command=PLANTED).stdout)
            self.assertNotIn("reference:", run("replay", "--mode", "receive", small).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
