"""The steps of the demonstration over a veth pair. Each returns its figures in words, or raises Failed."""
import os
import subprocess
import sys

import captures
import jobs as jobs_module
import veth
from figures import gbps, us
from jobs import Failed, Hasher

HTTP_PORT = 8000
ECHO_PORT = 7
XFER_PORT = 9000
CLOSED_PORT = 9
UDP_MAX = {4: 65507, 6: 65487}
# Round sizes and the edges of frames: 1472 and 1452 fill a frame of MTU 1500, one byte more makes fragments.
UDP_SIZES = (0, 1, 2, 3, 7, 8, 17, 18, 19, 63, 64, 65, 127, 511, 512, 1000, 1023, 1024, 1025, 1451, 1452, 1453, 1471,
             1472, 1473, 1480, 1499, 1500, 1501, 2000, 2047, 2048, 2900, 2944, 2945, 4095, 4096, 4097, 5000, 8191, 8192,
             8193, 10000, 12345, 16383, 16384, 16385, 20000, 24576, 30000, 32767, 32768, 32769, 40000, 49152, 50000,
             60000, 65000, 65486)


class Steps:
    def __init__(self, runs, wire, options):
        self.runs = runs
        self.wire = wire
        self.options = options
        self.jobs = runs.jobs
        self.captures = []
        self.file = self.jobs.path("data")
        self.file_digest = jobs_module.random_file(self.file, options.http_bytes)
        self.big = self.jobs.path("data")
        self.big_digest = jobs_module.random_file(self.big, options.xfer_bytes)
        self.measured = {}

    def capture(self):
        path = self.jobs.path("pcap")
        self.captures.append(path)
        return path

    def winlane(self, name, *words, capture=False, **options):
        """Starts a Winsock program over Winlane."""
        env = self.runs.ini(capture=self.capture() if capture else None)
        return self.jobs.start([self.runs.program(name, False), *words], ns=self.wire.winlane_ns, env=env, **options)

    def http_fetch(self, family):
        folder, name = os.path.split(self.file)
        got = self.jobs.path("got")
        server = self.jobs.start([sys.executable, "-m", "http.server", "--bind", veth.PEER[family], "--directory", folder,
                                  HTTP_PORT], ns=self.wire.peer_ns)
        try:
            self.wire.wait_listening(HTTP_PORT)
            self.winlane("http_client", "--at", veth.at(veth.PEER[family], HTTP_PORT), "--path", "/" + name, "--out", got,
                         capture=True).wait(30)
        finally:
            server.kill()
        self.same(jobs_module.file_digest(got), self.file_digest)
        return f"{os.path.getsize(got)} bytes"

    def http_serve(self, family):
        got = self.jobs.path("got")
        script = "import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], sys.argv[2])"
        server = self.winlane("http_server", "--at", veth.at(veth.WINLANE[family], HTTP_PORT), "--path", "/file", "--file",
                              self.file, capture=True).wait_ready()
        url = f"http://{veth.at(veth.WINLANE[family], HTTP_PORT)}/file"
        self.jobs.run([sys.executable, "-c", script, url, got], ns=self.wire.peer_ns, env={"no_proxy": "*"})
        server.wait(30)
        self.same(jobs_module.file_digest(got), self.file_digest)
        return f"{os.path.getsize(got)} bytes"

    def transfer(self, family):
        """Both ways at once on one connection: Winlane connects over IPv4 and is connected to over IPv6."""
        ours, theirs = Hasher(self.jobs), Hasher(self.jobs)
        client = family == 4
        where = veth.PEER if client else veth.WINLANE
        address = veth.at(where[family], XFER_PORT)
        ours_words = ["--role", "client" if client else "server", "--at", address, "--in", self.big, "--out", "-"]
        kind = f"TCP{family}-LISTEN:{XFER_PORT}" if client else f"TCP{family}:{address}"
        if client:
            host = f"[{where[family]}]" if family == 6 else where[family]
            kind += f",bind={host},reuseaddr"
        if client:
            peer = self.socat(kind, theirs.stdin)
            self.wire.wait_listening(XFER_PORT)
            program = self.winlane("xfer", *ours_words, stdout=ours.stdin)
        else:
            program = self.winlane("xfer", *ours_words, stdout=ours.stdin).wait_ready()
            peer = self.socat(kind, theirs.stdin)
        came, arrived = ours, theirs
        program.wait(120)
        peer.wait(60)
        self.same(came.digest(), self.big_digest)
        self.same(arrived.digest(), self.big_digest)
        values = dict(line.split() for line in program.err().splitlines() if len(line.split()) == 2)
        seconds = float(values["ns"]) / 1e9
        return f"{values['sent']} bytes out, {values['received']} in, {seconds:.2f} s"

    def socat(self, kind, stdout):
        with open(self.big, "rb") as data:
            return self.jobs.start(["socat", "-b", "131072", "-t", "100", "-", kind], ns=self.wire.peer_ns, stdin=data,
                                   stdout=stdout)

    def udp(self, family):
        peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "udp_echo_peer.py")
        echo = self.jobs.start([sys.executable, peer, veth.PEER[family], ECHO_PORT], ns=self.wire.peer_ns)
        sizes = [size for size in UDP_SIZES if size < UDP_MAX[family]] + [UDP_MAX[family]]
        try:
            echo.wait_ready()
            client = self.winlane("udp_echo", "--role", "client", "--at", veth.at(veth.PEER[family], ECHO_PORT), "--sizes",
                                  ",".join(map(str, sizes)), "--too-big", UDP_MAX[family] + 1, capture=True).wait(60)
        finally:
            echo.kill()
        values = client.values()
        if values.get("echoed") != len(sizes):
            raise Failed(f"{values.get('echoed')} echoes of {len(sizes)}")
        return f"{len(sizes)} sizes 0..{sizes[-1]}, {values['lost']:.0f} asked for again; {sizes[-1] + 1}: WSAEMSGSIZE"

    def connects(self):
        targets = []
        for family in (4, 6):
            targets += [f"{veth.at(veth.PEER[family], CLOSED_PORT)}=WSAECONNREFUSED",
                        f"{veth.at(veth.NOWHERE[family], 80)}=WSAENETUNREACH|WSAEHOSTUNREACH",
                        f"{veth.at(veth.BARRED[family], 80)}=WSAENETUNREACH|WSAEHOSTUNREACH",
                        f"{veth.at(veth.SILENT[family], 80)}=WSAETIMEDOUT"]
        done = self.winlane("connect_status", *targets, capture=True).wait(60)
        codes = sorted({word for line in done.out().splitlines() for word in line.split() if word.startswith("WSAE")})
        return ", ".join(codes)

    def round_trips(self, family, proto):
        """Ours, then the kernel's on the same wire; both ends of each spin if there are processors enough."""
        count = self.options.rtt_count
        ours = self.runs.pingpong("winlane", family, proto, count=count)
        with self.runs.kernel_wire("off"):
            theirs = self.runs.pingpong("kernel", family, proto, count=count)
        self.measured["rtt", proto, family] = (ours, theirs)
        return (f"p50 {us(ours['p50_ns'])} us, p99 {us(ours['p99_ns'])} us; "
                f"kernel {us(theirs['p50_ns'])} us, {us(theirs['p99_ns'])} us")

    def throughput(self, family, flow):
        ours = self.runs.stream("winlane", family, flow, ms=self.options.stream_ms)
        theirs = {}
        for offloads in ("off", "on"):
            with self.runs.kernel_wire(offloads):
                theirs[offloads] = self.runs.stream("kernel", family, flow, ms=self.options.stream_ms)
        return (f"{gbps(ours['bits_per_s'])} Gbit/s; kernel offloads off {gbps(theirs['off']['bits_per_s'])}, "
                f"on {gbps(theirs['on']['bits_per_s'])}")

    def capture_check(self):
        """tcpdump reads what was captured and finds every checksum right."""
        kept = [path for path in self.captures if os.path.exists(path) and os.path.getsize(path) > 24]
        if len(kept) != len(self.captures) or not kept:
            raise Failed(f"{len(kept)} of {len(self.captures)} captures were written")
        captures.join(kept, self.options.capture)
        packets, good = captures.verify(self.jobs, self.options.capture)
        return f"{packets} packets, {good} checksums right, 0 bad: {self.options.capture}"

    @staticmethod
    def same(got, wanted):
        if got != wanted:
            raise Failed(f"SHA-256 {got[:16]}... instead of {wanted[:16]}...")


def wire_rows(steps):
    """(what, how it is verified, step) in the order of the table."""
    rows = []
    for family in (4, 6):
        ip = f"IPv{family}"
        size = f"{steps.options.xfer_bytes >> 20} MiB"
        rows += [
            (f"{ip} HTTP: Winsock client fetches from python3 http.server", "SHA-256 equal",
             lambda family=family: steps.http_fetch(family)),
            (f"{ip} HTTP: Winsock server serves python3 urllib", "SHA-256 equal",
             lambda family=family: steps.http_serve(family)),
            (f"{ip} TCP: {size} each way at once with socat", "SHA-256 equal at both ends",
             lambda family=family: steps.transfer(family)),
            (f"{ip} UDP: echo by the kernel, fragments included", "every byte, sender's address",
             lambda family=family: steps.udp(family)),
        ]
    rows.append(("IPv4, IPv6 connect: refused, no route, unreachable, no answer", "code, blocking and nonblocking", steps.connects))
    for family in () if steps.options.no_figures else (4, 6):
        for proto in ("tcp", "udp"):
            rows.append((f"IPv{family} {proto.upper()} 64 B round trip (RTT)", "last echo compared",
                         lambda family=family, proto=proto: steps.round_trips(family, proto)))
    for family in () if steps.options.no_figures else (4, 6):
        for flow in ("out", "in"):
            rows.append((f"IPv{family} TCP throughput {flow}", "counted by the receiver",
                         lambda family=family, flow=flow: steps.throughput(family, flow)))
    rows.append(("Capture by Winlane's port", "tcpdump -vv: no bad checksum", steps.capture_check))
    return rows
