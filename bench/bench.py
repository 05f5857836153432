#!/usr/bin/env python3
"""Measures Winlane beside the kernel's stack and the bare floor, in one run.

Usage: bench.py BUILD_DIR [rtt|stream|crr] [--json FILE] [--repeat N] [--quick]

Without a name all are measured. Each figure is the median of N runs (default 5), the kinds taken in turn, so that a
change of the machine's mood meets all of them. What each means: README.md.
"""
import argparse
import contextlib
import os
import re
import shutil
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
sys.dont_write_bytecode = True

import veth  # noqa: E402
from figures import commit, gbps, machine, median, record, table, us, write_json  # noqa: E402
from jobs import Failed, Jobs  # noqa: E402
from measures import Places, Runs  # noqa: E402

SKIPPED = 77
RTT_INI = os.path.join(HERE, os.pardir, "configs", "rtt-ring.ini")
PERCENTILES = ("p50_ns", "p99_ns", "p999_ns", "max_ns")


class Bench:
    def __init__(self, jobs, options):
        self.jobs = jobs
        self.options = options
        self.places = Places()
        self.folder = os.path.join(options.build, "bench")
        self.facts = {"commit": commit(HERE), "machine": machine()}
        self.records = []
        self.tables = []

    def say(self, text):
        print(f"  {text}", file=sys.stderr, flush=True)

    def middle(self, runs, key):
        return median([run[key] for run in runs if key in run])

    def add(self, **values):
        self.records.append(record(self.facts, **values))

    # Round trips over joined rings, the floor and the kernel's loopback.

    def rtt_addresses(self):
        """The first IPv4 address of each of the two ports of the configuration."""
        with open(RTT_INI, encoding="utf-8") as handle:
            text = handle.read()
        found = re.findall(r"^\s*address\s*=\s*([0-9.]+)/", text, re.M)
        if len(found) < 2:
            raise Failed(f"{RTT_INI}: two ports with an IPv4 address each are wanted")
        return text, found[0], found[1]

    def rtt_ini(self, text, counters):
        """The configuration, poll thread on its processor, counters where we read them."""
        settings = {"poll_cpu": self.places.poll, "counters_at_exit": "yes", "counters_file": counters}
        for key in settings:
            text = re.sub(rf"^[ \t]*{key}[ \t]*=.*\n", "", text, flags=re.M)
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        if not re.search(r"^\[engine\][ \t]*\n", text, re.M):
            raise Failed(f"{RTT_INI}: no [engine]")
        text = re.sub(r"^(\[engine\][ \t]*\n)", lambda found: found.group(1) + lines, text, count=1, flags=re.M)
        path = self.jobs.path("ini")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)
        return path

    def frames(self, path):
        """Frames received by all ports: the NIC counters of the run."""
        if not os.path.exists(path):
            raise Failed("the run left no counters, so nothing shows that frames crossed the wire")
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
        return sum(int(value) for value in re.findall(r"^nic\.[^ ]+\.rx_frames (\d+)$", text, re.M))

    def rtt_winlane(self, size, count, gap_us=0):
        text, a, b = self.rtt_addresses()
        counters = self.jobs.path("counters")
        warmup = max(count // 10, 10)
        words = [os.path.join(self.folder, "rtt"), "--a", a, "--b", f"{b}:7000", "--size", size, "--count", count,
                 "--warmup", warmup, "--mode", self.options.mode, "--gap-us", gap_us]
        values = self.jobs.run(words, seconds=120, cpus=[self.places.app],
                               env={"WINLANE_CONFIG": self.rtt_ini(text, counters)}).values()
        crossed = self.frames(counters)
        if crossed < 2 * (count + warmup):
            raise Failed(f"only {crossed} frames crossed in {count + warmup} round trips: the wire was not used")
        values["frames_per_trip"] = crossed / (count + warmup)
        return values

    def congestion(self):
        """The congestion control of the kernel's sockets: cubic if this process may choose it."""
        with socket.socket() as probe:
            try:
                probe.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
            except OSError:
                pass
            return probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()

    def rtt_kernel(self, size, count, gap_us=0):
        words = [os.path.join(self.folder, "rtt_kernel"), "--a", "127.0.0.1", "--b", "127.0.0.1:7000", "--size", size,
                 "--count", count, "--mode", self.options.mode, "--gap-us", gap_us]
        return self.jobs.run(words, seconds=120, cpus=[self.places.app],
                             env={"BENCH_KERNEL_CONGESTION": self.congestion()}).values()

    def rtt_floor(self, size, count):
        words = [os.path.join(self.folder, "floor_rtt"), "--size", size, "--count", count, "--poll-cpu",
                 self.places.poll]
        return self.jobs.run(words, seconds=120, cpus=[self.places.app]).values()

    def rtt(self):
        count = 20000 if self.options.quick else 200000
        size = self.options.size
        ours, kernel, floor = [], [], []
        for turn in range(self.options.repeat):
            floor.append(self.rtt_floor(size, count))
            ours.append(self.rtt_winlane(size, count))
            kernel.append(self.rtt_kernel(size, count))
            self.say(f"rtt {turn + 1}: floor {us(floor[-1]['p50_ns'])}, winlane {us(ours[-1]['p50_ns'])}, "
                     f"kernel {us(kernel[-1]['p50_ns'])} us")
        self.rtt_report("rtt_tcp", size, ours, kernel, floor)
        gap_count = 500 if self.options.quick else 3000
        gapped = [self.rtt_winlane(size, gap_count, 100) for _ in range(3)]
        gapped_kernel = [self.rtt_kernel(size, gap_count, 100) for _ in range(3)]
        self.rtt_report("rtt_tcp_after_100us_idle", size, gapped, gapped_kernel, None)

    def rtt_report(self, name, size, ours, kernel, floor):
        rows = []
        kinds = (("winlane, net_ring", ours), (f"kernel, loopback, {self.congestion()}", kernel),
                 ("floor, net_ring frames", floor))
        for label, runs in kinds:
            if runs:
                middle = [self.middle(runs, key) for key in PERCENTILES]
                rate = 1e9 / self.middle(runs, "mean_ns")
                rows.append((label, *map(us, middle), f"{rate:,.0f}"))
        p50, kernel_p50 = self.middle(ours, "p50_ns"), self.middle(kernel, "p50_ns")
        text = [f"p50 is {p50 / kernel_p50:.2f} of the kernel's",
                f"{min(run['frames_per_trip'] for run in ours):.2f} frames crossed a round trip (NIC counters)"]
        if floor:
            text.append(f"overhead over the floor {us(p50 - self.middle(floor, 'p50_ns'))} us")
        self.tables.append((f"{name}: RTT, {size} B, one thread, two sockets; us, median of {len(ours)} runs",
                            ("where", "p50", "p99", "p99.9", "max", "round trips/s"), rows, text))
        self.add(name=name, api="winsock", carrier="channel", wire="net_ring", size_bytes=size,
                 p50_ns=p50, p99_ns=self.middle(ours, "p99_ns"), p999_ns=self.middle(ours, "p999_ns"),
                 rate_per_s=1e9 / self.middle(ours, "mean_ns"),
                 floor_p50_ns=self.middle(floor, "p50_ns") if floor else None,
                 floor_rate_per_s=1e9 / self.middle(floor, "mean_ns") if floor else None,
                 kernel_p50_ns=kernel_p50, kernel_rate_per_s=1e9 / self.middle(kernel, "mean_ns"))

    # Over the demonstration's veth pair, against the kernel's stack.

    def stream(self, runs, wire):
        ms = 200 if self.options.quick else 1000
        for flow in ("out", "in"):
            ours, off, on = [], [], []
            for turn in range(self.options.repeat):
                ours.append(runs.stream("winlane", 4, flow, ms))
                with runs.kernel_wire("off"):
                    off.append(runs.stream("kernel", 4, flow, ms))
                with runs.kernel_wire("on"):
                    on.append(runs.stream("kernel", 4, flow, ms))
                self.say(f"stream {flow} {turn + 1}: winlane {gbps(ours[-1]['bits_per_s'])}, kernel offloads off "
                         f"{gbps(off[-1]['bits_per_s'])}, on {gbps(on[-1]['bits_per_s'])} Gbit/s")
            middle = [self.middle(kind, "bits_per_s") for kind in (ours, off, on)]
            name = f"stream_{flow}"
            rows = [("winlane, af_packet on veth", gbps(middle[0])),
                    ("kernel, veth, offloads off", gbps(middle[1])),
                    ("kernel, veth, offloads on", gbps(middle[2]))]
            self.tables.append((f"{name}: TCP, 64 KiB calls, kernel client, {wire.congestion} in the kernel; Gbit/s, "
                                f"median of {len(ours)} runs", ("where", "Gbit/s"), rows,
                                [f"{middle[0] / middle[1]:.2f} of the kernel's with offloads off"]))
            self.add(name=name, api="winsock", carrier="channel", wire="af_packet on veth, offloads off",
                     size_bytes=65536, bits_per_s=middle[0], kernel_bits_per_s=middle[1])
            self.add(name=name, api="winsock", carrier="channel",
                     wire="af_packet on veth, offloads off; the kernel's with offloads on", size_bytes=65536,
                     bits_per_s=middle[0], kernel_bits_per_s=middle[2])

    def crr(self, runs, wire):
        count = 500 if self.options.quick else 5000
        ours, off = [], []
        for turn in range(self.options.repeat):
            ours.append(runs.crr("winlane", 4, count))
            with runs.kernel_wire("off"):
                off.append(runs.crr("kernel", 4, count))
            self.say(f"crr {turn + 1}: winlane {us(ours[-1]['p50_ns'])}, kernel {us(off[-1]['p50_ns'])} us")
        rows = [(label, *(us(self.middle(kind, key)) for key in PERCENTILES),
                 f"{self.middle(kind, 'rate_per_s'):,.0f}")
                for label, kind in (("winlane server", ours), ("kernel server", off))]
        self.tables.append((f"crr: connect, 64 B request and response, reset; kernel client, veth, offloads off; us, median "
                            f"of {len(ours)} runs", ("where", "p50", "p99", "p99.9", "max", "connections/s"), rows,
                            [f"rate is {self.middle(ours, 'rate_per_s') / self.middle(off, 'rate_per_s'):.2f} of the "
                             f"kernel's"]))
        self.add(name="crr", api="winsock", carrier="channel", wire="af_packet on veth, offloads off", size_bytes=64,
                 p50_ns=self.middle(ours, "p50_ns"), p99_ns=self.middle(ours, "p99_ns"),
                 p999_ns=self.middle(ours, "p999_ns"), rate_per_s=self.middle(ours, "rate_per_s"),
                 kernel_p50_ns=self.middle(off, "p50_ns"), kernel_rate_per_s=self.middle(off, "rate_per_s"))

    def over_veth(self, names):
        if os.geteuid() != 0:
            self.say(f"{', '.join(names)}: left out: namespaces and packet sockets need root")
            return
        for tool in ("ip", "ethtool", "ss", "chrt"):
            if shutil.which(tool) is None:
                raise Failed(f"{tool} is missing; configs/deps.sh system installs it")
        with veth.Veth(self.jobs) as wire:
            runs = Runs(self.jobs, self.options.build, wire, self.places)
            if self.places.peer is None:
                self.say("two processors: Winlane's two threads have one each and the kernel's client shares, see README.md")
            for name in names:
                getattr(self, name)(runs, wire)


def options_read():
    parser = argparse.ArgumentParser(description="Winlane's benchmarks")
    parser.add_argument("build")
    parser.add_argument("name", nargs="?", choices=("rtt", "stream", "crr"))
    parser.add_argument("--json", help="write the records here")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each kind (default 5)")
    parser.add_argument("--size", type=int, default=64, help="bytes of the rtt message (60..1400; default 64)")
    parser.add_argument("--mode", choices=("block", "poll"), default="block", help="rtt: blocking or polled calls")
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    options = parser.parse_args()
    if options.repeat < 1 or not 60 <= options.size <= 1400:
        parser.error("--repeat is at least 1, --size is 60..1400")
    options.build = os.path.abspath(options.build)
    return options


def main():
    options = options_read()
    status = 0
    with contextlib.ExitStack() as stack:
        bench = Bench(stack.enter_context(Jobs("winlane-bench")), options)
        if bench.places.count < 2:
            print("bench: two processors are needed, one for the application and one for the poll thread; this process may "
                  "use one. Nothing was measured.", file=sys.stderr)
            return SKIPPED
        try:
            if options.name in (None, "rtt"):
                bench.rtt()
            names = [name for name in ("stream", "crr") if options.name in (None, name)]
            if names:
                bench.over_veth(names)
        except Failed as failed:
            print(f"bench: {failed}", file=sys.stderr)
            status = 1
    for title, headings, rows, remarks in bench.tables:
        print(f"\n{title}", *table(headings, rows), *remarks, sep="\n")
    print(f"\n{bench.facts['machine']}; commit {bench.facts['commit']}")
    if options.json:
        write_json(options.json, bench.records)
    return status if bench.records else status or 1


if __name__ == "__main__":
    sys.exit(main())
