#!/usr/bin/env python3
"""Measures Winlane beside the kernel's stack and the bare floor, in one run.

Usage: bench.py BUILD_DIR [rtt|udp|rio-cost|stream|crr] [--json FILE] [--repeat N] [--quick] [--api winsock|rio]

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
WIRE_INI = os.path.join(HERE, os.pardir, "configs", "wire-pair.ini")
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

    def rtt_addresses(self, path=RTT_INI):
        """The first IPv4 address of each of the two ports of the configuration."""
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
        found = re.findall(r"^\s*address\s*=\s*([0-9.]+)/", text, re.M)
        if len(found) < 2:
            raise Failed(f"{path}: two ports with an IPv4 address each are wanted")
        return text, found[0], found[1]

    def ring_run(self, name, words, frames_least):
        """A program over the joined rings, on its processor; its frames must have crossed."""
        text, _, _ = self.rtt_addresses()
        counters = self.jobs.path("counters")
        values = self.jobs.run([os.path.join(self.folder, name), *words], seconds=120, cpus=[self.places.app],
                               env={"WINLANE_CONFIG": self.rtt_ini(text, counters)}).values()
        crossed = self.frames(counters)
        if crossed < frames_least:
            raise Failed(f"{name}: only {crossed} frames crossed instead of {frames_least}: the wire was not used")
        values["frames"] = crossed
        return values

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

    def rtt_winlane(self, size, count, gap_us=0, api="winsock"):
        _, a, b = self.rtt_addresses()
        warmup = max(count // 10, 10)
        words = ["--a", a, "--b", f"{b}:7000", "--size", size, "--count", count, "--warmup", warmup, "--mode",
                 self.options.mode, "--gap-us", gap_us, "--api", api]
        values = self.ring_run("rtt", words, 2 * (count + warmup))
        values["frames_per_trip"] = values["frames"] / (count + warmup)
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
        apis = ("winsock", "rio") if self.options.api is None else (self.options.api,)
        ours, kernel, floor = {api: [] for api in apis}, [], []
        for turn in range(self.options.repeat):
            floor.append(self.rtt_floor(size, count))
            for api in apis:
                ours[api].append(self.rtt_winlane(size, count, api=api))
            kernel.append(self.rtt_kernel(size, count))
            told = ", ".join(f"{api} {us(runs[-1]['p50_ns'])}" for api, runs in ours.items())
            self.say(f"rtt {turn + 1}: floor {us(floor[-1]['p50_ns'])}, {told}, kernel {us(kernel[-1]['p50_ns'])} us")
        for api, runs in ours.items():
            self.rtt_report("rtt_tcp", size, runs, kernel, floor, api)
        gap_count = 500 if self.options.quick else 3000
        for api in apis:
            gapped = [self.rtt_winlane(size, gap_count, 100, api) for _ in range(3)]
            gapped_kernel = [self.rtt_kernel(size, gap_count, 100) for _ in range(3)]
            self.rtt_report("rtt_tcp_after_100us_idle", size, gapped, gapped_kernel, None, api)

    def rtt_report(self, name, size, ours, kernel, floor, api):
        rows = []
        kinds = ((f"winlane, {api}, net_ring", ours), (f"kernel, loopback, {self.congestion()}", kernel),
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
        self.tables.append((f"{name}: {api}, RTT, {size} B, one thread, two sockets; us, median of {len(ours)} runs",
                            ("where", "p50", "p99", "p99.9", "max", "round trips/s"), rows, text))
        self.add(name=name, api=api, carrier="channel", wire="net_ring", size_bytes=size,
                 p50_ns=p50, p99_ns=self.middle(ours, "p99_ns"), p999_ns=self.middle(ours, "p999_ns"),
                 rate_per_s=1e9 / self.middle(ours, "mean_ns"),
                 floor_p50_ns=self.middle(floor, "p50_ns") if floor else None,
                 floor_rate_per_s=1e9 / self.middle(floor, "mean_ns") if floor else None,
                 kernel_p50_ns=kernel_p50, kernel_rate_per_s=1e9 / self.middle(kernel, "mean_ns"))

    # Datagrams over the joined rings: which calls send them, which receive them.

    def udp_winlane(self, count, send, receive):
        _, a, b = self.rtt_addresses()
        return self.ring_run("udp_rate", ["--a", f"{a}:7001", "--b", f"{b}:7002", "--send", send, "--receive", receive,
                                          "--size", self.options.size, "--count", count], count)

    def udp_kernel(self, count):
        return self.jobs.run([os.path.join(self.folder, "udp_rate_kernel"), "--a", "127.0.0.1:7001", "--b",
                              "127.0.0.1:7002", "--size", self.options.size, "--count", count], seconds=120,
                             cpus=[self.places.app]).values()

    def udp_floor(self, count):
        return self.jobs.run([os.path.join(self.folder, "floor_udp"), "--size", self.options.size, "--count", count,
                              "--poll-cpu", self.places.poll], seconds=120, cpus=[self.places.app]).values()

    def udp(self):
        count = 100000 if self.options.quick else 1000000
        kinds = {("udp", "rio"): ("rio", "rio"), ("udp", "blocking"): ("blocking", "blocking"),
                 ("udp", "port"): ("port", "port"), ("udp_send", "blocking"): ("blocking", "rio"),
                 ("udp_send", "port"): ("port", "rio"), ("udp_receive", "blocking"): ("rio", "blocking"),
                 ("udp_receive", "port"): ("rio", "port")}
        runs, kernel, floor = {kind: [] for kind in kinds}, [], []
        for turn in range(self.options.repeat):
            floor.append(self.udp_floor(count))
            kernel.append(self.udp_kernel(count // 4))
            for kind, (send, receive) in kinds.items():
                runs[kind].append(self.udp_winlane(count if "port" not in kind else count // 4, send, receive))
            self.say(f"udp {turn + 1}: floor {floor[-1]['rate_per_s'] / 1e6:.2f}, " +
                     ", ".join(f"{api} {runs['udp', api][-1]['rate_per_s'] / 1e6:.2f}" for api in ("rio", "port", "blocking")) +
                     f", kernel {kernel[-1]['rate_per_s'] / 1e6:.2f} M/s")
        self.udp_report(runs, kernel, floor)

    def udp_report(self, runs, kernel, floor):
        labels = {"udp": "{0} to {0}", "udp_send": "{0} to rio", "udp_receive": "rio to {0}"}

        def row(label, kind):
            return (label, f"{self.middle(kind, 'rate_per_s'):,.0f}", f"{self.middle(kind, 'mean_rate_per_s'):,.0f}")
        rows = [row("winlane, " + labels[name].format(api), kind) for (name, api), kind in runs.items()]
        rows += [row("kernel, loopback, blocking to blocking", kernel), row("floor, net_ring frames", floor)]
        rio, blocking = (self.middle(runs["udp", api], "rate_per_s") for api in ("rio", "blocking"))
        self.tables.append((f"udp: datagrams of {self.options.size} B a second, through both stacks; median of "
                            f"{len(kernel)} runs", ("from and to", "rate", "mean rate"), rows,
                            [f"rio has {rio / blocking:.2f} of the blocking calls' rate"]))
        for (name, api), kind in runs.items():
            self.add(name=name, api=api, carrier="channel", wire="net_ring", size_bytes=self.options.size,
                     rate_per_s=self.middle(kind, "rate_per_s"), floor_rate_per_s=self.middle(floor, "rate_per_s"),
                     kernel_rate_per_s=self.middle(kernel, "rate_per_s"))

    # Instructions of the application's thread, counted by callgrind; over the wire in memory, which needs no time.

    def cost_run(self, api, count):
        _, a, b = self.rtt_addresses(WIRE_INI)
        out = self.jobs.path("callgrind")
        words = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=udp_send_batch",
                 "--toggle-collect=udp_receive_batch", f"--callgrind-out-file={out}", os.path.join(self.folder, "udp_rate"),
                 "--a", f"{a}:7001", "--b", f"{b}:7002", "--send", api, "--receive", api, "--size", self.options.size,
                 "--count", count, "--nap-ms", 20]
        self.jobs.run(words, seconds=240, env={"WINLANE_CONFIG": WIRE_INI})
        with open(out, encoding="utf-8") as handle:
            found = re.search(r"^(?:summary|totals): (\d+)", handle.read(), re.M)
        if not found or int(found.group(1)) == 0:
            raise Failed("callgrind counted nothing")
        return int(found.group(1)) / count

    def rio_cost(self):
        if shutil.which("valgrind") is None:
            raise Failed("valgrind is missing")
        count = 640 if self.options.quick else 3200
        costs = {api: self.cost_run(api, count) for api in ("rio", "blocking")}
        self.tables.append((f"rio-cost: instructions of the application's thread for a datagram of {self.options.size} B that "
                            "it sends and one that it receives", ("calls", "instructions"),
                            [(api, f"{cost:,.0f}") for api, cost in costs.items()],
                            [f"rio takes {costs['rio'] / costs['blocking']:.2f} of the blocking calls' instructions"]))
        for api, cost in costs.items():
            self.add(name="udp_instructions", api=api, carrier="channel", wire="memory", size_bytes=self.options.size,
                     instructions=cost)

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
    parser.add_argument("name", nargs="?", choices=("rtt", "udp", "rio-cost", "stream", "crr"))
    parser.add_argument("--json", help="write the records here")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each kind (default 5)")
    parser.add_argument("--size", type=int, default=64, help="bytes of the rtt message or the datagram (60..1400; default 64)")
    parser.add_argument("--api", choices=("winsock", "rio"), help="rtt: only these calls (default: both)")
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
            if options.name in (None, "udp"):
                bench.udp()
            if options.name == "rio-cost" or (options.name is None and shutil.which("valgrind") is not None):
                bench.rio_cost()
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
