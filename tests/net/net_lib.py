"""Namespaces joined by veth pairs, kernel sockets in them, what crosses the wire, and Winsock programs over DPDK ports."""
import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_AUXDATA, SO_RCVBUFFORCE = 263, 8, 33
ETH_P_ALL = 3
OFFLOADS = ("tx", "rx", "tso", "gso", "gro")
# Winsock's numbers, for the agent's "set" and "get".
SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVBUF = 0xffff, 0x1006, 0x1005, 0x1002
IPPROTO_IP, IP_TTL, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_DONTFRAGMENT = 0, 4, 10, 11, 14
IPPROTO_IPV6, IPV6_UNICAST_HOPS, IPV6_V6ONLY, IPV6_DONTFRAG = 41, 4, 27, 14
IPPROTO_TCP, TCP_NODELAY = 6, 1
WSAEINVAL = 10022
WSAEMSGSIZE, WSAEADDRNOTAVAIL, WSAENETDOWN, WSAENETUNREACH, WSAENETRESET = 10040, 10049, 10050, 10051, 10052
WSAECONNABORTED, WSAECONNRESET, WSAETIMEDOUT, WSAECONNREFUSED, WSAEHOSTUNREACH = 10053, 10054, 10060, 10061, 10065

libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """What was promised did not happen; the text says what was seen."""


class Skipped(Exception):
    """Not possible here; the text says why."""


def check(truth, what):
    if not truth:
        raise Failed(what)


def wait_for(condition, seconds, what):
    """The first true value of condition() within the time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Frame:
    """A frame as a packet socket saw it: headers taken apart as far as the tests ask."""

    def __init__(self, data, vlan, when, outgoing):
        self.data, self.vlan, self.when, self.outgoing = data, vlan, when, outgoing
        self.kind = struct.unpack("!H", data[12:14])[0]
        self.ip = data[14:]
        self.proto, self.l4, self.src, self.dst, self.ttl = None, b"", None, None, None
        if self.kind == 0x0800 and len(self.ip) >= 20:
            self.proto, self.ttl = self.ip[9], self.ip[8]
            self.src, self.dst = socket.inet_ntoa(self.ip[12:16]), socket.inet_ntoa(self.ip[16:20])
            self.l4 = self.ip[(self.ip[0] & 15) * 4:struct.unpack("!H", self.ip[2:4])[0]]
        elif self.kind == 0x86dd and len(self.ip) >= 40:
            self.proto, self.ttl = self.ip[6], self.ip[7]
            self.src = socket.inet_ntop(socket.AF_INET6, self.ip[8:24])
            self.dst = socket.inet_ntop(socket.AF_INET6, self.ip[24:40])
            self.l4 = self.ip[40:40 + struct.unpack("!H", self.ip[4:6])[0]]
            if self.proto == 0 and len(self.l4) >= 8:  # hop-by-hop: MLD
                self.proto, self.l4 = self.l4[0], self.l4[(self.l4[1] + 1) * 8:]

    def ports(self):
        return struct.unpack("!HH", self.l4[:4])

    def tcp(self):
        """(flags, payload) of a TCP segment."""
        return self.l4[13] & 0x3f, self.l4[(self.l4[12] >> 4) * 4:]


class Sniffer:
    """All frames of an interface, both ways, kept in a list by a thread."""

    def __init__(self, sock):
        self.sock, self.frames, self.stop = sock, [], False
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        sock.settimeout(0.1)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stop:
            try:
                data, aux, _, addr = self.sock.recvmsg(65536, 256)
            except (TimeoutError, OSError):
                continue
            if len(data) >= 14:
                self.frames.append(Frame(data, vlan_of(aux), time.monotonic(), addr[2] == 4))

    def find(self, test):
        return [frame for frame in list(self.frames) if test(frame)]

    def wait(self, test, seconds, what):
        return wait_for(lambda: self.find(test), seconds, what)

    def clear(self):
        self.frames = []

    def close(self):
        self.stop = True
        self.thread.join()
        self.sock.close()


def vlan_of(aux):
    """The tag that the kernel took out of a frame; None: it had none."""
    for _, kind, value in aux:
        if kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", value[:20])
            return tci & 0xfff if status & 0x10 else None
    return None


class Tagger:
    """Frames of one packet socket go out of the other with a tag; those with the tag come back without."""

    def __init__(self, inner, outer, tag):
        self.inner, self.outer, self.tag, self.stop = inner, outer, tag, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        tag = struct.pack("!HH", 0x8100, self.tag)
        while not self.stop:
            for sock in select.select([self.inner, self.outer], [], [], 0.1)[0]:
                data, aux, _, addr = sock.recvmsg(65536, 256)
                if addr[2] == 4:
                    continue
                with contextlib.suppress(OSError):
                    if sock is self.inner:
                        self.outer.send(data[:12] + tag + data[12:])
                    elif vlan_of(aux) == self.tag:
                        self.inner.send(data)

    def close(self):
        self.stop = True
        self.thread.join()
        self.inner.close()
        self.outer.close()


class Agent:
    """The Winsock program: one command, one answer."""

    def __init__(self, lab, ns, config, name):
        self.lab, self.buffer = lab, b""
        path = lab.path(f"{name}.ini")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(config)
        self.log_path = lab.path(f"{name}.log")
        self.counters_path = lab.path(f"{name}.counters")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(["ip", "netns", "exec", lab.full(ns), lab.agent_path],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                            process_group=0, env={**os.environ, "WINLANE_CONFIG": path})
        self.read(10)

    def read(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))
            check(ready, f"no answer in {seconds} s; log: {self.log()}")
            got = os.read(self.process.stdout.fileno(), 65536)
            check(got, f"the program ended; log: {self.log()}")
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode().split()

    def start(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, text, seconds=15):
        """The answer's words, whatever it is."""
        self.start(text)
        return self.read(seconds)

    def do(self, text, seconds=15):
        """The words behind "ok"."""
        words = self.ask(text, seconds)
        check(words[0] == "ok", f"{text!r}: {' '.join(words)}; log: {self.log()}")
        return words[1:]

    def fails(self, text, codes, seconds=15):
        words = self.ask(text, seconds)
        codes = codes if isinstance(codes, tuple) else (codes,)
        check(words[0] == "err" and int(words[1]) in codes, f"{text!r}: {' '.join(words)} instead of err {codes}")

    def udp(self, name, address, port, timeout_ms=3000):
        """A bound UDP socket whose receive is bounded."""
        self.do(f"sock {name} {6 if ':' in address else 4} udp")
        self.do(f"set {name} {SOL_SOCKET} {SO_RCVTIMEO} {timeout_ms}")
        if port is not None:
            self.do(f"bind {name} {address} {port}")

    def tcp(self, name, family=4, timeout_ms=8000):
        self.do(f"sock {name} {family} tcp")
        self.do(f"set {name} {SOL_SOCKET} {SO_RCVTIMEO} {timeout_ms}")
        self.do(f"set {name} {SOL_SOCKET} {SO_SNDTIMEO} {timeout_ms}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as handle:
            return " / ".join(handle.read().splitlines()[-6:]) or "(empty)"

    def counters(self):
        """Ends the program; the counters that it then writes (configuration: counters_at_exit)."""
        self.quit()
        found = {}
        with open(self.counters_path, encoding="utf-8") as handle:
            for line in handle:
                words = line.split()
                if len(words) == 2 and words[1].isdigit():
                    found[words[0]] = int(words[1])
        return found

    def quit(self, seconds=10):
        if self.process.poll() is None:
            with contextlib.suppress(BrokenPipeError):
                self.start("quit")
        check(self.process.wait(seconds) == 0, f"the program ended with {self.process.returncode}; log: {self.log()}")

    def kill(self):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Lab:
    """Everything a case makes; gone when it ends."""

    def __init__(self, agent_path):
        self.agent_path = agent_path
        self.tag = f"wlnet-{os.getpid()}"
        self.names, self.agents, self.sniffers, self.children, self.count = [], [], [], [], 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="winlane-net-")
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda signum, _frame: sys.exit(128 + signum))
        return self

    def __exit__(self, *_):
        for agent in self.agents:
            agent.kill()
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        for sniffer in self.sniffers:
            sniffer.close()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self.full(name)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        self.count += 1
        return os.path.join(self.folder, f"{self.count:03d}-{name}")

    def full(self, ns):
        return f"{self.tag}-{ns}"

    def run(self, *argv, ns=None, expect=0):
        command = ["ip", "netns", "exec", self.full(ns)] if ns else []
        done = subprocess.run([*command, *argv], capture_output=True, text=True, check=False, timeout=20)
        check(expect is None or done.returncode == expect,
              f"{' '.join(argv)}: {done.returncode}: {done.stdout} {done.stderr}")
        return done

    def child(self, *argv, ns):
        out = open(self.path("child.log"), "wb")
        child = subprocess.Popen(["ip", "netns", "exec", self.full(ns), *argv], stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=out)
        out.close()
        self.children.append(child)
        return child

    def ip(self, ns, text):
        return self.run("ip", "-n", self.full(ns), *text.split()).stdout

    def sysctl(self, ns, key, value):
        self.run("sh", "-c", f"echo {value} > /proc/sys/{key.replace('.', '/')}", ns=ns)

    def ns(self, name, silent=False):
        """A namespace; a silent one has no IPv6 of its own: it holds a port of Winlane's."""
        self.run("ip", "netns", "add", self.full(name))
        self.names.append(name)
        if silent:
            for scope in ("all", "default"):
                self.sysctl(name, f"net.ipv6.conf.{scope}.disable_ipv6", 1)
        else:
            self.ip(name, "link set lo up")

    def veth(self, ns, interface, peer_ns, peer, mtu=1500):
        self.run("ip", "link", "add", interface, "mtu", str(mtu), "netns", self.full(ns), "type", "veth", "peer",
                 "name", peer, "mtu", str(mtu), "netns", self.full(peer_ns))
        words = [word for name in OFFLOADS for word in (name, "off")]
        for where, what in ((ns, interface), (peer_ns, peer)):
            self.run("ethtool", "-K", what, *words, ns=where)
            self.ip(where, f"link set {what} up")

    def address(self, ns, interface, *addresses):
        for address in addresses:
            self.ip(ns, f"addr add {address} dev {interface}{' nodad' if ':' in address else ''}")

    def vlan(self, ns, device, tag, name):
        """The kernel's end of a VLAN. Where the kernel has no VLAN devices a veth pair and a thread that tags do it."""
        if self.run("ip", "-n", self.full(ns), "link", "add", "link", device, "name", name, "type", "vlan", "id",
                    str(tag), expect=None).returncode == 0:
            self.ip(ns, f"link set {name} up")
            return
        self.veth(ns, name, ns, f"{name}-far")
        inner, outer = self.packet(ns, f"{name}-far"), self.packet(ns, device)
        outer.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sniffers.append(Tagger(inner, outer, tag))

    @contextlib.contextmanager
    def inside(self, ns):
        """The calling thread in a namespace: sockets made here stay there."""
        with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{self.full(ns)}", "rb") as there:
            check(libc.setns(there.fileno(), CLONE_NEWNET) == 0, "setns")
            try:
                yield
            finally:
                check(libc.setns(home.fileno(), CLONE_NEWNET) == 0, "setns home")

    def socket(self, ns, family, kind, seconds=8, bind=None):
        with self.inside(ns):
            sock = socket.socket(family, kind)
        sock.settimeout(seconds)
        if bind is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(bind)
        return sock

    def udp(self, ns, address="0.0.0.0", port=0, **more):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return self.socket(ns, family, socket.SOCK_DGRAM, bind=(address, port), **more)

    def listener(self, ns, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.socket(ns, family, socket.SOCK_STREAM, bind=(address, port))
        sock.listen(8)
        return sock

    def packet(self, ns, interface):
        """A raw packet socket: what is sent on it is a whole frame."""
        with self.inside(ns):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            sock.bind((interface, ETH_P_ALL))
        return sock

    def sniff(self, ns, interface):
        sniffer = Sniffer(self.packet(ns, interface))
        self.sniffers.append(sniffer)
        return sniffer

    def agent(self, ns, *ports, engine="", name="agent"):
        """A Winsock program; ports are (interface, lines) of its configuration."""
        counters = self.path(f"{name}.counters")
        lines = ["[engine]", "counters_at_exit = yes", f"counters_file = {counters}", "buffer_memory = 32MiB",
                 engine, ""]
        for number, (interface, text) in enumerate(ports):
            lines += [f"[port {interface}]", "driver = dpdk",
                      f"dpdk.device = net_af_packet{number},iface={interface}", "dpdk.hugepages = no",
                      *(line.strip() for line in text.strip().splitlines()), ""]
        agent = Agent(self, ns, "\n".join(lines), name)
        agent.counters_path = counters
        self.agents.append(agent)
        return agent

    def ping(self, ns, address, size=56, seconds=2):
        """An echo request from the namespace's kernel must be answered with the same bytes."""
        v6 = ":" in address
        family, proto, kind, answer = ((socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129) if v6 else
                                       (socket.AF_INET, socket.IPPROTO_ICMP, 8, 0))
        host, _, device = address.partition("%")
        with self.inside(ns):
            sock = socket.socket(family, socket.SOCK_RAW, proto)
            target = (host, 0, 0, socket.if_nametoindex(device)) if device else (host, 0)
        self.count += 1
        body = struct.pack("!HH", os.getpid() & 0xffff, self.count) + os.urandom(size)
        packet = struct.pack("!BBH", kind, 0, 0) + body
        if not v6:
            total = sum(struct.unpack(f"!{(len(packet) + 1) // 2}H", packet + b"\0" * (len(packet) % 2)))
            total = (total & 0xffff) + (total >> 16)
            packet = struct.pack("!BBH", kind, 0, ~(total + (total >> 16)) & 0xffff) + body
        with sock:
            sock.settimeout(seconds)
            sock.sendto(packet, target)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                try:
                    data, peer = sock.recvfrom(65535)
                except TimeoutError:
                    break
                data = data if v6 else data[(data[0] & 15) * 4:]
                if data[0] == answer and data[4:] == body and peer[0].partition("%")[0] == host:
                    return
        raise Failed(f"no echo reply from {address}")


def receive_all(sock):
    parts = []
    while True:
        part = sock.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)


def in_thread(function, *args):
    """Runs beside; .result() waits and raises what it raised."""
    class Beside(threading.Thread):
        def run(self):
            try:
                self.value, self.error = function(*args), None
            except BaseException as error:  # pylint: disable=broad-except
                self.value, self.error = None, error

        def result(self, seconds=20):
            self.join(seconds)
            check(not self.is_alive(), f"{function.__name__} did not end in {seconds} s")
            if self.error is not None:
                raise self.error
            return self.value
    thread = Beside(daemon=True)
    thread.start()
    return thread


def exchange(lab, agent, ns, target, port, payload, family=4):
    """The agent connects to a kernel listener, sends payload and gets it back; byte exact."""
    listener = lab.listener(ns, target, port)

    def echo():
        sock, peer = listener.accept()
        with sock:
            sock.settimeout(10)
            data = receive_all(sock)
            sock.sendall(data)
        return peer, data
    beside = in_thread(echo)
    with open(lab.path("sent"), "wb") as handle:
        handle.write(payload)
        sent = handle.name
    got = lab.path("got")
    name = f"x{lab.count}"
    agent.tcp(name, family)
    agent.do(f"connect {name} {target} {port}")
    agent.do(f"sendfile {name} {sent}", 20)
    agent.do(f"shutdown {name} 1")
    agent.do(f"recvfile {name} {got}", 20)
    agent.do(f"close {name}")
    peer, data = beside.result()
    listener.close()
    check(data == payload, f"{len(data)} bytes arrived instead of {len(payload)}, or not the same ones")
    with open(got, "rb") as handle:
        check(handle.read() == payload, "what came back is not what was sent")
    return peer
