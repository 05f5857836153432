"""The server that recycles its sockets (tests/api/programs/recycling_server.c) on a port of Winlane's, the kernel as its clients."""
import os
import socket
import struct
import subprocess
import threading
import time

from net_lib import Failed, Skipped, check

COUNT = int(os.environ.get("WINLANE_RECYCLE_CONNECTIONS", "6000"))
SOURCES = ("10.79.0.2", "10.79.0.3", "10.79.0.4", "10.79.0.5")
SERVER = ("10.79.0.1", 7401)
THREADS, SILENT, SILENT_SECONDS = 16, 4, 2
IP_BIND_ADDRESS_NO_PORT = 24

CONFIG = """[engine]
buffer_memory = 64MiB
[port wl0]
driver = dpdk
dpdk.device = net_af_packet0,iface=wl0
dpdk.hugepages = no
address = 10.79.0.1/24
"""


def connect(source):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(30)
    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((source, 0))
    sock.connect(SERVER)
    return sock


def echo(sock, number):
    text = bytes((number + i) & 255 for i in range(1 + number * 7919 % 600))
    if text.startswith(b"stop"):
        text = b"-" + text
    sock.sendall(text)
    back = b""
    while len(back) < len(text):
        part = sock.recv(1024)
        check(part, f"connection {number} ends within its echo")
        back += part
    check(back == text, f"the echo of connection {number}")


def finish(sock):
    sock.shutdown(socket.SHUT_WR)
    check(sock.recv(1) == b"", "data out of nothing")


def one(number):
    """Half of them end by a reset: some at once, some behind an echo."""
    with connect(SOURCES[number % len(SOURCES)]) as sock:
        if number % 8 != 0:
            echo(sock, number)
        if number % 2 == 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            finish(sock)


def silent():
    with connect(SOURCES[0]) as sock:
        sock.settimeout(SILENT_SECONDS + 2)
        try:
            sock.recv(1)
        except (TimeoutError, ConnectionResetError):
            pass


def clients(lab):
    failures = []

    def run(first):
        with lab.inside("p"):
            try:
                if first < SILENT:
                    silent()
                for number in range(first, COUNT, THREADS):
                    one(number)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, f"{failures[:3]}")


def serve(lab, config, sockets):
    """The server, and that it answers."""
    program = os.path.join(os.path.dirname(lab.agent_path), "..", "api", "recycling_server")
    if not os.path.exists(program):
        raise Skipped("recycling_server was not built")
    child = lab.child("env", f"WINLANE_CONFIG={config}", program, "serve", str(SERVER[1]), str(sockets), str(SILENT_SECONDS), ns="w")
    with lab.inside("p"):
        for _ in range(200):
            try:
                with connect(SOURCES[0]) as sock:
                    finish(sock)
                return child
            except OSError:
                time.sleep(0.05)  # it may just be starting
    raise Failed("no connection")


def last_word(lab, child, what):
    """The word that ends the server is the first that its connection says."""
    with lab.inside("p"), connect(SOURCES[0]) as sock:
        sock.sendall(b"stop")
        check(sock.recv(8) == b"stop", f"{what}: no answer to the last word")
        finish(sock)
    try:
        status = child.wait(20)
    except subprocess.TimeoutExpired:
        raise Failed(f"{what}: the last word did not end it") from None
    check(status == 0, f"{what}: the server's own judgement")


def case_recycle(lab):
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", *(f"{source}/24" for source in SOURCES))
    config = lab.path("recycle.ini")
    with open(config, "w", encoding="utf-8") as out:
        out.write(CONFIG)
    # The only socket waits for first data with its connection: AcceptEx brings the last word itself.
    last_word(lab, serve(lab, config, 1), "one socket")
    child = serve(lab, config, 100)
    began = time.monotonic()
    clients(lab)
    seconds = time.monotonic() - began
    print(f"recycle: {COUNT} connections of the kernel's through 100 sockets in {seconds:.1f} s", flush=True)
    last_word(lab, child, "100 sockets")


CASES = {"recycle": case_recycle}
