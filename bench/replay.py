#!/usr/bin/env python3
"""Measures replay: captures played to the stack in receive-only mode, beside the floor, which only reads them.

Usage: replay.py BUILD_DIR [--json FILE] [--repeat N] [--quick]     BUILD_DIR: of the preset release

Each figure is the median of N runs (default 5), the kinds taken in turn. What each means: README.md.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
sys.dont_write_bytecode = True

from figures import commit, gbps, machine, median, record, table, us, write_json  # noqa: E402

SIZES = {  # name: (packets, conversations, payload bytes), --quick's packets
    "replay_receive": ((4000000, 64, 64), 400000),
    "replay_receive_1gb": ((1030000, 500, 1448), 100000),
}
SHARE = 50  # of the large capture, for what memory does with its length


class Failed(Exception):
    pass


def words(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
    return {key: int(value) for key, value in (word.split("=") for word in done.stdout.split())}


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.programs = os.path.join(os.path.abspath(options.build), "bench")
        self.facts = {"commit": commit(HERE), "machine": machine(), "api": "stack", "carrier": "stepped"}
        self.records = []
        self.rows = []
        self.remarks = []

    def capture(self, packets, conversations, payload):
        path = os.path.join(self.folder, "capture.pcap")
        free = shutil.disk_usage(self.folder).free
        if free < packets * (payload + 82) * 1.1:
            raise Failed(f"{self.folder} has only {free >> 20} MiB free")
        subprocess.run([os.path.join(self.programs, "make_capture"), path, str(packets), str(conversations), str(payload)],
                       check=True)
        return path

    def play(self, path, *more):
        found = words([os.path.join(self.programs, "receive_speed"), path, *more])
        if found["incomplete"] != 0:
            raise Failed(f"{found['incomplete']} conversations were not complete")
        return found

    def measure(self, name):
        (packets, conversations, payload), quick = SIZES[name]
        packets = quick if self.options.quick else packets
        path = self.capture(packets, conversations, payload)
        size = os.path.getsize(path)
        runs, digests, floors = [], [], []
        for turn in range(self.options.repeat):
            floors.append(self.play(path, "--read"))
            digests.append(self.play(path, "--sha256"))
            runs.append(self.play(path))
            print(f"  {name} {turn + 1}: {runs[-1]['packets'] * 1e9 / runs[-1]['ns']:,.0f} packets/s", file=sys.stderr, flush=True)
        if any(run["packets"] != packets for run in runs + digests):
            raise Failed("packets are missing")
        rate, floor, sha256 = (median([run["packets"] * 1e9 / run["ns"] for run in some]) for some in (runs, floors, digests))
        cpu = median([run["packets"] * 1e9 / run["cpu_ns"] for run in runs])
        bits = median([run["bytes"] * 8e9 / run["ns"] for run in runs])
        peak = max(run["peak_bytes"] for run in runs)
        small = self.play(self.capture(packets // SHARE, conversations, payload))["peak_bytes"]
        os.remove(path)
        self.rows.append((name, f"{packets:,} x {payload} B, {size / 1e6:,.0f} MB", f"{rate:,.0f}", f"{cpu:,.0f}", f"{sha256:,.0f}",
                          f"{floor:,.0f}", gbps(bits), f"{peak / 2**20:.0f}", f"{small / 2**20:.0f}"))
        self.records.append(record(self.facts, name=name, wire="capture file in the page cache; floor: the file only read",
                                   size_bytes=payload, rate_per_s=rate, bits_per_s=bits, floor_rate_per_s=floor,
                                   cpu_rate_per_s=cpu, sha256_rate_per_s=sha256, capture_bytes=size, peak_bytes=peak, peak_of_a_50th_bytes=small))

    def pacing(self):
        """Multicast as recorded, in real time: how late are the frames?"""
        command = os.path.join(os.path.abspath(self.options.build), "stack", "replay", "program", "winlane_command")
        path = os.path.join(HERE, "..", "tests", "replay", "corpus", "c_multicast.pcap")
        loops = 5 if self.options.quick else 50
        sets = []
        for word in ("clock=real", "start=50ms", "linger=10ms", f"loops={loops}"):
            sets += ["--set", word]
        runs = []
        for _ in range(self.options.repeat):
            done = subprocess.run([command, "replay", "--mode", "recorded", "--actor", "sink", *sets, path],
                                  capture_output=True, text=True, check=False)
            found = re.search(r"pacing error: p50 ([0-9.]+) us, p99 ([0-9.]+) us", done.stdout)
            if done.returncode != 0 or found is None:
                raise Failed(f"{command}: {done.stdout}{done.stderr}".strip())
            runs.append([float(found.group(1)) * 1000, float(found.group(2)) * 1000])
        p50, p99 = median([run[0] for run in runs]), median([run[1] for run in runs])
        self.remarks.append(f"replay_pacing: multicast as recorded, a frame a millisecond, {80 * loops} frames: "
                            f"late by p50 {us(p50)} us, p99 {us(p99)} us")
        self.records.append(record(self.facts, name="replay_pacing", wire="frames of a capture at their recorded times",
                                   p50_ns=p50, p99_ns=p99))


def main():
    parser = argparse.ArgumentParser(description="Winlane's replay benchmarks")
    parser.add_argument("build")
    parser.add_argument("--json", help="write the records here")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each kind (default 5)")
    parser.add_argument("--quick", action="store_true", help="smaller captures")
    options = parser.parse_args()
    if options.repeat < 1:
        parser.error("--repeat is at least 1")
    try:
        with tempfile.TemporaryDirectory(prefix="winlane-replay-") as folder:
            bench = Bench(options, folder)
            for name in SIZES:
                bench.measure(name)
            bench.pacing()
    except (Failed, subprocess.CalledProcessError, OSError) as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    print(f"\nreceive-only replay, one thread; median of {options.repeat} runs",
          *table(("name", "capture", "packets/s", "of CPU time", "with SHA-256", "floor", "Gbit/s of data", "peak MiB", "of a 50th"), bench.rows), sep="\n")
    print(*bench.remarks, sep="\n")
    print(f"\n{bench.facts['machine']}; commit {bench.facts['commit']}")
    if options.json:
        write_json(options.json, bench.records)
    return 0


if __name__ == "__main__":
    sys.exit(main())
