"""The server of files (tests/api/programs/file_server.c) on a port of Winlane's, the kernel as its clients."""
import hashlib
import os
import socket
import struct
import threading
import time

from net_lib import Skipped, check

HEAD, TAIL, TAIL_TEXT = 32, 16, b"-- end of it --\n"
FAR_AWAY = 5 << 30
CONTENT = int(os.environ.get("WINLANE_FILES_BYTES", "6000000"))
HOWS, HEAD_ONLY, REUSE = 5, 4, 8
PORT = 7301

CONFIG = """[engine]
buffer_memory = 64MiB
[port wl0]
driver = dpdk
dpdk.device = net_af_packet0,iface=wl0
dpdk.hugepages = no
address = 10.79.0.1/24
"""


def file_make(path):
    """The content twice: at 0 and behind 5 GiB of nothing."""
    content = os.urandom(1 << 20) * (CONTENT // (1 << 20) + 1)
    with open(path, "wb") as out:
        for offset in (0, FAR_AWAY):
            out.seek(offset)
            out.write(content[:CONTENT])
    return memoryview(content)[:CONTENT]


def take(sock, count):
    """So many bytes, or what came before the end."""
    parts, got = [], 0
    while got < count:
        part = sock.recv(min(count - got, 1 << 18))
        if not part:
            break
        parts.append(part)
        got += len(part)
    return b"".join(parts)


def connect(lab):
    for _ in range(200):
        sock = lab.socket("p", socket.AF_INET, socket.SOCK_STREAM, seconds=60)
        if sock.connect_ex(("10.79.0.1", PORT)) == 0:
            return sock
        sock.close()
        time.sleep(0.05)  # it may just be starting
    return None


def ask(sock, content, number, length=None):
    """One response; the digests are compared. True: the server ends the connection."""
    length = length or 1000 + number * 7919 % min(CONTENT - 1000, 400000)
    offset = number * 104729 % (CONTENT - length + 1)
    how, reuse = number % HOWS, number % 4 == 3
    far = FAR_AWAY if number % 3 == 2 else 0
    sock.sendall(f"GET {offset + far} {length} {how | (REUSE if reuse else 0)}".encode().ljust(64))
    length = 0 if how == HEAD_ONLY else length
    head = take(sock, HEAD)
    check(head.split() == [b"OK", str(length).encode()], f"head {head}")
    if number % 25 == 11:
        take(sock, length // 3)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True
    body = hashlib.sha256(take(sock, length)).digest()
    check(body == hashlib.sha256(content[offset:offset + length]).digest(), f"digest of request {number}")
    check(take(sock, TAIL) == TAIL_TEXT, "tail")
    if reuse:
        check(sock.recv(1) == b"", "no end")
    return reuse


def case_files(lab):
    server = os.path.join(os.path.dirname(lab.agent_path), "..", "api", "file_server")
    if not os.path.exists(server):
        raise Skipped("file_server was not built")
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.79.0.2/24")
    requests, clients = 160, 20
    path, config = lab.path("content"), lab.path("files.ini")
    content = file_make(path)
    with open(config, "w", encoding="utf-8") as out:
        out.write(CONFIG)
    child = lab.child("env", f"WINLANE_CONFIG={config}", server, "10.79.0.1", str(PORT), path, str(requests + 1), ns="w")
    failures = []

    def client(first):
        sock = None
        try:
            for number in range(first, requests, clients):
                sock = sock or connect(lab)
                check(sock is not None, "no connection")
                if ask(sock, content, number):
                    sock.close()
                    sock = None
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)
        finally:
            if sock:
                sock.close()

    threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, f"{failures[:3]}")
    began = time.monotonic()
    sock = connect(lab)
    check(sock is not None, "no connection")
    ask(sock, content, 0, CONTENT)  # all of it, by one TransmitFile
    print(f"files: {CONTENT} bytes with one call in {time.monotonic() - began:.2f} s, SHA-256 equal", flush=True)
    sock.close()
    check(child.wait(20) == 0, "the server's own judgement")


CASES = {"files": case_files}
