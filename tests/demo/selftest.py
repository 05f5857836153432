#!/usr/bin/env python3
"""The demonstration's own judgement: each test plants a fault that must be found."""
import os
import shutil
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in (("bench", "lib"), ("bench", "demo")):
    sys.path.insert(0, os.path.join(HERE, os.pardir, os.pardir, *folder))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import captures  # noqa: E402
import figures  # noqa: E402
import records_check  # noqa: E402
from jobs import Failed, Hasher, Jobs, file_digest, random_file  # noqa: E402


def internet_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(protocol, fault=0):
    """An Ethernet frame with TCP (6) or UDP (17) inside; fault is added to its checksum."""
    text = b"abcd"
    source, target = b"\x0a\0\0\1", b"\x0a\0\0\2"
    if protocol == 6:
        segment, place = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x50, 0x10, 100, 0, 0) + text, 16
    else:
        segment, place = struct.pack("!HHHH", 1, 2, 8 + len(text), 0) + text, 6
    pseudo = source + target + struct.pack("!BBH", 0, protocol, len(segment))
    check = struct.pack("!H", internet_sum(pseudo + segment) ^ fault)
    segment = segment[:place] + check + segment[place + 2:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, protocol, 0) + source + target
    head = head[:10] + struct.pack("!H", internet_sum(head)) + head[12:]
    return b"\2" * 12 + b"\x08\0" + head + segment


def capture_write(path, frames):
    with open(path, "wb") as handle:
        handle.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for frame in frames:
            handle.write(struct.pack("<IIII", 1, 1, len(frame), len(frame)) + frame)


class SelfTest(unittest.TestCase):
    def setUp(self):
        self.jobs = Jobs("winlane-selftest")
        self.jobs.__enter__()
        self.addCleanup(self.jobs.__exit__)

    @unittest.skipUnless(shutil.which("tcpdump"), "tcpdump is missing")
    def test_capture__right_checksums__counted(self):
        path = self.jobs.path("pcap")
        capture_write(path, [packet(6), packet(17)])
        self.assertEqual(captures.verify(self.jobs, path), (2, 2))

    @unittest.skipUnless(shutil.which("tcpdump"), "tcpdump is missing")
    def test_capture__one_wrong_checksum__found(self):
        for protocol in (6, 17):
            path = self.jobs.path("pcap")
            capture_write(path, [packet(6), packet(17), packet(protocol, fault=1)])
            with self.assertRaisesRegex(Failed, "1 bad checksums"):
                captures.verify(self.jobs, path)

    @unittest.skipUnless(shutil.which("tcpdump"), "tcpdump is missing")
    def test_capture__no_udp_in_it__found(self):
        path = self.jobs.path("pcap")
        capture_write(path, [packet(6)])
        with self.assertRaisesRegex(Failed, "UDP"):
            captures.verify(self.jobs, path)

    def test_captures__joined__all_frames_once(self):
        parts = [self.jobs.path("pcap") for _ in range(2)]
        whole = self.jobs.path("pcap")
        for part in parts:
            capture_write(part, [packet(6)])
        captures.join(parts, whole)
        self.assertEqual(os.path.getsize(whole), 2 * os.path.getsize(parts[0]) - captures.HEADER_BYTES)

    def test_job__wrong_exit_status__failed_with_its_words(self):
        with self.assertRaisesRegex(Failed, "ended with 3: because"):
            self.jobs.run(["sh", "-c", "echo because >&2; exit 3"])

    def test_job__hangs__ended_with_its_children(self):
        start = time.monotonic()
        job = self.jobs.start(["sh", "-c", "sleep 60 & echo $!; wait"])
        with self.assertRaisesRegex(Failed, "did not end"):
            job.wait(0.5)
        self.assertLess(time.monotonic() - start, 10)
        child = int(job.out())
        deadline = time.monotonic() + 5
        while os.path.exists(f"/proc/{child}/exe") and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(os.path.exists(f"/proc/{child}/exe"))

    def test_job__ends_before_ready__failed(self):
        with self.assertRaisesRegex(Failed, "before it was ready"):
            self.jobs.start(["sh", "-c", "exit 0"]).wait_ready()

    def test_digest__one_bit_changed__differs(self):
        path = self.jobs.path("data")
        digest = random_file(path, 100000)
        self.assertEqual(file_digest(path), digest)
        hasher = Hasher(self.jobs)
        self.jobs.run(["cat", path], stdout=hasher.stdin)
        self.assertEqual(hasher.digest(), digest)
        with open(path, "r+b") as handle:
            handle.seek(5000)
            byte = handle.read(1)[0]
            handle.seek(5000)
            handle.write(bytes([byte ^ 1]))
        self.assertNotEqual(file_digest(path), digest)

    def test_record__unknown_key__refused(self):
        with self.assertRaises(ValueError):
            figures.record({}, name="x", p51_ns=1)
        self.assertEqual(figures.record({"commit": "c"}, name="x", p50_ns=1.6, p99_ns=None),
                         {"name": "x", "p50_ns": 2, "commit": "c"})

    def test_records_check__missing_and_unknown__found(self):
        facts = {key: "x" for key in records_check.TEXTS}
        good = [{**facts, "name": name, "api": api, **{key: 1 for key in keys}}
                for name, keys in records_check.BENCH.items()
                for api in sorted(records_check.APIS.get(name, {"winsock"}))]
        self.assertEqual(list(records_check.faults(good, records_check.BENCH)), [])
        self.assertEqual(len(list(records_check.faults(good[1:], records_check.BENCH))), 1)
        del good[0]["floor_p50_ns"]
        good[1]["bits"] = 1
        good[2]["bits_per_s"] = 0
        self.assertEqual(len(list(records_check.faults(good, records_check.BENCH))), 3)


if __name__ == "__main__":
    unittest.main()
