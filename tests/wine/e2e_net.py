"""Over DPDK net_pcap on Wine's wpcap.dll, through a veth pair, to programs on the kernel's stack."""
import contextlib
import os
import shutil
import sys

from jobs import Failed, file_digest, random_file
import veth
from wine import ROOT, Skipped, Wine, counters, windows_path

HERE = os.path.dirname(os.path.abspath(__file__))
# What a transfer moves each way.
WHOLE = 64 << 20
UDP_SIZES = (0, 1, 17, 512, 1471, 1472, 1473, 2944, 8192, 65487)
WAYS = ("return", "exit", "recv", "select", "overlapped", "flow", "flow", "flow")
CONNECTIONS = 4


def say(text):
    print(f"verified  {text}", flush=True)


def device_of(interface):
    """Wine's adapters carry the names that the host's interfaces have."""
    return f"net_pcap0,iface={interface}"


class Net:
    def __init__(self, jobs, wire, wine):
        self.jobs = jobs
        self.wire = wire
        self.wine = wine
        self.device = device_of(veth.WINLANE_IF)
        self.left = None
        self.port = 9000

    def ini(self):
        self.left = self.jobs.path("counters")
        path = self.jobs.path("ini")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(veth.winlane_ini(device=self.device, counters=windows_path(self.left), connect_timeout="2s"))
        return path

    def next_port(self):
        self.port += 1
        return self.port

    def peer(self, *words):
        """A program on the kernel's stack."""
        return self.jobs.start([sys.executable, os.path.join(HERE, "e2e_peer.py"), *words], ns=self.wire.peer_ns)

    def transfer(self, kind, family, data, digest):
        """One connection, both ways at once: the PE program is the client or the server."""
        port = self.next_port()
        address = (veth.PEER if kind == "client" else veth.WINLANE)[family]
        got = {"ours": self.jobs.path("got"), "theirs": self.jobs.path("got")}
        words = ("xfer", "--role", kind, "--at", veth.at(address, port), "--in", windows_path(data), "--out",
                 windows_path(got["ours"]))
        if kind == "client":
            peer = self.peer("xfer", "listen", address, port, data, got["theirs"]).wait_ready()
            program = self.wine.start(*words, ini=self.ini())
        else:
            program = self.wine.start(*words, ini=self.ini()).wait_ready()
            peer = self.peer("xfer", "connect", address, port, data, got["theirs"])
        program.wait(60)
        peer.wait(20)
        for path in got.values():
            if file_digest(path) != digest:
                raise Failed(f"{kind}, IPv{family}: SHA-256 differs")
            os.unlink(path)
        size = os.path.getsize(data)
        crossed = [counters(self.left)[f"nic.{veth.WINLANE_IF}.{name}_bytes"] for name in ("rx", "tx")]
        if min(crossed) < size:
            raise Failed(f"only {crossed} bytes crossed the port")
        say(f"net_pcap, PE {kind}, kernel peer, IPv{family}: {size} bytes each way at once, SHA-256 equal at both ends")

    def two_processes(self, data, digest):
        """The unmodified server and client, two processes with an instance each, over a veth pair of their own."""
        ns, ends, addresses = self.wire.winlane_ns, ("two0", "two1"), ("10.66.0.1", "10.66.0.2")
        self.wire.ip(ns, "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        inis, got = [], [self.jobs.path("got") for _ in ends]
        for end, address in zip(ends, addresses):
            words = [word for name in veth.OFFLOADS for word in (name, "off")]
            self.jobs.run(["ethtool", "-K", end, *words], ns=ns)
            self.wire.ip(ns, "link", "set", end, "up")
            inis.append(self.jobs.path("ini"))
            with open(inis[-1], "w", encoding="utf-8") as handle:
                handle.write(f"[port {end}]\ndriver = dpdk\ndpdk.device = {device_of(end)}\n"
                             f"dpdk.hugepages = no\naddress = {address}/24\n")
        words = ("--at", veth.at(addresses[1], self.next_port()), "--in", windows_path(data), "--out")
        server = self.wine.start("xfer", "--role", "server", *words, windows_path(got[1]), ini=inis[1]).wait_ready()
        self.wine.run("xfer", "--role", "client", *words, windows_path(got[0]), ini=inis[0], seconds=60)
        server.wait(20)
        for path in got:
            if file_digest(path) != digest:
                raise Failed("two processes: SHA-256 differs")
            os.unlink(path)
        say(f"net_pcap, PE client and PE server, two processes: {os.path.getsize(data)} bytes each way at once, SHA-256 equal")

    def http(self):
        """The client over IPv4, the server over IPv6, with Python's on the kernel's stack."""
        data = self.jobs.path("data")
        digest = random_file(data, 1 << 20)
        folder, name = os.path.split(data)
        got = [self.jobs.path("got") for _ in range(3)]
        port = self.next_port()
        server = self.jobs.start([sys.executable, "-m", "http.server", "--bind", veth.PEER[4], "--directory", folder, port],
                                 ns=self.wire.peer_ns)
        self.wire.wait_listening(port)
        self.wine.run("http_client", "--at", veth.at(veth.PEER[4], port), "--path", "/" + name, "--out",
                      windows_path(got[0]), ini=self.ini())
        self.wine.run("e2e_winhttp", veth.PEER[4], port, "/" + name, windows_path(got[2]), ini=self.ini())
        if f"nic.{veth.WINLANE_IF}.rx_bytes" not in counters(self.left):
            raise Failed("WinHTTP went elsewhere")
        server.kill()
        at = veth.at(veth.WINLANE[6], self.next_port())
        server = self.wine.start("http_server", "--at", at, "--path", "/file", "--file", windows_path(data),
                                 ini=self.ini()).wait_ready()
        script = "import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], sys.argv[2])"
        self.jobs.run([sys.executable, "-c", script, f"http://{at}/file", got[1]], ns=self.wire.peer_ns,
                      env={"no_proxy": "*"})
        server.wait(20)
        if any(file_digest(path) != digest for path in got):
            raise Failed("HTTP: SHA-256 differs")
        say("net_pcap, HTTP: PE client and Wine's WinHTTP with Python's server (IPv4), PE server with Python's client (IPv6), "
            "SHA-256 equal")

    def udp(self, family):
        script = os.path.join(ROOT, "bench", "demo", "udp_echo_peer.py")
        echo = self.jobs.start([sys.executable, script, veth.PEER[family], 7], ns=self.wire.peer_ns).wait_ready()
        values = self.wine.run("udp_echo", "--role", "client", "--at", veth.at(veth.PEER[family], 7), "--sizes",
                               ",".join(map(str, UDP_SIZES)), "--too-big", 65508, ini=self.ini()).values()
        echo.kill()
        if values.get("echoed") != len(UDP_SIZES):
            raise Failed(f"{values.get('echoed')} echoes of {len(UDP_SIZES)}")
        say(f"net_pcap, UDP echo by the kernel, IPv{family}: {len(UDP_SIZES)} sizes to {UDP_SIZES[-1]}")

    def connects(self):
        targets = [f"{veth.at(veth.PEER[family], 9)}=WSAECONNREFUSED" for family in (4, 6)]
        targets += [f"{veth.at(table[family], 80)}=WSAENETUNREACH|WSAEHOSTUNREACH" for family in (4, 6)
                    for table in (veth.NOWHERE, veth.BARRED)]
        targets.append(f"{veth.at(veth.SILENT[4], 80)}=WSAETIMEDOUT")
        self.wine.run("connect_status", *targets, ini=self.ini())
        say(f"net_pcap, failing connects: {', '.join(targets)}")

    def terminated(self):
        """Nothing of such a process runs any more, so nobody is told; the interface must be free for the next program."""
        port = self.next_port()
        peer = self.peer("ends", veth.PEER[4], port, CONNECTIONS).wait_ready()
        done = self.wine.run("e2e_exit", "--at", veth.at(veth.PEER[4], port), "--count", CONNECTIONS, "--how", "terminate",
                             ini=self.ini(), seconds=20, check=False)
        peer.kill()
        if done.process.returncode != 7 or "ending" not in done.out():
            raise Failed(f"terminate: status {done.process.returncode}: {done.tail()}")

    def program_end(self, how, wanted):
        """The kernel's end of each connection must end as wanted."""
        port = self.next_port()
        peer = self.peer("ends", veth.PEER[4], port, CONNECTIONS).wait_ready()
        done = self.wine.run("e2e_exit", "--at", veth.at(veth.PEER[4], port), "--count", CONNECTIONS, "--how", how,
                             ini=self.ini(), seconds=20, check=False)
        if done.process.returncode != 7 or "ending" not in done.out():
            raise Failed(f"{how}: status {done.process.returncode}: {done.tail()}")
        ends = [line.split()[1:] for line in peer.wait(40).out().splitlines()]
        if len(ends) != CONNECTIONS or any(end[:len(wanted)] != wanted for end in ends):
            raise Failed(f"{how}: the peer's connections ended so: {ends}")

    def echo_whole(self, data, digest):
        """The server of Winsock's documentation, which sends all back."""
        port, got = self.next_port(), self.jobs.path("got")
        server = self.wine.start("echo_server", port, ini=self.ini())
        self.peer("xfer", "connect", veth.WINLANE[4], port, data, got).wait(60)
        server.wait(20)
        if file_digest(got) != digest:
            raise Failed("echo_server: SHA-256 differs")
        say(f"net_pcap, the documentation's server: {os.path.getsize(got)} bytes and back, SHA-256 equal")

    def documentation(self):
        """The other programs of the documentation, each its own process."""
        for family in (4, 6):
            for name, kind in (("echo_client", ()), ("multi_client", ("TCP",)), ("multi_client", ("UDP",))):
                port = self.next_port()
                echo = self.peer("echo", kind[0] if kind else "TCP", veth.PEER[family], port).wait_ready()
                self.wine.run(name, veth.PEER[family], port, *kind, ini=self.ini())
                echo.wait(10)
        port = self.next_port()
        server = self.wine.start("multi_server", port, "TCP", 2, ini=self.ini())
        for family in (4, 6):
            self.peer("ask", veth.WINLANE[family], port).wait(20)
        server.wait(20)
        say("net_pcap, the documentation's clients over TCP and UDP, IPv4 and IPv6, and its server of both families")


@contextlib.contextmanager
def net_open(jobs, build):
    if os.geteuid() != 0:
        raise Skipped("namespaces and packet sockets need root")
    for tool in ("ip", "ethtool", "ss"):
        if shutil.which(tool) is None:
            raise Skipped(f"{tool} is missing")
    with veth.Veth(jobs) as wire, Wine(jobs, build, ns=wire.winlane_ns) as wine:
        yield Net(jobs, wire, wine)


def net_pcap(jobs, build):
    data = jobs.path("data")
    digest = random_file(data, WHOLE)
    with net_open(jobs, build) as net:
        net.transfer("client", 4, data, digest)
        net.transfer("server", 6, data, digest)
        net.two_processes(data, digest)
        net.echo_whole(data, digest)


def net_programs(jobs, build):
    with net_open(jobs, build) as net:
        net.http()
        net.udp(4)
        net.udp(6)
        net.connects()
        net.documentation()
        net.terminated()
        for how in ("cleanup", "close"):
            net.program_end(how, ["FIN", str(1 << 20)])
        say("net_pcap, data sent, then closesocket, with and without WSACleanup: all of it and the FIN arrive")
        for how in WAYS:
            net.program_end(how, ["ECONNRESET"])
        say(f"net_pcap, {len(set(WAYS))} ways to end without cleanup, {len(WAYS)} runs: the kernel's end of each connection was "
            "reset")
