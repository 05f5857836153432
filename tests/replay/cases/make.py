#!/usr/bin/env python3
"""Makes the captures of the cases: make.py [FOLDER]. No tools but Python; the same bytes every time.

echo.pcap      a client of an echo service: three requests, the second in two segments
request.pcap   a client of a line protocol: two requests with their answers
"""
import os
import struct
import sys

CLIENT, SERVER = bytes([198, 51, 100, 10]), bytes([198, 51, 100, 20])
MAC = {CLIENT: bytes.fromhex("020000000a01"), SERVER: bytes.fromhex("020000000a02")}
SYN, ACK, PSH, FIN = 2, 16, 8, 1


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Talk:
    """One connection, packet by packet."""

    def __init__(self, path, port):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        self.time_ns = 1_700_000_000_000_000_000
        self.seq = {CLIENT: 0x10000000, SERVER: 0x20000000}
        self.ports = {CLIENT: 50001, SERVER: port}
        self.ident = 1

    def send(self, who, flags, data=b"", options=b"", gap_us=1000):
        peer = SERVER if who == CLIENT else CLIENT
        self.time_ns += gap_us * 1000
        ack = self.seq[peer] if flags & ACK else 0
        tcp = struct.pack("!HHIIBBHHH", self.ports[who], self.ports[peer], self.seq[who], ack,
                          (20 + len(options)) << 2, flags, 64240, 0, 0) + options + data
        pseudo = who + peer + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), self.ident, 0x4000, 64, 6, 0) + who + peer
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        frame = MAC[peer] + MAC[who] + b"\x08\x00" + ip + tcp
        self.file.write(struct.pack("<IIII", self.time_ns // 10**9, self.time_ns % 10**9, len(frame), len(frame)) + frame)
        self.ident += 1
        self.seq[who] += len(data) + bool(flags & SYN) + bool(flags & FIN)

    def open(self):
        options = struct.pack("!BBH", 2, 4, 1460)
        self.send(CLIENT, SYN, options=options)
        self.send(SERVER, SYN | ACK, options=options)
        self.send(CLIENT, ACK, gap_us=50)

    def say(self, who, data, gap_us=1000):
        for at in range(0, len(data), 1460):
            self.send(who, PSH | ACK, data[at:at + 1460], gap_us=gap_us if at == 0 else 20)
        self.send(SERVER if who == CLIENT else CLIENT, ACK, gap_us=40)

    def close(self):
        self.send(CLIENT, FIN | ACK, gap_us=2000)
        self.send(SERVER, FIN | ACK)
        self.send(CLIENT, ACK, gap_us=50)
        self.file.close()


def echo(path):
    talk = Talk(path, 7001)
    talk.open()
    for size in (5, 2000, 300):
        data = bytes((i * 7 + size) & 0xff for i in range(size))
        talk.say(CLIENT, data, gap_us=5000)
        talk.say(SERVER, data)
    talk.close()


def request(path):
    talk = Talk(path, 8001)
    talk.open()
    for ask, answer in ((b"TIME\r\n", b"12:00\r\n"), (b"PRICE ACME\r\n", b"ACME 101.25\r\n")):
        talk.say(CLIENT, ask, gap_us=3000)
        talk.say(SERVER, answer, gap_us=700)
    talk.close()


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    echo(os.path.join(folder, "echo.pcap"))
    request(os.path.join(folder, "request.pcap"))


if __name__ == "__main__":
    main()
