"""The steps without root: two of the same programs in one process, joined by the in-memory wire."""
import os

import jobs as jobs_module
import veth
from figures import gbps, us
from jobs import Failed
from steps import UDP_MAX, UDP_SIZES

INI = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "configs", "wire-pair.ini")
# The addresses of its two ports, one port in each of two stack instances.
CLIENT = {4: "10.88.0.1", 6: "fd88::1"}
SERVER = {4: "10.88.0.2", 6: "fd88::2"}


class InMemorySteps:
    def __init__(self, jobs, build, options):
        self.jobs = jobs
        self.options = options
        self.pair = os.path.join(build, "bench", "pair")
        self.port = 7000
        self.file = jobs.path("data")
        self.file_digest = jobs_module.random_file(self.file, options.http_bytes)
        self.big = jobs.path("data")
        self.big_digest = jobs_module.random_file(self.big, options.xfer_bytes)

    def run(self, server, client, family):
        self.port += 1
        at = ("--at", veth.at(SERVER[family], self.port))
        words = [self.pair, server[0], *server[1:], *at, "--", client[0], *client[1:], *at, "--from", CLIENT[family]]
        return self.jobs.run(words, seconds=120, env={"WINLANE_CONFIG": os.path.abspath(INI)})

    def http(self, family):
        got = self.jobs.path("got")
        self.run(("http_server", "--path", "/file", "--file", self.file),
                 ("http_client", "--path", "/file", "--out", got), family)
        if jobs_module.file_digest(got) != self.file_digest:
            raise Failed("SHA-256 differs")
        return f"{os.path.getsize(got)} bytes"

    def transfer(self, family):
        got = [self.jobs.path("got"), self.jobs.path("got")]
        self.run(("xfer", "--role", "server", "--in", self.big, "--out", got[0]),
                 ("xfer", "--role", "client", "--in", self.big, "--out", got[1]), family)
        for path in got:
            if jobs_module.file_digest(path) != self.big_digest:
                raise Failed("SHA-256 differs")
            os.unlink(path)
        return f"{self.options.xfer_bytes} bytes each way"

    def udp(self, family):
        sizes = [size for size in UDP_SIZES if size < UDP_MAX[family]] + [UDP_MAX[family]]
        done = self.run(("udp_echo", "--role", "server", "--count", len(sizes)),
                        ("udp_echo", "--role", "client", "--sizes", ",".join(map(str, sizes)), "--tries", 1), family)
        if done.values().get("echoed") != len(sizes):
            raise Failed("not every echo came")
        return f"{len(sizes)} sizes 0..{sizes[-1]}"

    def round_trips(self, family):
        values = self.run(("pingpong", "--role", "server", "--wait", "block"),
                          ("pingpong", "--role", "client", "--wait", "block", "--count", self.options.rtt_count // 10,
                           "--warmup", "10"), family).values()
        return f"p50 {us(values['p50_ns'])} us, p99 {us(values['p99_ns'])} us (both ends in one process)"

    def throughput(self, family):
        values = self.run(("stream", "--role", "server", "--flow", "recv"),
                          ("stream", "--role", "client", "--flow", "send", "--ms", self.options.stream_ms),
                          family).values()
        return f"{gbps(values['bits_per_s'])} Gbit/s (both ends in one process)"

    def rows(self):
        found = []
        for family in (4, 6):
            ip = f"IPv{family}"
            steps = [(f"{ip} HTTP: Winsock client and server", "SHA-256 equal", self.http),
                     (f"{ip} TCP: both ways at once", "SHA-256 equal at both ends", self.transfer),
                     (f"{ip} UDP: echo, fragments included", "every byte, sender's address", self.udp)]
            if not self.options.no_figures:
                steps += [(f"{ip} TCP 64 B round trip (RTT)", "last echo compared", self.round_trips),
                          (f"{ip} TCP throughput", "counted by the receiver", self.throughput)]
            for what, how, step in steps:
                found.append((what, how, lambda step=step, family=family: step(family)))
        return found
