"""Crafted captures, with Scapy: link types, tags, extension headers, beginnings and ends, overlaps, damage.

Everything here is the same in every run. make(folder, names) writes them.
"""
import os
import random
import struct

from scapy.all import (ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Padding, PadN, Raw, fragment, fragment6)

A4, B4, A6, B6 = "198.51.100.1", "203.0.113.7", "2001:db8:1::1", "2001:db8:2::7"
ETH = dict(src="02:00:00:00:01:01", dst="02:00:00:00:01:02")
START = 1_700_000_000 * 10**9
LINK = {"ether": 1, "raw": 101, "null": 0, "loop": 108, "sll": 113, "sll2": 276, "ipv4": 228, "ipv6": 229}


def data(length, seed):
    return random.Random(seed).randbytes(length)


# --- Files ---------------------------------------------------------------------------------------

def pcap(path, packets, link="ether", nano=True, snaplen=262144, order="<", cut=None, lengths=None, step=1_000_000):
    """packets: bytes, or (time ns, bytes). cut: bytes captured of each. lengths: {index: (captured, on the wire)} as written."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    out = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, snaplen, LINK[link])
    for i, entry in enumerate(packets):
        when, packet = entry if isinstance(entry, tuple) else (START + i * step, entry)
        packet = bytes(packet)
        kept = packet[:cut] if cut else packet
        sizes = (lengths or {}).get(i, (len(kept), len(packet)))
        out += struct.pack(order + "IIII", when // 10**9, when % 10**9 // (1 if nano else 1000), *sizes) + kept
    with open(path, "wb") as file:
        file.write(out)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def pcapng(path, packets, resolutions=(9,), links=(1,), simple=False, comment=b"made for the corpus"):
    """One interface per resolution; packets go to them in turn."""
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(1, comment) + option(0, b""))
    for i, resolution in enumerate(resolutions):
        out += block(1, struct.pack("<HHI", links[i % len(links)], 0, 0) + option(9, bytes([resolution])) + option(0, b""))
    for i, packet in enumerate(packets):
        packet = bytes(packet)
        port = i % len(resolutions)
        if simple:
            out += block(3, struct.pack("<I", len(packet)) + packet)
            continue
        ticks = (START + i * 1_000_000) // 10 ** (9 - resolutions[port])
        head = struct.pack("<IIIII", port, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
        padded = packet + b"\0" * (-len(packet) % 4)
        out += block(6, head + padded + (option(1, b"a comment") + option(0, b"") if i % 5 == 0 else b""))
        if i % 7 == 0:
            out += block(0x0BAD, b"unknown to all")
    with open(path, "wb") as file:
        file.write(out)


# --- Conversations -----------------------------------------------------------------------------------

def ip(version, side, **fields):
    ends = ((A4, B4), (A6, B6))[version == 6]
    return (IPv6 if version == 6 else IP)(src=ends[side], dst=ends[1 - side], **fields)


class Talk:
    """A TCP conversation, packet by packet, as both ends would send it."""
    def __init__(self, version=4, isn=(1000, 9000), ports=(40000, 80), link=True, between=None, options=True, scale=7):
        self.version, self.seq, self.ports, self.link, self.between = version, list(isn), ports, link, between
        self.options, self.scale, self.packets, self.clock = options, scale, [], 5000

    def layers(self, side):
        packet = ip(self.version, side)
        for layer in self.between or ():
            packet = packet / layer
        return packet

    def segment(self, side, flags, payload=b"", seq=None, ack=None, **fields):
        stamp = [("NOP", None), ("NOP", None), ("Timestamp", (self.clock, 0))] if self.options else []
        self.clock += 1
        options = fields.pop("options", stamp)
        tcp = TCP(sport=self.ports[side], dport=self.ports[1 - side], flags=flags,
                  seq=(self.seq[side] if seq is None else seq) % 2**32,
                  ack=(self.seq[1 - side] if ack is None else ack) % 2**32 if "A" in flags else 0,
                  window=fields.pop("window", 2000), options=options, **fields)
        packet = self.layers(side) / tcp
        if payload:
            packet = packet / Raw(payload)
        return self.frame(packet)

    def frame(self, packet):
        return Ether(**ETH) / packet if self.link else packet

    def add(self, *args, **fields):
        self.packets.append(self.segment(*args, **fields))

    def open(self):
        options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (self.clock, 0)), ("NOP", None), ("WScale", self.scale)]
        options = options if self.options else [("MSS", 1460)]
        self.add(0, "S", options=options)
        self.seq[0] += 1
        self.add(1, "SA", options=options)
        self.seq[1] += 1
        self.add(0, "A")
        return self

    def send(self, side, payload, size=1000, acked=True):
        for at in range(0, len(payload), size):
            piece = payload[at:at + size]
            self.add(side, "PA", piece)
            self.seq[side] += len(piece)
        if acked:
            self.add(1 - side, "A")
        return self

    def close(self):
        for side in (0, 1):
            self.add(side, "FA")
            self.seq[side] += 1
        self.add(0, "A")
        return self


def plain(**fields):
    return Talk(**fields).open().send(0, data(5000, 1)).send(1, data(7000, 2)).close().packets


def tagged(packets, *tags):
    out = []
    for packet in packets:
        inner = packet.payload.copy()
        for tag in reversed(tags):
            inner = tag.copy() / inner
        out.append(Ether(**ETH) / inner)
    return out


def cooked(packets, version=1):
    out = []
    for i, packet in enumerate(packets):
        kind = 0x86DD if packet.version == 6 else 0x0800
        if version == 1:
            head = struct.pack(">HHH8sH", (0, 4)[i % 2], 1, 6, bytes.fromhex("020000000101") + b"\0\0", kind)
        else:
            head = struct.pack(">HHIHBB8s", kind, 0, 3, 1, (0, 4)[i % 2], 6, bytes.fromhex("020000000101") + b"\0\0")
        out.append(head + bytes(packet))
    return out


def family(packets, order):
    return [struct.pack(order + "I", 30 if packet.version == 6 else 2) + bytes(packet) for packet in packets]


# --- What order and numbers do ---------------------------------------------------------------------------

def shuffled(version=4, isn=(1000, 9000)):
    talk = Talk(version, isn=isn).open()
    payload = data(30000, 3)
    pieces = [(at, payload[at:at + 997]) for at in range(0, len(payload), 997)]
    base = talk.seq[0]
    random.Random(5).shuffle(pieces)
    for at, piece in pieces + pieces[:9]:
        talk.add(0, "A", piece, seq=base + at)
    talk.seq[0] += len(payload)
    return talk.close().packets


def overlapping():
    talk = Talk().open()
    payload = data(6000, 4)
    base = talk.seq[0]
    for at, size in ((0, 500), (400, 700), (2000, 1000), (1500, 800), (1100, 400), (900, 2500), (3000, 1000), (2500, 2000),
                     (4400, 100), (4000, 2000)):
        talk.add(0, "PA", payload[at:at + size], seq=base + at)
    talk.seq[0] += len(payload)
    return talk.close().packets


def keepalives():
    talk = Talk().open().send(0, data(2000, 5))
    talk.add(0, "A", b"\0", seq=talk.seq[0] - 1)
    talk.add(0, "A", seq=talk.seq[0] - 1)
    talk.add(1, "A")
    talk.send(0, data(2000, 6))
    talk.add(1, "A", window=0)
    talk.add(0, "A", data(1, 7))  # a probe of the closed window, which the receiver throws away
    talk.add(1, "A", window=0)
    talk.add(1, "A")
    talk.send(0, data(1, 7) + data(999, 8))
    return talk.close().packets


def two_answers():
    """A server (or a box before it) that answers a SYN sent twice with two numbers, and goes on with the first."""
    talk = Talk()
    talk.add(0, "S", options=[("MSS", 1460), ("SAckOK", b"")])
    talk.add(0, "S", options=[("MSS", 1460), ("SAckOK", b"")])
    talk.seq[0] += 1
    talk.add(1, "SA", options=[("MSS", 1460), ("SAckOK", b"")])
    talk.add(1, "SA", seq=160_000_000, options=[("MSS", 1460), ("SAckOK", b"")])
    talk.seq[1] += 1
    talk.add(0, "A")
    return talk.send(0, data(1500, 60)).send(1, data(2500, 61)).close().packets


def before_beginning():
    """Begun before the capture, and the first packet was lost and came again behind the second."""
    packets = Talk().open().send(0, data(4000, 62)).close().packets[3:]
    return [packets[1], packets[0]] + packets[2:]


def end_first():
    packets = Talk().open().send(0, data(900, 67)).close().packets
    return [(START, packets[5]), (START + 10**9, packets[3])]  # from its middle on, the FIN a second before the data


def behind_end():
    talk = Talk().open().send(0, data(1500, 63)).close()
    return talk.send(0, data(700, 64)).packets


def syn_data():
    talk = Talk()
    talk.add(0, "S", b"in the SYN", options=[("MSS", 1460), ("SAckOK", b"")])
    talk.seq[0] += 11
    talk.add(1, "SA", options=[("MSS", 1460), ("SAckOK", b"")])
    talk.seq[1] += 1
    talk.add(0, "A")
    return talk.send(0, b" and behind it" * 50).send(1, data(3000, 9)).close().packets


def far_ahead():
    """A hole, and more data behind it than a window of 2 MiB; then what was missing."""
    talk = Talk(scale=10).open()
    base, size = talk.seq[0], 30000
    filler = bytes(size)
    for i in range(1, 90):
        talk.add(0, "A", filler, seq=base + i * size)
    talk.add(0, "A", filler, seq=base)
    talk.seq[0] += 90 * size
    return talk.close().packets


def slow_retransmission():
    """What fills a gap comes after 40 s, while others go on; what lies behind it is not sent again."""
    talk, other = Talk().open(), Talk(ports=(41000, 80)).open()
    payload, base = data(5000, 77), talk.seq[0]
    packets = [(START + i * 10**6, bytes(packet)) for i, packet in enumerate(talk.packets + other.packets)]
    for i in range(1, 5):
        packets.append((START + 10**7 + i, bytes(talk.segment(0, "A", payload[i * 1000:i * 1000 + 1000], seq=base + i * 1000))))
    for i in range(80):
        packets.append((START + 10**9 + i * 5 * 10**8, bytes(other.segment(0, "PA", b"tick"))))
        other.seq[0] += 4
    packets.append((START + 42 * 10**9, bytes(talk.segment(0, "A", payload[:1000], seq=base))))
    talk.seq[0] += 5000
    talk.packets.clear()
    return packets + [(START + 43 * 10**9 + i * 10**6, bytes(packet)) for i, packet in enumerate(talk.close().packets)]


def resets():
    talk = Talk().open().send(0, data(3000, 10), acked=False)
    talk.add(0, "RA")
    second = Talk(ports=(40001, 80)).open().send(1, data(3000, 11))
    second.add(0, "R", seq=second.seq[0])
    third = Talk(ports=(40002, 81))
    third.add(0, "S")
    third.seq[0] += 1
    third.add(1, "RA")
    return talk.packets + second.packets + third.packets


def reused():
    packets = []
    for i in range(4):
        packets += Talk(isn=(1000 + i * 777777, 9000 + i * 10**6)).open().send(0, data(1500, 20 + i)).close().packets
    return packets


def both_begin():
    """A simultaneous open."""
    talk = Talk()
    talk.add(0, "S", options=[("MSS", 1460)])
    talk.add(1, "S", options=[("MSS", 1460)])
    talk.add(0, "SA", ack=9001, options=[("MSS", 1460)])
    talk.add(1, "SA", ack=1001, options=[("MSS", 1460)])
    talk.seq = [1001, 9001]
    return talk.send(0, data(2000, 30)).send(1, data(2000, 31)).close().packets


def lost_piece():
    talk = Talk().open().send(0, data(3000, 40))
    packets = talk.send(0, data(3000, 41)).close().packets
    del packets[8]  # never captured, never sent again
    return packets


# --- UDP, fragments, extension headers ------------------------------------------------------------------------

def datagram(side, payload, version=4, **fields):
    return Ether(**ETH) / ip(version, side, **fields) / UDP(sport=(5000, 6000)[side], dport=(6000, 5000)[side]) / Raw(payload)


def multicast():
    packets = []
    for i in range(40):
        group = f"239.1.2.{i % 4}"
        mac = f"01:00:5e:01:02:{i % 4:02x}"
        packets.append(Ether(src=ETH["src"], dst=mac) / IP(src=A4, dst=group, ttl=1) / UDP(sport=3000, dport=30001) /
                       Raw(struct.pack(">I", i) + data(i * 11 % 300, i)))
        packets.append(Ether(src=ETH["src"], dst="33:33:00:00:01:%02x" % (i % 4)) / IPv6(src=A6, dst=f"ff15::100:{i % 4}") /
                       UDP(sport=3000, dport=30002) / Raw(data(200, i)))
    return packets


def pieces(version, order):
    packets = []
    for i in range(6):
        whole = ip(version, i % 2, **({"id": 100 + i} if version == 4 else {}))
        if version == 4:
            parts = fragment(whole / UDP(sport=(5000, 6000)[i % 2], dport=(6000, 5000)[i % 2]) / Raw(data(4000, i)), 1200)
        else:
            parts = fragment6(whole / IPv6ExtHdrFragment(id=100 + i) / UDP(sport=(5000, 6000)[i % 2], dport=(6000, 5000)[i % 2]) /
                              Raw(data(4000, i)), 1280)
        parts = [Ether(**ETH) / part for part in parts]
        packets += {"forth": parts, "back": parts[::-1], "mixed": parts[1:] + parts[:1] + parts[-1:]}[order]
    return packets


def tcp_pieces():
    packets = []
    for packet in plain():
        packets += [Ether(**ETH) / part for part in fragment(packet.payload, 504)]
    return packets


def lonely_piece():
    parts = [Ether(**ETH) / part for part in fragment(IP(src=A4, dst=B4, id=7) / UDP(sport=5000, dport=6000) / Raw(data(3000, 1)), 1200)]
    return [datagram(0, b"before"), *parts[:2], datagram(0, b"behind"), parts[1]] + \
        [Ether(**ETH) / part for part in fragment(IP(src=B4, dst=A4, id=9) / UDP(sport=6000, dport=5000) / Raw(data(3000, 2)), 1200)][1:]


def extensions():
    hops = IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])
    options = IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)])
    return Talk(6, between=[hops, options]).open().send(0, data(5000, 1)).send(1, data(4000, 2)).close().packets + \
        [Ether(**ETH) / ip(6, i % 2) / hops / options / UDP(sport=(5000, 6000)[i % 2], dport=(6000, 5000)[i % 2]) / Raw(data(300, i))
         for i in range(6)] + \
        [Ether(**ETH) / ip(6, 0) / IPv6ExtHdrFragment(id=5) / UDP(sport=5000, dport=6000) / Raw(b"atomic")]


def routed():
    header = IPv6ExtHdrRouting(type=2, segleft=0, addresses=[B6])
    return [Ether(**ETH) / ip(6, 0) / header / UDP(sport=5000, dport=6000) / Raw(b"past its route" * 9)] + [datagram(0, b"x", 6)]


def ip_options():
    options = b"\x01\x01\x01\x00"
    return [Ether(**ETH) / IP(src=A4, dst=B4, options=[]) / UDP(sport=5000, dport=6000) / Raw(b"none"),
            Ether(**ETH) / Raw(raw_ip4(options, 17, struct.pack(">HHHH", 5000, 6000, 8 + 300, 0) + data(300, 1)))]


def raw_ip4(options, proto, body, src=A4, dst=B4):
    from scapy.all import IPOption_NOP
    packet = IP(src=src, dst=dst, proto=proto, options=[IPOption_NOP()] * len(options)) / Raw(body)
    return bytes(Ether(**ETH) / packet)[14:]


# --- Wrong ones ---------------------------------------------------------------------------------------------------

def offloaded():
    """What a sender's own capture has: the sum of the pseudo-header alone in TCP and UDP, nothing in UDP's of one."""
    out = []
    for packet in plain() + [datagram(i % 2, data(100 + i, i)) for i in range(6)]:
        body = bytearray(bytes(packet))
        length = len(body) - 34
        words = body[26:34] + struct.pack(">HH", body[23], length)
        total = sum(struct.unpack(">6H", words))
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        struct.pack_into(">H", body, 50 if body[23] == 6 else 40, total)
        out.append(bytes(body))
    return out


def offloaded_large():
    """A Windows sender's large segments: the sum of the pseudo-header with a length of 0."""
    talk = Talk().open().send(0, data(24000, 65), size=8000).send(1, data(2000, 66)).close()
    out = []
    for packet in talk.packets:
        body = bytearray(bytes(packet))
        if len(body) > 1514:
            total = sum(struct.unpack(">4H", body[26:34])) + body[23]
            struct.pack_into(">H", body, 50, (total & 0xFFFF) + (total >> 16))
        out.append(bytes(body))
    return out


def big_segments():
    """Segmentation left to the NIC: segments of 60 KB, one without a length in its IP header."""
    talk = Talk().open().send(0, data(180000, 3), size=60000).send(1, data(65000, 4), size=65000).close()
    packets = [bytearray(bytes(packet)) for packet in talk.packets]
    packets[4][16:18] = b"\0\0"
    packets[4][24:26] = b"\0\0"
    return [bytes(packet) for packet in packets]


def corrupt():
    """Every fifth segment comes damaged first, then right."""
    out = []
    for i, packet in enumerate(plain()):
        body = bytearray(bytes(packet))
        if i % 5 == 3:
            broken = bytearray(body)
            broken[-1] ^= 0x55
            out.append(bytes(broken))
        out.append(bytes(body))
    return out


def malformed():
    good = plain()
    wrong = [b"\x02\0\0\0\1\2\x02\0\0\0\1\1\x08\0", Ether(**ETH) / Raw(b"\x45"), Ether(**ETH, type=0x0800) / Raw(b"\x45" * 19),
             Ether(**ETH) / IP(src=A4, dst=B4, ihl=4) / TCP(), Ether(**ETH) / IP(src=A4, dst=B4, ihl=15) / TCP(),
             Ether(**ETH) / IP(src=A4, dst=B4, len=1400) / TCP(), Ether(**ETH) / IP(src=A4, dst=B4, len=19) / TCP(),
             Ether(**ETH) / IP(src=A4, dst=B4, version=7) / TCP(),
             Ether(**ETH) / IP(src=A4, dst=B4) / TCP(dataofs=2), Ether(**ETH) / IP(src=A4, dst=B4) / TCP(dataofs=15),
             Ether(**ETH) / IP(src=A4, dst=B4, proto=6) / Raw(b"\0" * 12),
             Ether(**ETH) / IP(src=A4, dst=B4) / UDP(len=4), Ether(**ETH) / IP(src=A4, dst=B4) / UDP(len=900) / Raw(b"abc"),
             Ether(**ETH) / IP(src=A4, dst=B4, frag=8189, flags="MF", proto=17) / Raw(b"\0" * 64),
             Ether(**ETH) / IP(src=A4, dst=B4, flags="MF", proto=6) / Raw(b"\0" * 8),
             Ether(**ETH) / IPv6(src=A6, dst=B6, plen=2000) / TCP(), Ether(**ETH) / IPv6(src=A6, dst=B6, nh=0) / Raw(b"\x06\xff"),
             Ether(**ETH) / IPv6(src=A6, dst=B6, nh=60) / Raw(b"\x3c\x00" + b"\0" * 6) ,
             Ether(**ETH) / IPv6(src=A6, dst=B6, nh=44) / Raw(b"\x11\0\0\1"),
             Ether(**ETH, type=0x8100) / Raw(b"\0"), Ether(**ETH, type=0x8100) / Raw(b"\0\1\x81\0\0\1\x81\0\0\1"),
             Ether(**ETH) / IP(src=A4, dst=B4) / TCP(flags="SFRPAU", sport=1, dport=2) / Raw(b"christmas"),
             Ether(**ETH) / IP(src=A4, dst=B4) / TCP(flags=0, sport=3, dport=4) / Raw(b"nothing"),
             Ether(**ETH) / IP(src=A4, dst=A4) / TCP(flags="S", sport=5, dport=5),
             Ether(**ETH) / IP(src="255.255.255.255", dst="0.0.0.0") / UDP(sport=0, dport=0) / Raw(b"nowhere"),
             Ether(**ETH) / IP(src=A4, dst=B4) / ICMP(), Ether(**ETH, type=0x0806) / Raw(b"\0" * 28)]
    out = []
    for i, packet in enumerate(good):
        out.append(packet)
        out += wrong[i * 2:i * 2 + 2]
    return out + wrong[2 * len(good):]


def late(seconds):
    """The seventh packet is written behind those that came in that many seconds after it."""
    packets = [(START + i * 10**8, bytes(packet)) for i, packet in enumerate(plain(options=True))]
    moved = packets.pop(6)
    at = next(i for i, (when, _) in enumerate(packets) if when > moved[0] + seconds * 10**9)
    packets.insert(at, moved)
    return packets


def interleaved():
    talks = [Talk(ports=(41000 + i, 80), isn=(2**32 - 3000 + i, 2**31 + i)).open().send(0, data(2500, i)).send(1, data(2500, 50 + i))
             .close().packets for i in range(12)]
    out = []
    while any(talks):
        for talk in talks:
            out += talk[:1]
            del talk[:1]
    return out


def names(folder):
    def at(name):
        return os.path.join(folder, name)
    ether, raw4, raw6 = plain(), plain(link=False), plain(version=6, link=False)
    middle = Talk(scale=9).open().send(0, data(4000, 1)).send(1, data(4000, 2)).send(0, data(4000, 3)).close().packets
    return {
        "c_plain.pcap": lambda n: pcap(at(n), ether),
        "c_micro.pcap": lambda n: pcap(at(n), ether, nano=False),
        "c_big_endian.pcap": lambda n: pcap(at(n), ether, order=">"),
        "c_ip6.pcap": lambda n: pcap(at(n), plain(version=6)),
        "c_vlan.pcap": lambda n: pcap(at(n), tagged(ether, Dot1Q(vlan=100)) + tagged(plain(version=6), Dot1Q(vlan=7, prio=5))),
        "c_qinq.pcap": lambda n: pcap(at(n), tagged(ether, Dot1AD(vlan=10), Dot1Q(vlan=20))),
        "c_cooked.pcap": lambda n: pcap(at(n), cooked(raw4 + raw6), "sll"),
        "c_cooked2.pcap": lambda n: pcap(at(n), cooked(raw4 + raw6, 2), "sll2"),
        "c_raw.pcap": lambda n: pcap(at(n), raw4 + raw6, "raw"),
        "c_raw4.pcap": lambda n: pcap(at(n), raw4, "ipv4"),
        "c_raw6.pcap": lambda n: pcap(at(n), raw6, "ipv6"),
        "c_null.pcap": lambda n: pcap(at(n), family(raw4 + raw6, "<"), "null"),
        "c_null_big.pcap": lambda n: pcap(at(n), family(raw4 + raw6, ">"), "null", order=">"),
        "c_loop.pcap": lambda n: pcap(at(n), family(raw4 + raw6, ">"), "loop"),
        "c_ng.pcapng": lambda n: pcapng(at(n), ether),
        "c_ng_interfaces.pcapng": lambda n: pcapng(at(n), ether, (9, 6, 3)),
        "c_ng_links.pcapng": lambda n: pcapng(at(n), ether, (9, 9), (1, 113)),
        "c_ng_simple.pcapng": lambda n: pcapng(at(n), ether, simple=True),
        "c_shuffled.pcap": lambda n: pcap(at(n), shuffled()),
        "c_wrap.pcap": lambda n: pcap(at(n), shuffled(6, (2**32 - 12345, 2**32 - 1))),
        "c_overlaps.pcap": lambda n: pcap(at(n), overlapping()),
        "c_keepalives.pcap": lambda n: pcap(at(n), keepalives()),
        "c_slow_retransmission.pcap": lambda n: pcap(at(n), slow_retransmission()),
        "c_two_answers.pcap": lambda n: pcap(at(n), two_answers()),
        "c_before_beginning.pcap": lambda n: pcap(at(n), before_beginning()),
        "c_end_first.pcap": lambda n: pcap(at(n), end_first()),
        "c_behind_end.pcap": lambda n: pcap(at(n), behind_end()),
        "c_syn_data.pcap": lambda n: pcap(at(n), syn_data()),
        "c_resets.pcap": lambda n: pcap(at(n), resets()),
        "c_reused.pcap": lambda n: pcap(at(n), reused()),
        "c_both_begin.pcap": lambda n: pcap(at(n), both_begin()),
        "c_middle.pcap": lambda n: pcap(at(n), middle[6:]),
        "c_answer_first.pcap": lambda n: pcap(at(n), middle[1:]),
        "c_interleaved.pcap": lambda n: pcap(at(n), interleaved()),
        "c_lost.pcap": lambda n: pcap(at(n), lost_piece()),
        "c_multicast.pcap": lambda n: pcap(at(n), multicast()),
        "c_pieces.pcap": lambda n: pcap(at(n), pieces(4, "forth")),
        "c_pieces_back.pcap": lambda n: pcap(at(n), pieces(4, "back")),
        "c_pieces_mixed.pcap": lambda n: pcap(at(n), pieces(4, "mixed")),
        "c_pieces6.pcap": lambda n: pcap(at(n), pieces(6, "forth")),
        "c_pieces6_back.pcap": lambda n: pcap(at(n), pieces(6, "back")),
        "c_tcp_pieces.pcap": lambda n: pcap(at(n), tcp_pieces()),
        "c_lonely_piece.pcap": lambda n: pcap(at(n), lonely_piece()),
        "c_extensions.pcap": lambda n: pcap(at(n), extensions()),
        "c_routed.pcap": lambda n: pcap(at(n), routed()),
        "c_ip_options.pcap": lambda n: pcap(at(n), ip_options()),
        "c_offloaded.pcap": lambda n: pcap(at(n), offloaded()),
        "c_offloaded_verified.pcap": lambda n: pcap(at(n), offloaded()[:12]),
        "c_offloaded_large.pcap": lambda n: pcap(at(n), offloaded_large()),
        "c_big_segments.pcap": lambda n: pcap(at(n), big_segments()),
        "c_corrupt.pcap": lambda n: pcap(at(n), corrupt()),
        "c_malformed.pcap": lambda n: pcap(at(n), malformed()),
        "c_snapped.pcap": lambda n: pcap(at(n), ether + [datagram(0, data(900, 1))], snaplen=96, cut=96),
        "c_snapped_headers.pcap": lambda n: pcap(at(n), ether, snaplen=40, cut=40),
        "c_late.pcap": lambda n: pcap(at(n), late(0.5)),
        "c_too_late.pcap": lambda n: pcap(at(n), late(1.2)),
        "c_torn.pcap": lambda n: (pcap(at(n), ether), os.truncate(at(n), os.path.getsize(at(n)) - 600)),
        "c_torn_header.pcap": lambda n: (pcap(at(n), ether), os.truncate(at(n), 24 + 16 + 74 + 9)),
        "c_bad_length.pcap": lambda n: pcap(at(n), ether, lengths={5: (0x7FFFFFFF, 0x7FFFFFFF)}),
        "c_bad_block.pcapng": lambda n: (pcapng(at(n), ether), damage(at(n), 2652)),
        "c_empty.pcap": lambda n: pcap(at(n), []),
        "c_wrong_link.pcap": lambda n: (pcap(at(n), ether), patch(at(n), 20, struct.pack("<I", 105))),
        "c_no_capture.pcap": lambda n: write(at(n), b"GET / HTTP/1.1\r\n" * 20),
        "c_nothing.pcap": lambda n: write(at(n), b""),
    }


def write(path, body):
    with open(path, "wb") as file:
        file.write(body)


def patch(path, at, body):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(body)


def damage(path, at):
    patch(path, at, b"\xff" * 24)


def make(folder, wanted):
    random.seed(1)
    for name, maker in names(folder).items():
        if not wanted or name in wanted or name.split(".")[0] in wanted:
            maker(name)
            print(name, os.path.getsize(os.path.join(folder, name)))
