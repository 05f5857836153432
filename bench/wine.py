#!/usr/bin/env python3
"""Measures a Windows program on our DLLs beside the same file on Wine's own ws2_32, in one run, under Wine.

Usage: wine.py BUILD_DIR [--json FILE] [--repeat N] [--quick]     BUILD_DIR: of the preset mingw

Each figure is the median of N runs (default 5), the kinds taken in turn. What each means: README.md.
"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
sys.dont_write_bytecode = True

from figures import commit, gbps, machine, median, record, table, us, write_json  # noqa: E402
from jobs import Failed, Jobs  # noqa: E402
from wine import SKIPPED, Skipped, Wine, counters, windows_path  # noqa: E402

INI = os.path.join(HERE, os.pardir, "configs", "wire-pair.ini")
# A and B of its two ports, one in each of two instances; and Wine's.
PLACES = {"winlane": ("10.88.0.1", "10.88.0.2"), "wine": ("127.0.0.1", "127.0.0.1")}
PERCENTILES = ("p50_ns", "p99_ns", "p999_ns", "max_ns")
SIZE = 64
FRAME_PAYLOAD = 1460


class Bench:
    def __init__(self, wine, options):
        self.wine = wine
        self.options = options
        self.facts = {"commit": commit(HERE), "machine": machine(), "api": "winsock", "carrier": "channel"}
        self.port = 7000
        self.records = []
        self.tables = []

    def run(self, kind, frames, name, *words):
        """One run; on our DLLs at least so many frames must have been received by the ports together."""
        ini = left = None
        if kind == "winlane":
            left = self.wine.jobs.path("counters")
            ini = self.wine.configure(INI, counters_at_exit="yes", counters_file=windows_path(left))
        values = self.wine.run(name, *words, ini=ini, seconds=120).values()
        if left is not None:
            crossed = sum(value for key, value in counters(left).items() if key.startswith("nic.") and key.endswith(".rx_frames"))
            if crossed < frames(values):
                raise Failed(f"only {crossed} frames crossed: the wire was not used")
        return values

    def rtt_run(self, kind, count):
        self.port += 1
        a, b = PLACES[kind]
        return self.run(kind, lambda values: 2 * values["count"], "rtt", "--a", a, "--b", f"{b}:{self.port}", "--size", SIZE,
                        "--count", count, "--warmup", count // 10)

    def stream_run(self, kind, ms):
        self.port += 1
        a, b = PLACES[kind]
        at = ("--at", f"{b}:{self.port}")
        return self.run(kind, lambda values: values["bytes"] / FRAME_PAYLOAD, "pair", "stream", "--role", "server", "--flow",
                        "recv", *at, "--", "stream", "--role", "client", "--flow", "send", "--from", a, "--ms", ms, *at)

    def both(self, what, run, show):
        found = {kind: [] for kind in PLACES}
        for turn in range(self.options.repeat):
            for kind, runs in found.items():
                runs.append(run(kind))
            print(f"  {what} {turn + 1}: winlane {show(found['winlane'][-1])}, wine {show(found['wine'][-1])}",
                  file=sys.stderr, flush=True)
        return found

    @staticmethod
    def middle(runs, key):
        return median([run[key] for run in runs if key in run])

    def rtt(self):
        count = {"winlane": 2000 if self.options.quick else 20000, "wine": 500 if self.options.quick else 3000}
        found = self.both("rtt", lambda kind: self.rtt_run(kind, count[kind]), lambda run: us(run["p50_ns"]) + " us")
        rows = [(label, *(us(self.middle(found[kind], key)) for key in PERCENTILES),
                 f"{1e9 / self.middle(found[kind], 'mean_ns'):,.0f}")
                for kind, label in (("winlane", "our DLLs, wire"), ("wine", "Wine's ws2_32, loopback"))]
        ours, theirs = self.middle(found["winlane"], "p50_ns"), self.middle(found["wine"], "p50_ns")
        self.tables.append((f"wine_rtt_tcp: RTT, {SIZE} B, one thread, two sockets; us, median of {self.options.repeat} runs",
                            ("where", "p50", "p99", "p99.9", "max", "round trips/s"), rows,
                            [f"p50 is {ours / theirs:.3f} of Wine's"]))
        self.records.append(record(
            self.facts, name="wine_rtt_tcp", wire="wire; kernel: Wine's ws2_32 on loopback", size_bytes=SIZE, p50_ns=ours,
            p99_ns=self.middle(found["winlane"], "p99_ns"), p999_ns=self.middle(found["winlane"], "p999_ns"),
            rate_per_s=1e9 / self.middle(found["winlane"], "mean_ns"), kernel_p50_ns=theirs,
            kernel_rate_per_s=1e9 / self.middle(found["wine"], "mean_ns")))

    def stream(self):
        ms = 200 if self.options.quick else 1000
        found = self.both("stream", lambda kind: self.stream_run(kind, ms), lambda run: gbps(run["bits_per_s"]) + " Gbit/s")
        ours, theirs = self.middle(found["winlane"], "bits_per_s"), self.middle(found["wine"], "bits_per_s")
        self.tables.append((f"wine_stream: TCP, 64 KiB calls, both ends in one process; Gbit/s, median of {self.options.repeat} "
                            "runs", ("where", "Gbit/s"),
                            [("our DLLs, wire", gbps(ours)), ("Wine's ws2_32, loopback", gbps(theirs))],
                            [f"{ours / theirs:.2f} of Wine's"]))
        self.records.append(record(self.facts, name="wine_stream", wire="wire; kernel: Wine's ws2_32 on loopback",
                                   size_bytes=65536, bits_per_s=ours, kernel_bits_per_s=theirs))


def main():
    parser = argparse.ArgumentParser(description="Winlane's benchmarks under Wine")
    parser.add_argument("build")
    parser.add_argument("--json", help="write the records here")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each kind (default 5)")
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    options = parser.parse_args()
    if options.repeat < 1:
        parser.error("--repeat is at least 1")
    try:
        with Jobs("winlane-bench") as jobs, Wine(jobs, os.path.abspath(options.build)) as wine:
            bench = Bench(wine, options)
            bench.rtt()
            bench.stream()
    except (Failed, Skipped) as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return SKIPPED if isinstance(failed, Skipped) else 1
    for title, headings, rows, remarks in bench.tables:
        print(f"\n{title}", *table(headings, rows), *remarks, sep="\n")
    print(f"\n{bench.facts['machine']}; commit {bench.facts['commit']}")
    if options.json:
        write_json(options.json, bench.records)
    return 0


if __name__ == "__main__":
    sys.exit(main())
