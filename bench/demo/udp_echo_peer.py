#!/usr/bin/env python3
"""The kernel's end of the UDP test: sends every datagram back to where it came from.

Usage: udp_echo_peer.py ADDRESS PORT
"""
import socket
import sys


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as echo:
        echo.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        echo.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        echo.bind((address, port))
        print("ready", file=sys.stderr, flush=True)
        while True:
            data, origin = echo.recvfrom(65535)
            echo.sendto(data, origin)


if __name__ == "__main__":
    main()
