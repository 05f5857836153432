"""The programs of registered I/O (tests/api/programs/rio_*.c) on a port of Winlane's, the kernel as their peer."""
import os
import re
import select
import socket
import struct
import subprocess
import threading
import time

from net_lib import check

ECHO, SERVER, FEED, EXCHANGE = 6501, 6502, 6503, 6504
OURS, KERNEL = "10.79.0.1", "10.79.0.2"
GROUPS = ("239.79.2.1", "239.79.2.2")
DATAGRAMS, WINDOW, SLICE = 3000, 32, 2048
CONNECTIONS, REQUESTS = 1000, 2
MESSAGES, EVERY = 8000, 100

CONFIG = f"""[engine]
buffer_memory = 64MiB
spin = adaptive

[port w0]
driver = dpdk
dpdk.device = net_af_packet0,iface=w0
dpdk.hugepages = no
address = {OURS}/24
"""


class Program:
    """One of the programs, whose last line has its figures."""

    def __init__(self, lab, name, *words, ready=True):
        config = lab.path(f"{name}.ini")
        with open(config, "w", encoding="utf-8") as handle:
            handle.write(CONFIG)
        path = os.path.join(os.path.dirname(lab.agent_path), os.pardir, "api", name)
        self.name = name
        self.child = subprocess.Popen(["ip", "netns", "exec", lab.full("w"), path, *map(str, words)],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, "WINLANE_CONFIG": config})
        lab.children.append(self.child)
        if ready:
            check(self.child.stdout.readline() == f"{name}: ready\n", f"{name} did not begin")

    def figures(self, seconds=20):
        """The numbers of its last line, by the word before them; it has to end well."""
        text, _ = self.child.communicate(timeout=seconds)
        check(self.child.returncode == 0, f"{self.name} ended with {self.child.returncode}: {text}")
        return {key: int(value) for key, value in re.findall(r"(\w+) (\d+)", text.splitlines()[-1])}


def lab_make(lab):
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "w0", "p", "p0")
    lab.address("p", "p0", f"{KERNEL}/24")


# --- The echo ---------------------------------------------------------------------

def datagram(number):
    return struct.pack("=I", number) + bytes((number + i) & 255 for i in range(number * 37 % 1469))


def ask(sock, data, answer):
    for _ in range(50):
        sock.send(data)
        try:
            while sock.recv(4096) != answer:
                pass
            return
        except (TimeoutError, ConnectionRefusedError):
            continue
    check(False, f"no answer to {len(data)} bytes")


def window(sock, first, count):
    """Every datagram once, and its echo: what a full queue loses is sent again."""
    wanted = {datagram(number) for number in range(first, first + count)}
    for _ in range(50):
        for data in wanted:
            sock.send(data)
        try:
            while wanted:
                wanted.discard(sock.recv(4096))
            return
        except TimeoutError:
            continue
    check(False, f"{len(wanted)} datagrams have no echo")


def case_rio_echo(lab):
    lab_make(lab)
    program = Program(lab, "rio_echo", OURS, ECHO)
    with lab.socket("p", socket.AF_INET, socket.SOCK_DGRAM, seconds=0.3) as sock:
        sock.connect((OURS, ECHO))
        ask(sock, b"?", b"?")
        for first in range(0, DATAGRAMS, WINDOW):
            window(sock, first, min(WINDOW, DATAGRAMS - first))
        for _ in range(3):
            ask(sock, b"", b"")
            ask(sock, b"L" * 3000, b"L" * SLICE)
        ask(sock, b"stop", b"stop")
    got = program.figures()
    check(got["echoed"] == got["received"] >= DATAGRAMS, f"echoes: {got}")
    check(got["cut"] >= 3 and got["aborted"] > 0, f"ends: {got}")


# --- The server ---------------------------------------------------------------------

def request(number, turn):
    length = (number * 97 + turn * 389) % 1001
    return struct.pack("=I", length) + bytes((number + turn + i) & 255 for i in range(length))


def response(data):
    return data[:4] + bytes(byte ^ 255 for byte in data[4:])


def read(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        check(part, "the connection ends within an answer")
        data += part
    return data


def finish(number, sock):
    """Half-closed, reset with an answer under way, or closed."""
    if number % 10 == 0:
        sock.sendall(request(number, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif number % 10 < 4:
        sock.shutdown(socket.SHUT_WR)
        check(sock.recv(1) == b"", "data out of nothing")
    sock.close()


def case_rio_server(lab):
    lab_make(lab)
    program = Program(lab, "rio_server", OURS, SERVER, CONNECTIONS)
    socks = [lab.socket("p", socket.AF_INET, socket.SOCK_STREAM, seconds=20) for _ in range(CONNECTIONS)]
    for sock in socks:
        sock.connect((OURS, SERVER))
    for turn in range(REQUESTS):
        for number, sock in enumerate(socks):
            sock.sendall(request(number, turn))
        for number, sock in enumerate(socks):
            wanted = response(request(number, turn))
            check(read(sock, len(wanted)) == wanted, f"another answer on connection {number}")
    for number, sock in enumerate(socks):
        finish(number, sock)
    got = program.figures()
    check(got["connections"] == CONNECTIONS and got["responses"] >= CONNECTIONS * REQUESTS, f"figures: {got}")
    check(got["grown"] > 0 and got["resets"] > 0, f"figures: {got}")


# --- The market ---------------------------------------------------------------------

class Orders:
    """How many orders came; the feed keeps to what was answered, so that a busy machine loses nothing in a queue."""

    def __init__(self):
        self.count, self.changed = 0, threading.Condition()

    def add(self):
        with self.changed:
            self.count += 1
            self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            self.changed.wait_for(lambda: self.count >= count, timeout=1)


def feed(sock, orders):
    wanted = [0, 0]  # orders for the decisions up to the last one but one, and up to the last one
    for number in range(MESSAGES):
        if number % EVERY == 0:
            orders.wait(wanted[0])
            wanted = [wanted[1], wanted[1] + 1 + number // EVERY % 8]
        data = struct.pack("=II", number, MESSAGES)
        for group in GROUPS:
            sock.sendto(data, (group, FEED))
        if number % 16 == 15:
            time.sleep(0.001)


def take(conn, orders):
    """Orders without a hole, until the end."""
    data = b""
    while part := conn.recv(65536):
        data += part
        while len(data) >= 16:
            check(data[:16] == struct.pack("=I", orders.count) + b"o" * 12, f"order {orders.count} is another one")
            data = data[16:]
            orders.add()
    check(data == b"", "half an order")


def case_rio_market(lab):
    lab_make(lab)
    with lab.listener("p", KERNEL, EXCHANGE) as listener, lab.udp("p", KERNEL) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(KERNEL))
        program = Program(lab, "rio_market", OURS, *GROUPS, FEED, KERNEL, EXCHANGE, 0, ready=False)
        check(select.select([listener], [], [], 15)[0], "the market did not connect")
        conn, _ = listener.accept()
        conn.settimeout(20)
        check(read(conn, 5) == b"begin", "the market did not begin")
        orders = Orders()
        sender = threading.Thread(target=feed, args=(sock, orders), daemon=True)
        sender.start()
        take(conn, orders)
        conn.close()
        sender.join()
        got = program.figures()
    check(got["messages"] == MESSAGES and got["orders"] == orders.count > MESSAGES // EVERY,
          f"{orders.count} orders: {got}")
    check(got["A"] > 0 and got["B"] > 0 and got["twice"] > 0, f"channels: {got}")


CASES = {"rio_echo": case_rio_echo, "rio_server": case_rio_server, "rio_market": case_rio_market}
