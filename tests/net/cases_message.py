"""A kernel's socket asks programs/message_receiver what came with its datagrams (tests/api/programs)."""
import os
import socket
import struct
import subprocess
import time

from net_lib import check, wait_for

PORT = 6400
SOL_UDP, UDP_SEGMENT = 17, 103
PORT_LINES = """
    address = 10.79.0.1/24
    address = 10.79.0.3/24
    address = fd79::1/64
"""
CONFIG = """[engine]
buffer_memory = 32MiB
spin = adaptive

[port w0]
driver = dpdk
dpdk.device = net_af_packet0,iface=w0
dpdk.hugepages = no
""" + "\n".join(line.strip() for line in PORT_LINES.strip().splitlines()) + "\n"
ADDRESSES = ("10.79.0.1", "10.79.0.3", "fd79::1")


class Asker:
    """A kernel socket and the questions it has asked."""

    def __init__(self, lab, family):
        self.six = family == socket.AF_INET6
        self.number = 0
        self.sock = lab.socket("p", family, socket.SOCK_DGRAM, seconds=0.3)
        if not self.six:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.79.0.2"))

    def send(self, address, data, control=()):
        self.sock.sendmsg([data], list(control), 0, (address, PORT))

    def ask(self, address, letter, rest="", size=0, control=(), answers=None):
        """The words "key=value" of the answer, which must come from the address that was asked."""
        self.number += 1
        head = f"{letter}{self.number:06d}"
        data = (head + rest).encode().ljust(size)
        for _ in range(30):
            self.send(address, data, control)
            deadline = time.monotonic() + 0.3
            while time.monotonic() < deadline:
                try:
                    reply, peer = self.sock.recvfrom(2000)
                except (TimeoutError, ConnectionRefusedError):
                    break
                if reply.startswith(head.encode()):
                    check(answers is None or peer[0] in answers, f"{peer[0]} answered for {address}")
                    return dict(word.split("=", 1) for word in reply.decode().split()[1:])
        check(False, f"{address}: no answer to {head}")
        return {}


def expect(got, **wanted):
    for key, value in wanted.items():
        check(got.get(key) == str(value), f"{key} is {got.get(key)} instead of {value}: {got}")


def marks(six, ttl, tos):
    level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
    kinds = (socket.IPV6_HOPLIMIT, socket.IPV6_TCLASS) if six else (socket.IP_TTL, socket.IP_TOS)
    return [(level, kind, struct.pack("i", value)) for kind, value in zip(kinds, (ttl, tos))]


def facts(asker, address):
    """Addresses, TTL, TOS and congestion mark (a kernel may say that there was congestion), sizes."""
    expect(asker.ask(address, "T", answers=(address,)), to=address, trunc=0, ctrunc=0, bcast=0, mcast=0, fault="none",
           stamp="good", **{"if": 1})
    expect(asker.ask(address, "T", control=marks(asker.six, 41, 0x4b)), ttl=41, tos=0x4b, ecn=3, to=address)
    expect(asker.ask(address, "T", size=1000), len=1000, trunc=0)
    expect(asker.ask(address, "T", size=1001, answers=(address,)), len=1000, trunc=1, to=address)


def bursts(asker, address):
    """Equal pieces with a shorter tail: every byte is there, and what was merged is told."""
    asker.ask(address, "U", " 60000 500")
    asker.send(address, b"B" * 3700, [(SOL_UDP, UDP_SEGMENT, struct.pack("H", 500))])
    got = wait_for(lambda: (lambda said: said if said["sum"] == "3700" else None)(asker.ask(address, "S")), 4, "all bytes")
    expect(got, untold=0)
    expect(asker.ask(address, "U", " 0 0"), fault="none")


def receiver_with(lab, mode):
    config = lab.path("receiver.ini")
    with open(config, "w", encoding="utf-8") as handle:
        handle.write(CONFIG)
    program = os.path.join(os.path.dirname(lab.agent_path), os.pardir, "api", "message_receiver")
    child = subprocess.Popen(["ip", "netns", "exec", lab.full("w"), program, str(PORT), mode, "10.79.0.1", "239.79.1.1"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "WINLANE_CONFIG": config})
    lab.children.append(child)
    check(child.stdout.readline() == "message_receiver: ready\n", "the program did not begin")
    four, six = Asker(lab, socket.AF_INET), Asker(lab, socket.AF_INET6)
    for address in ADDRESSES:
        facts(six if ":" in address else four, address)
    expect(four.ask("10.79.0.255", "T"), bcast=1, mcast=0, to="10.79.0.255")
    expect(four.ask("239.79.1.1", "T"), bcast=0, mcast=1, to="239.79.1.1")
    for room in (0, 16, 23, 24):
        four.ask(ADDRESSES[0], "C", f" {room}")
        expect(four.ask(ADDRESSES[0], "T"), ctrunc=1, fault="none", control=24 if room == 24 else 0)
    four.ask(ADDRESSES[0], "C", " 512")
    bursts(four, ADDRESSES[0])
    bursts(six, ADDRESSES[2])
    four.ask(ADDRESSES[0], "X")
    expect(four.ask(ADDRESSES[0], "T", size=90), ex=8, partial=1)
    expect(four.ask(ADDRESSES[0], "T", size=8), ex=8, partial=0)
    four.ask(ADDRESSES[0], "N")
    four.ask(ADDRESSES[0], "Q")
    check(child.wait(10) == 0, f"the program ended with {child.returncode}")


def case_message(lab):
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "w0", "p", "p0")
    lab.address("p", "p0", "10.79.0.2/24", "fd79::2/64")
    for mode in ("blocking", "port"):
        receiver_with(lab, mode)


CASES = {"message": case_message}
