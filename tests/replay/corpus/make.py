#!/usr/bin/env python3
"""Makes the replay corpus: captures of the kernel's own TCP and UDP through an impairer, and crafted ones.

Usage: make.py [NAME...]     as root, in this folder; all without a name

The peers (this file again, `peer ROLE SCENARIO`) are ordinary socket programs in two network namespaces. Between them are two
TUN devices and this process, which loses, doubles, delays and reorders packets by a seed, and writes what it delivers. Crafted
captures are Scapy's (crafted.py). Kernel captures differ from run to run: the files in the repository are what the tests use.
"""
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PORT = 7000
ADDR = {4: ("10.77.0.1", "10.77.0.2"), 6: ("fd77::1", "fd77::2")}


def sh(command, check=True):
    return subprocess.run(command, shell=True, check=check, stdout=subprocess.DEVNULL)


# --- Peers ----------------------------------------------------------------------------------------

def pattern(length, seed):
    return random.Random(seed).randbytes(length)


def listen(family, **options):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "rcvbuf" in options:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["rcvbuf"])
    sock.bind(("", PORT))
    sock.listen()
    return sock


def connect(family, port=0, tries=50):
    for _ in range(tries):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if port:
                sock.bind(("", port))
            sock.connect((ADDR[6 if family == socket.AF_INET6 else 4][1], PORT))
            return sock
        except OSError:
            sock.close()
            time.sleep(0.1)
    raise SystemExit("no connection")


def drain(sock):
    total = 0
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionError:
            return total
        if not data:
            return total
        total += len(data)


def both_ways(sock, send, receive_first=False):
    if receive_first:
        drain(sock)
        sock.sendall(send)
    else:
        sock.sendall(send)
        sock.shutdown(socket.SHUT_WR)
        drain(sock)
    sock.close()


def client(name, family):
    if name == "reset":
        sock = connect(family)
        sock.sendall(pattern(20000, 1))
        time.sleep(0.3)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    elif name == "reuse":
        for i in range(3):
            sock = connect(family, 7777)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.sendall(pattern(3000 + i, i))
            time.sleep(0.2)
            sock.close()
    elif name == "urgent":
        sock = connect(family)
        for i in range(5):
            sock.sendall(pattern(700, i))
            sock.send(b"!", socket.MSG_OOB)
            time.sleep(0.02)
        both_ways(sock, pattern(100, 9))
    elif name == "small":
        sock = connect(family)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(150):
            sock.sendall(pattern(1 + i % 40, i))
            time.sleep(0.002)
        both_ways(sock, b"end")
    elif name == "udp":
        sock = socket.socket(family, socket.SOCK_DGRAM)
        to = (ADDR[6 if family == socket.AF_INET6 else 4][1], PORT)
        time.sleep(0.5)
        for i in range(12):
            sock.sendto(pattern((0, 1, 100, 1400, 1473, 3000, 5000, 9000)[i % 8], i), to)
            time.sleep(0.01)
        time.sleep(0.5)
    else:
        size = {"zero_window": 50000, "half_close": 15000}.get(name, 40000)
        both_ways(connect(family), pattern(size, 1))


def server(name, family):
    if name == "udp":
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind(("", PORT))
        sock.settimeout(3)
        try:
            while True:
                data, peer = sock.recvfrom(65536)
                sock.sendto(data[:50], peer)
        except OSError:
            return
    options = {"rcvbuf": 6000} if name == "zero_window" else {}
    listener = listen(family, **options)
    for i in range(3 if name == "reuse" else 1):
        sock, _ = listener.accept()
        if name == "zero_window":
            time.sleep(1.5)
            both_ways(sock, pattern(2000, 2), True)
        elif name in ("half_close", "small", "urgent"):
            both_ways(sock, pattern(9000, 2), True)
        elif name in ("reset", "reuse"):
            drain(sock)
        else:
            sock.sendall(pattern(12000, 2))
            both_ways(sock, b"", True)


# --- The impairer -----------------------------------------------------------------------------------

def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Writer:
    """A nanosecond pcap of raw IP packets."""
    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 101))

    def write(self, packet):
        now = time.time_ns()
        self.file.write(struct.pack("<IIII", now // 10**9, now % 10**9, len(packet), len(packet)) + packet)


def forward(fds, writer, until, seed, loss=0.0, double=0.0, jitter=0.0, delay=0.002, hold=0.0):
    """Moves packets both ways until the condition holds; what is delivered is written."""
    draw, queue, order = random.Random(seed), [], 0
    while not until():
        wait = max(0.0, min(0.05, queue[0][0] - time.monotonic())) if queue else 0.05
        for fd in select.select(list(fds), [], [], wait)[0]:
            packet = os.read(fd, 65536)
            if draw.random() < loss:
                continue
            for _ in range(2 if draw.random() < double else 1):
                late = delay + draw.random() * jitter + (0.03 if draw.random() < hold else 0)
                heapq.heappush(queue, (time.monotonic() + late, order, fds[fd], packet))
                order += 1
        while queue and queue[0][0] <= time.monotonic():
            _, _, to, packet = heapq.heappop(queue)
            if packet[0] >> 4 == 6 and packet[6] in (0, 58):
                pass  # neighbour and group chatter of the devices: delivered, not written
            else:
                writer.write(packet)
            try:
                os.write(to, packet)
            except OSError:
                pass


def kernel_capture(name, scenario, version, sysctl=(), mtu=1500, **impair):
    names = [f"wlc{os.getpid()}{end}" for end in "ab"]
    devices = [f"wl{os.getpid()}{end}" for end in "ab"]
    fds = [tun(device) for device in devices]
    try:
        for i, (space, device) in enumerate(zip(names, devices)):
            sh(f"ip netns add {space}")
            sh(f"ip link set {device} netns {space}")
            sh(f"ip -n {space} addr add {ADDR[4][i]}/24 dev {device}")
            sh(f"ip -n {space} addr add {ADDR[6][i]}/64 dev {device} nodad")
            sh(f"ip -n {space} link set {device} mtu {mtu} up")
            sh(f"ip -n {space} link set lo up")
            for key in ("net.ipv4.tcp_syn_linear_timeouts=0", *sysctl):
                sh(f"ip netns exec {space} sysctl -qw {key} 2>/dev/null", check=False)
        peers = [subprocess.Popen(["ip", "netns", "exec", names[1 - i], sys.executable, __file__, "peer", role, scenario,
                                   str(version)]) for i, role in enumerate(("server", "client"))]
        ends = []

        def over():
            if not ends and all(peer.poll() is not None for peer in peers):
                ends.append(time.monotonic() + 0.3)
            return bool(ends) and time.monotonic() > ends[0]

        path = os.path.join(HERE, name + ".pcap")
        writer = Writer(path)
        forward({fds[0]: fds[1], fds[1]: fds[0]}, writer, over, name, **impair)
        writer.file.close()
        print(name, os.path.getsize(path), [peer.returncode for peer in peers])
    finally:
        for fd in fds:
            os.close(fd)
        for space in names:
            sh(f"ip netns del {space}", check=False)


KERNEL = {
    "k_plain": lambda n: kernel_capture(n, "plain", 4),
    "k_loss": lambda n: kernel_capture(n, "plain", 4, loss=0.08),
    "k_loss_no_sack": lambda n: kernel_capture(n, "plain", 4, ("net.ipv4.tcp_sack=0", "net.ipv4.tcp_timestamps=0"), loss=0.06),
    "k_loss_no_scale": lambda n: kernel_capture(n, "plain", 4, ("net.ipv4.tcp_window_scaling=0",), loss=0.05, double=0.05),
    "k_reorder": lambda n: kernel_capture(n, "plain", 4, jitter=0.01, hold=0.1),
    "k_double": lambda n: kernel_capture(n, "plain", 4, double=0.3),
    "k_storm": lambda n: kernel_capture(n, "plain", 4, loss=0.1, double=0.1, jitter=0.005, hold=0.1),
    "k_zero_window": lambda n: kernel_capture(n, "zero_window", 4),
    "k_zero_window_loss": lambda n: kernel_capture(n, "zero_window", 4, loss=0.05),
    "k_reset": lambda n: kernel_capture(n, "reset", 4, hold=0.05),
    "k_half_close": lambda n: kernel_capture(n, "half_close", 4, loss=0.05),
    "k_reuse": lambda n: kernel_capture(n, "reuse", 4),
    "k_urgent": lambda n: kernel_capture(n, "urgent", 4, hold=0.1),
    "k_small": lambda n: kernel_capture(n, "small", 4, loss=0.05, hold=0.1),
    "k_small_mtu": lambda n: kernel_capture(n, "plain", 4, mtu=576, loss=0.03),
    "k_ip6": lambda n: kernel_capture(n, "plain", 6, loss=0.05, hold=0.05),
    "k_udp": lambda n: kernel_capture(n, "udp", 4),
    "k_udp_pieces": lambda n: kernel_capture(n, "udp", 4, double=0.1, hold=0.2),
    "k_udp6_pieces": lambda n: kernel_capture(n, "udp", 6, hold=0.2),
}


def main():
    if sys.argv[1:2] == ["peer"]:
        _, _, role, scenario, version = sys.argv
        {"client": client, "server": server}[role](scenario, socket.AF_INET6 if version == "6" else socket.AF_INET)
        return
    wanted = sys.argv[1:]
    for name, make in KERNEL.items():
        if not wanted or name in wanted:
            make(name)
    sys.path.insert(0, HERE)
    import crafted
    crafted.make(HERE, wanted)


if __name__ == "__main__":
    main()
