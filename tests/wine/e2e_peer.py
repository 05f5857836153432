#!/usr/bin/env python3
"""The kernel's end of the transfers: a plain TCP program of the host.

Usage: e2e_peer.py xfer listen|connect ADDRESS PORT IN OUT   both ways at once, each way ended by a half close
       e2e_peer.py ends ADDRESS PORT COUNT                   takes COUNT connections, greets each and tells how each ended
       e2e_peer.py echo TCP|UDP ADDRESS PORT                 sends back what one connection, or one datagram, brings
       e2e_peer.py ask ADDRESS PORT                          a connection, a message that must come back
"""
import concurrent.futures
import errno
import socket
import sys
import threading
import time

PATIENCE_S = 30


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener_of(address, port):
    listener = socket.socket(family_of(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)
    listener.settimeout(PATIENCE_S)
    print("ready", file=sys.stderr, flush=True)
    return listener


def connection_to(address, port):
    """To a server that may not listen yet."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection((address, port), PATIENCE_S)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def xfer(kind, address, port, in_name, out_name):
    if kind == "listen":
        with listener_of(address, int(port)) as listener:
            stream, _ = listener.accept()
    else:
        stream = connection_to(address, int(port))
    stream.settimeout(PATIENCE_S)
    failures = []

    def send_all():
        try:
            with open(in_name, "rb") as data:
                while block := data.read(1 << 18):
                    stream.sendall(block)
            stream.shutdown(socket.SHUT_WR)
        except OSError as error:
            failures.append(error)

    sender = threading.Thread(target=send_all)
    sender.start()
    with open(out_name, "wb") as out:
        while block := stream.recv(1 << 18):
            out.write(block)
    sender.join()
    stream.close()
    if failures:
        raise failures[0]


def end_of(stream):
    """How it ended, by FIN or with which error, and the bytes that came."""
    size = 0
    try:
        while data := stream.recv(65536):
            size += len(data)
    except TimeoutError:
        return "none", size
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno)), size
    return "FIN", size


def ends(address, port, count):
    streams = []
    with listener_of(address, int(port)) as listener:
        for _ in range(int(count)):
            stream, _ = listener.accept()
            stream.settimeout(PATIENCE_S)
            stream.sendall(b"hello")
            streams.append(stream)
    # All at once: whoever is not read would hold the program up.
    with concurrent.futures.ThreadPoolExecutor(len(streams)) as pool:
        found = list(pool.map(end_of, streams))
    for number, (how, size) in enumerate(found):
        print(f"end{number}", how, size)


def echo(kind, address, port):
    if kind == "TCP":
        with listener_of(address, int(port)) as listener:
            stream, _ = listener.accept()
        with stream:
            while data := stream.recv(65536):
                stream.sendall(data)
        return
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as datagrams:
        datagrams.bind((address, int(port)))
        datagrams.settimeout(PATIENCE_S)
        print("ready", file=sys.stderr, flush=True)
        datagrams.sendto(*datagrams.recvfrom(65536))


def ask(address, port):
    with connection_to(address, int(port)) as stream:
        stream.sendall(b"hello there")
        stream.shutdown(socket.SHUT_WR)
        if stream.makefile("rb").read() != b"hello there":
            sys.exit("it came back changed")


def main():
    {"xfer": xfer, "ends": ends, "echo": echo, "ask": ask}[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
