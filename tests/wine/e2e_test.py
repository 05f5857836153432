#!/usr/bin/env python3
"""Plain Winsock programs (PE) over our two DLLs under Wine.

Usage: e2e_test.py SCENARIO BUILD_DIR    SCENARIO: wire, net_ring, net_pcap, programs, net_programs, exit, idle

Every step verifies what it did. Exit status 77: not possible here, with the reason.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, os.pardir, "bench", "lib")]
sys.dont_write_bytecode = True

import e2e_net  # noqa: E402
from e2e_net import WHOLE, say  # noqa: E402
from jobs import Failed, Jobs, file_digest, random_file  # noqa: E402
import veth  # noqa: E402
from wine import ROOT, SKIPPED, Skipped, Wine, counters, windows_path  # noqa: E402

CONFIGS = os.path.join(ROOT, "configs")
# The client's and the server's address of each sample: one port in each of two instances.
WIRE = ("wire-pair.ini", {4: ("10.88.0.1", "10.88.0.2"), 6: ("fd88::1", "fd88::2")})
RING = ("ring-pair.ini", {4: ("10.89.0.1", "10.89.0.2"), 6: ("fd89::1", "fd89::2")})
# As on Linux: round sizes, the edges of frames and of fragments, and the largest.
UDP_SIZES = (0, 1, 17, 512, 1451, 1452, 1453, 1471, 1472, 1473, 2944, 8192, 32768, 65487)


class Pairs:
    """Two programs in one process, pair.exe: on our DLLs over a link that ends in the same process, or on Wine's ws2_32."""

    def __init__(self, wine, sample=None):
        self.wine = wine
        self.sample = sample
        self.port = 7000
        self.counters = {}

    def run(self, server, client, family=4, seconds=60):
        self.port += 1
        mine, theirs = self.sample[1][family] if self.sample else (None, "127.0.0.1" if family == 4 else "::1")
        at = ("--at", veth.at(theirs, self.port))
        ini = left = None
        if self.sample:
            left = self.wine.jobs.path("counters")
            ini = self.wine.configure(os.path.join(CONFIGS, self.sample[0]), counters_at_exit="yes",
                                      counters_file=windows_path(left))
        words = [*server, *at, "--", *client, *at, *(("--from", mine) if mine else ())]
        done = self.wine.run("pair", *words, ini=ini, seconds=seconds)
        self.counters = counters(left) if left else {}
        return done.values()

    def transfer(self, family, data, digest):
        """Both ways at once; on our DLLs the payload must have crossed the ports."""
        got = [self.wine.jobs.path("got") for _ in range(2)]
        self.run(("xfer", "--role", "server", "--in", windows_path(data), "--out", windows_path(got[0])),
                 ("xfer", "--role", "client", "--in", windows_path(data), "--out", windows_path(got[1])), family)
        for path in got:
            if file_digest(path) != digest:
                raise Failed("SHA-256 differs")
            os.unlink(path)
        size = os.path.getsize(data)
        if self.sample and sum(self.ports("rx_bytes")) < 2 * size:
            raise Failed(f"only {self.ports('rx_bytes')} bytes crossed the ports")
        return f"IPv{family}: {size} bytes each way at once, SHA-256 equal at both ends"

    def ports(self, counter):
        return [value for name, value in self.counters.items() if name.startswith("nic.") and name.endswith("." + counter)]


def transfers(jobs, build, sample, what):
    data = jobs.path("data")
    digest = random_file(data, WHOLE)
    with Wine(jobs, build) as wine:
        say(f"Wine's ws2_32, loopback: {Pairs(wine).transfer(4, data, digest)}")
        for family in (4, 6):
            say(f"{what}: {Pairs(wine, sample).transfer(family, data, digest)}")


def wire(jobs, build):
    transfers(jobs, build, WIRE, "our DLLs, wire")
    # Losses, so that the clock and the timers are needed.
    with open(os.path.join(CONFIGS, WIRE[0]), encoding="utf-8") as handle:
        text = handle.read()
    faults = "wire.loss = 0.5%\nwire.delay = 200us\nwire.jitter = 100us\nwire.reorder = 1%\nwire.duplicate = 1%\n"
    ini, data = jobs.path("ini"), jobs.path("data")
    with open(ini, "w", encoding="utf-8") as handle:
        handle.write(text.replace("wire.link = pair\n", "wire.link = pair\n" + faults))
    digest = random_file(data, WHOLE // 8)
    with Wine(jobs, build) as wine:
        pairs = Pairs(wine, (ini, WIRE[1]))
        said = pairs.transfer(4, data, digest)
        if sum(pairs.ports("rx_frames")) == sum(pairs.ports("tx_frames")):
            raise Failed("the link had no faults")
        say(f"our DLLs, wire with losses, delays, duplicates: {said}")


def net_ring(jobs, build):
    transfers(jobs, build, RING, "our DLLs, DPDK net_ring")


def pair_programs(jobs, pairs, what, families):
    """The programs of the demonstration, in pairs."""
    data, got = jobs.path("data"), jobs.path("got")
    digest = random_file(data, 1 << 20)
    for family in families:
        pairs.run(("http_server", "--path", "/file", "--file", windows_path(data)),
                  ("http_client", "--path", "/file", "--out", windows_path(got)), family)
        if file_digest(got) != digest:
            raise Failed("HTTP: SHA-256 differs")
        say(f"{what}, IPv{family}: HTTP client and server, {os.path.getsize(got)} bytes, SHA-256 equal")
        values = pairs.run(("udp_echo", "--role", "server", "--count", len(UDP_SIZES)),
                           ("udp_echo", "--role", "client", "--sizes", ",".join(map(str, UDP_SIZES))), family)
        if values.get("echoed") != len(UDP_SIZES):
            raise Failed(f"UDP: {values.get('echoed')} echoes")
        say(f"{what}, IPv{family}: UDP echo, {len(UDP_SIZES)} sizes to {UDP_SIZES[-1]}, every byte")
        if family == 4:
            pairs.run(("pingpong", "--role", "server", "--wait", "block"),
                      ("pingpong", "--role", "client", "--wait", "block", "--count", 500, "--warmup", 10))
            pairs.run(("stream", "--role", "server", "--flow", "recv"),
                      ("stream", "--role", "client", "--flow", "send", "--ms", 100))
            say(f"{what}: round trips, the last echo compared; a stream")


def programs(jobs, build):
    with Wine(jobs, build) as wine:
        pair_programs(jobs, Pairs(wine), "Wine's ws2_32", (4,))
        pairs = Pairs(wine, WIRE)
        pair_programs(jobs, pairs, "our DLLs, wire", (4, 6))
        # Wine's own ws2_32 ends a connection that was closed with linger 0 by FIN, so this has no reference.
        pairs.run(("crr", "--role", "server", "--count", 220, "--wait", "block"),
                  ("crr", "--role", "client", "--count", 200, "--warmup", 20, "--wait", "block"))
        say("our DLLs, wire: 220 connections one after the other, each reset by its client")
        ini = wine.configure(os.path.join(CONFIGS, WIRE[0]), connect_timeout="2s")
        for kind, where, targets in (
                ("Wine's ws2_32", None, ("127.0.0.1:9=WSAECONNREFUSED",)),
                ("our DLLs", ini, ("127.0.0.1:9=WSAECONNREFUSED", "10.88.0.2:9=WSAECONNREFUSED",
                                   "[fd88::2]:9=WSAECONNREFUSED", "203.0.113.1:80=WSAENETUNREACH",
                                   "[2001:db8::1]:80=WSAENETUNREACH", "10.88.0.77:80=WSAETIMEDOUT|WSAEHOSTUNREACH"))):
            wine.run("connect_status", *targets, ini=where)
            say(f"{kind}: failing connects, blocking and nonblocking: {', '.join(targets)}")


def exits(jobs, build):
    """Without root: the status of the program, and that it ends."""
    with Wine(jobs, build) as wine:
        for sample in (WIRE, RING):
            ini = wine.configure(os.path.join(CONFIGS, sample[0]))
            runs = [(how, 100) for how in ("return", "exit", "recv", "select", "overlapped", "terminate")]
            # The threads of the stack are ended wherever they are just then, so once is not enough.
            runs += [("flow", settle_ms) for settle_ms in range(0, 50, 5)]
            for how, settle_ms in runs:
                for _ in range(3):
                    done = wine.run("e2e_exit", "--at", veth.at(sample[1][4][1], 7100), "--self", 1, "--how", how,
                                    "--settle-ms", settle_ms, ini=ini, seconds=15, check=False)
                    # Wine's own: a thread that is ended while it talks with the wineserver may end the process with 1.
                    if done.process.returncode != 1 or "wine client error" not in done.tail():
                        break
                    say(f"{sample[0]}, {how}: once more, Wine ended the process: {done.tail()}")
                if done.process.returncode != 7 or "ending" not in done.out():
                    raise Failed(f"{sample[0]}, {how}: status {done.process.returncode}: {done.tail()}")
            say(f"{sample[0]}: seven ways to end without cleanup, {len(runs)} runs, status 7 each, none hangs")


def idle(jobs, build):
    """With default settings: the processor time of a program that waits is well below one processor's."""
    with Wine(jobs, build) as wine:
        for sample in (WIRE, RING):
            left = jobs.path("counters")
            ini = wine.configure(os.path.join(CONFIGS, sample[0]), counters_at_exit="yes", counters_file=windows_path(left))
            mine, theirs = sample[1][4]
            values = wine.run("e2e_idle", "--at", veth.at(theirs, 7000), "--from", mine, ini=ini).values()
            sleeps = sum(value for name, value in counters(left).items() if name.endswith(".sleeps"))
            if values["cpu_us"] * 4 > values["wall_us"]:
                raise Failed(f"{sample[0]}: {values['cpu_us']:.0f} us of processor time in {values['wall_us']:.0f} us")
            if sleeps == 0:
                raise Failed(f"{sample[0]}: the poll thread never slept")
            say(f"{sample[0]}: idle, {values['cpu_us'] / 1000:.0f} ms of processor time in {values['wall_us'] / 1000:.0f} ms; "
                f"{sleeps} sleeps of the poll thread")


SCENARIOS = {"wire": wire, "net_ring": net_ring, "net_pcap": e2e_net.net_pcap, "programs": programs,
             "net_programs": e2e_net.net_programs, "exit": exits, "idle": idle}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in SCENARIOS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with Jobs("winlane-wine") as jobs:
            SCENARIOS[sys.argv[1]](jobs, os.path.abspath(sys.argv[2]))
    except Skipped as skipped:
        print(f"skipped: {skipped}")
        return SKIPPED
    except Failed as failed:
        print(f"e2e_test: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
