"""Several ports, addresses, VLANs and MTUs."""
import os
import socket
import struct

from net_lib import (IP_DONTFRAGMENT, IPPROTO_IP, IPPROTO_IPV6, IPV6_DONTFRAG, WSAEADDRNOTAVAIL, WSAEMSGSIZE,
                     WSAETIMEDOUT, check, exchange, wait_for)

GROUP4, GROUP6 = "239.7.7.7", "ff15::77"
IGMP, ICMPV6, TCP, UDP = 2, 58, 6, 17
IGMP_REPORT3, MLD_REPORT2 = 0x22, 143
TO_IN, TO_EX = 3, 4


def records(frame):
    """The records of an IGMPv3 or MLDv2 report: (kind, group, sources)."""
    kinds = {IGMP: (IGMP_REPORT3, socket.AF_INET, 4), ICMPV6: (MLD_REPORT2, socket.AF_INET6, 16)}
    report, family, size = kinds.get(frame.proto, (None, None, None))
    if not frame.l4 or frame.l4[0] != report:
        return []
    found, at = [], 8
    for _ in range(struct.unpack("!H", frame.l4[6:8])[0]):
        kind, _, count = struct.unpack("!BBH", frame.l4[at:at + 4])
        words = [socket.inet_ntop(family, frame.l4[i:i + size])
                 for i in range(at + 4, at + 4 + size * (count + 1), size)]
        found.append((kind, words[0], words[1:]))
        at += 4 + size * (count + 1)
    return found


def says(frame, kind, group, sources=()):
    return (kind, group, list(sources)) in records(frame)


def feed_send(lab, interface, address, group, port, text):
    """A datagram of market data to the group, from the peer's side of one feed."""
    if ":" in group:
        sock = lab.socket("p", socket.AF_INET6, socket.SOCK_DGRAM)
        with lab.inside("p"):
            index = socket.if_nametoindex(interface)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.sendto(text.encode(), (group, port, 0, index))
    else:
        sock = lab.udp("p", address, 0)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sock.sendto(text.encode(), (group, port))
    sock.close()


def feeds_lab(lab):
    lab.ns("w", silent=True)
    lab.ns("p")
    for letter, net in (("a", 1), ("b", 2)):
        lab.veth("w", f"feed-{letter}", "p", f"peer-{letter}")
        lab.address("p", f"peer-{letter}", f"172.16.{net}.1/24", f"fd16:{net}::1/64")
    agent = lab.agent("w",
                      ("feed-a", "index = 10\naddress = 172.16.1.10/24\naddress = fd16:1::10/64\nrx_slots = 4096"),
                      ("feed-b", "index = 11\naddress = 172.16.2.10/24\naddress = fd16:2::10/64"))
    return agent, {"a": lab.sniff("p", "peer-a"), "b": lab.sniff("p", "peer-b")}


def feeds_join4(lab, agent, wire):
    """Joined once on each interface, by address and by index: each socket hears its feed, one with both hears both."""
    for name, port in (("sa", 5001), ("sb", 5002), ("both", 5003)):
        agent.udp(name, "0.0.0.0", port)
    agent.do(f"join4 sa {GROUP4} 172.16.1.10")
    agent.do(f"joing sb {GROUP4} 11")
    agent.do(f"join4 both {GROUP4} 0.0.0.10")
    agent.do(f"joing both {GROUP4} 11")
    agent.fails(f"join4 sa {GROUP4} 172.16.1.10", WSAEADDRNOTAVAIL)
    agent.fails(f"join4 sa {GROUP4} 172.16.9.10", WSAEADDRNOTAVAIL)
    for letter in "ab":
        wire[letter].wait(lambda f: says(f, TO_EX, GROUP4), 3, f"IGMP report on feed {letter}")
    for name, port, letter, other in (("sa", 5001, "a", "b"), ("sb", 5002, "b", "a")):
        nets = {"a": 1, "b": 2}
        feed_send(lab, f"peer-{other}", f"172.16.{nets[other]}.1", GROUP4, port, f"wrong-{name}")
        feed_send(lab, f"peer-{letter}", f"172.16.{nets[letter]}.1", GROUP4, port, f"right-{name}")
        words = agent.do(f"recvfrom {name}")
        check(words[1] == f"172.16.{nets[letter]}.1" and words[4] == f"right-{name}", f"{name} heard {words}")
        agent.do(f"set {name} 65535 4102 200")
        agent.fails(f"recvfrom {name}", WSAETIMEDOUT)
    heard = set()
    for letter, net in (("a", 1), ("b", 2)):
        feed_send(lab, f"peer-{letter}", f"172.16.{net}.1", GROUP4, 5003, f"tick-{letter}")
        words = agent.do("recvfrom both")
        heard.add((words[1], words[4]))
    check(heard == {("172.16.1.1", "tick-a"), ("172.16.2.1", "tick-b")}, f"both heard {heard}")


def feeds_leave4(lab, agent, wire):
    """What one socket leaves another still hears; with the last one the group is left on the wire."""
    agent.do(f"leave4 both {GROUP4} 172.16.1.10")
    feed_send(lab, "peer-a", "172.16.1.1", GROUP4, 5001, "still")
    check(agent.do("recvfrom sa")[4] == "still", "the other member was cut off")
    agent.do("set both 65535 4102 200")
    feed_send(lab, "peer-a", "172.16.1.1", GROUP4, 5003, "gone")
    agent.fails("recvfrom both", WSAETIMEDOUT)
    check(not wire["a"].find(lambda f: says(f, TO_IN, GROUP4)), "left on the wire while a member is there")
    agent.do(f"leave4 sa {GROUP4} 0.0.0.10")
    wire["a"].wait(lambda f: says(f, TO_IN, GROUP4), 3, "IGMP leave on feed a")
    agent.do("close sb")
    agent.do("close both")
    wire["b"].wait(lambda f: says(f, TO_IN, GROUP4), 3, "IGMP leave on feed b by closing")
    agent.do("close sa")


def feeds_v6(lab, agent, wire):
    for name, port, index in (("sa", 5001, 10), ("sb", 5002, 11)):
        agent.udp(name, "::", port)
        agent.do(f"{'join6' if name == 'sa' else 'joing'} {name} {GROUP6} {index}")
    for letter in "ab":
        wire[letter].wait(lambda f: says(f, TO_EX, GROUP6), 3, f"MLD report on feed {letter}")
    for name, port, letter, other, index in (("sa", 5001, "a", "b", 10), ("sb", 5002, "b", "a", 11)):
        feed_send(lab, f"peer-{other}", None, GROUP6, port, "wrong")
        feed_send(lab, f"peer-{letter}", None, GROUP6, port, f"right-{name}")
        words = agent.do(f"recvfrom {name}")
        check(words[4] == f"right-{name}", f"{name} heard {words}")
        # From a link-local source the scope is the interface, as the configuration numbers it.
        sock = lab.socket("p", socket.AF_INET6, socket.SOCK_DGRAM)
        with lab.inside("p"):
            peer_index = socket.if_nametoindex(f"peer-{letter}")
        local = lab.ip("p", f"-6 -o addr show dev peer-{letter} scope link").split()[3].split("/")[0]
        wait_for(lambda at=f"peer-{letter}": "tentative" not in lab.ip("p", f"-6 addr show dev {at}"), 5, "DAD")
        sock.bind((local, 0, 0, peer_index))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, peer_index)
        sock.sendto(b"local", (GROUP6, port, 0, peer_index))
        words = agent.do(f"recvfrom {name}")
        check(words[1] == local and words[3] == str(index) and words[4] == "local", f"{name} heard {words}")
        sock.close()
    agent.do(f"leave6 sa {GROUP6} 10")
    agent.do(f"leaveg sb {GROUP6} 11")
    for letter in "ab":
        wire[letter].wait(lambda f: says(f, TO_IN, GROUP6), 3, f"MLD leave on feed {letter}")


def feeds_send(lab, agent):
    """IP_MULTICAST_IF by address, and by index, chooses the feed; the peer's members hear it."""
    agent.udp("out", "0.0.0.0", 5010)
    for letter, net, how in (("a", 1, "172.16.1.10"), ("b", 2, "0.0.0.11")):
        sock = lab.udp("p", "0.0.0.0", 5020 + net)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton("239.8.8.8") + socket.inet_aton(f"172.16.{net}.1"))
        agent.do(f"mcastif out {how}")
        agent.do(f"sendto out 239.8.8.8 {5020 + net} via-{letter}")
        data, peer = sock.recvfrom(100)
        check((data, peer) == (f"via-{letter}".encode(), (f"172.16.{net}.10", 5010)), f"{data} {peer}")
        sock.close()


def case_feeds(lab):
    agent, wire = feeds_lab(lab)
    feeds_join4(lab, agent, wire)
    feeds_leave4(lab, agent, wire)
    feeds_v6(lab, agent, wire)
    feeds_send(lab, agent)
    agent.quit()


def case_addresses(lab):
    """Each address answers ARP, ND and ping, can be bound, is listed, and is chosen as source for its own network."""
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.70.1.2/24", "10.70.2.2/24", "10.70.3.2/28", "fd70:1::2/64", "fd70:2::2/64",
                "fd70:3::2/112")
    agent = lab.agent("w", ("wl0", """
        address = 10.70.1.1/24
        address = 10.70.1.77/24
        address = 10.70.2.1/24
        address = 10.70.3.1/28
        address = fd70:1::1/64
        address = fd70:1::77/64
        address = fd70:2::1/64
        address = fd70:3::1/112"""))
    fours = ["10.70.1.1", "10.70.1.77", "10.70.2.1", "10.70.3.1"]
    sixes = ["fd70:1::1", "fd70:1::77", "fd70:2::1", "fd70:3::1"]
    agent.udp("q4", "0.0.0.0", 6000)
    agent.udp("q6", "::", 6000)
    check(set(agent.do("addrs q4")[::3]) == set(fours), "SIO_ADDRESS_LIST_QUERY, IPv4")
    listed = agent.do("addrs q6")
    check(set(sixes) <= set(listed[::3]), f"SIO_ADDRESS_LIST_QUERY, IPv6: {listed}")
    locals6 = [(a, scope) for a, scope in zip(listed[::3], listed[2::3]) if a.startswith("fe80")]
    check(len(locals6) == 1 and locals6[0][1] == "2", f"link-local address: {locals6}")
    masks = dict(entry.split("/")[:2] for entry in agent.do("ifs q4"))
    check(masks.get("10.70.1.77") == "255.255.255.0" and masks.get("10.70.3.1") == "255.255.255.240", f"{masks}")
    for number, address in enumerate(fours + sixes):
        lab.ping("p", address)
        agent.udp(f"b{number}", address, 6100)
        sock = lab.udp("p", "::" if ":" in address else "0.0.0.0")
        sock.sendto(b"to", (address, 6100))
        words = agent.do(f"recvfrom b{number}")
        check(words[4] == "to", f"{address}: {words}")
        agent.do(f"sendto b{number} {words[1]} {words[2]} back")
        data, peer = sock.recvfrom(100)
        check(data == b"back" and peer[0] == address, f"{address}: {data} from {peer}")
        sock.close()
    lab.ping("p", f"{locals6[0][0]}%peer0")
    agent.udp("nobody", "10.70.1.1", None)
    agent.fails("bind nobody 10.70.9.9 6100", WSAEADDRNOTAVAIL)
    for target, sources in (("10.70.1.2", ("10.70.1.1",)), ("10.70.2.2", ("10.70.2.1",)),
                            ("10.70.3.2", ("10.70.3.1",))):
        check(exchange(lab, agent, "p", target, 6200, b"hello")[0] in sources, f"source for {target}")
    for target, sources in (("fd70:1::2", ("fd70:1::1", "fd70:1::77")), ("fd70:2::2", ("fd70:2::1",)),
                            ("fd70:3::2", ("fd70:3::1",))):
        source = exchange(lab, agent, "p", target, 6200, b"hello", 6)[0]
        check(source in sources, f"source for {target}: {source}")
    agent.tcp("bound")
    agent.do("bind bound 10.70.1.77 0")
    listener = lab.listener("p", "10.70.1.2", 6300)
    agent.do("connect bound 10.70.1.2 6300")
    check(listener.accept()[1][0] == "10.70.1.77", "a bound source was not kept")
    agent.quit()


def case_vlan(lab):
    """The port speaks in VLAN 77 only: both ways through the kernel's VLAN device, nothing from outside of it."""
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "k0")
    lab.vlan("p", "k0", 77, "v77")
    lab.address("p", "v77", "10.71.0.2/24", "fd71::2/64")
    agent = lab.agent("w", ("wl0", "vlan = 77\naddress = 10.71.0.1/24\naddress = fd71::1/64"))
    sniffer = lab.sniff("p", "k0")
    agent.udp("u", "10.71.0.1", 6000)
    lab.ping("p", "10.71.0.1")
    lab.ping("p", "fd71::1")
    for target, family in (("10.71.0.2", 4), ("fd71::2", 6)):
        exchange(lab, agent, "p", target, 6200, os.urandom(300000), family)
    ours = sniffer.find(lambda f: not f.outgoing)
    check(len(ours) > 100 and all(f.vlan == 77 for f in ours), f"tags: { {f.vlan for f in ours} }")
    # The same datagram untagged, in VLAN 78, in 77 with priority bits, and in 77.
    raw = lab.packet("p", "k0")
    mac = bytes(ours[0].data[6:12])
    for number, tag in enumerate((b"", b"\x81\x00\x00\x4e", b"\x81\x00\x00\x00", b"\x81\x00\xa0\x4d",
                                  b"\x81\x00\x00\x4d")):
        payload = f"frame-{number}".encode()
        udp = struct.pack("!HHHH", 7000, 6000, 8 + len(payload), 0) + payload
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, UDP, 0,
                             socket.inet_aton("10.71.0.2"), socket.inet_aton("10.71.0.1"))
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xffff) + (total >> 16)
        header = header[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + header[12:]
        raw.send(mac + b"\x02\x00\x00\x00\x00\x99" + tag + b"\x08\x00" + header + udp)
    check([agent.do("recvfrom u")[4] for _ in range(2)] == ["frame-3", "frame-4"], "frames of another VLAN arrived")
    agent.do("set u 65535 4102 200")
    agent.fails("recvfrom u", WSAETIMEDOUT)
    counters = agent.counters()
    dropped = {name: value for name, value in counters.items() if "vlan" in name and value > 0}
    check(sum(dropped.values()) >= 1, f"no counter of frames of another VLAN: {sorted(counters)}")


def whole_check(lab, agent, sock, family, mtu):
    """IP_DONTFRAGMENT, IPV6_DONTFRAG: what fills the MTU arrives, one byte more is refused."""
    target, port = sock.getsockname()[:2]
    size = mtu - 8 - (20 if family == 4 else 40)
    paths = {}
    for name, length in (("fits", size), ("over", size + 1)):
        paths[name] = lab.path(name)
        with open(paths[name], "wb") as handle:
            handle.write(bytes(length))
    level, option = (IPPROTO_IP, IP_DONTFRAGMENT) if family == 4 else (IPPROTO_IPV6, IPV6_DONTFRAG)
    agent.do(f"set u{family} {level} {option} 1")
    agent.fails(f"sendto u{family} {target} {port} @{paths['over']}", WSAEMSGSIZE)
    agent.do(f"sendto u{family} {target} {port} @{paths['fits']}")
    check(len(sock.recv(65535)) == size, "the datagram that fits")


def mtu_check(lab, mtu, families):
    """One MTU: TCP and a large UDP datagram, byte exact, no frame larger than the MTU, full-sized ones seen."""
    w, p = f"w{mtu}", f"p{mtu}"
    lab.ns(w, silent=True)
    lab.ns(p)
    lab.veth(w, "wl0", p, "peer0", mtu)
    lab.address(p, "peer0", "10.72.0.2/24", *(["fd72::2/64"] if 6 in families else []))
    agent = lab.agent(w, ("wl0", f"mtu = {mtu}\naddress = 10.72.0.1/24\n"
                          + ("address = fd72::1/64" if 6 in families else "ipv6_ll = no")))
    sniffer = lab.sniff(p, "peer0")
    for family in families:
        target, own = {4: ("10.72.0.2", "10.72.0.1"), 6: ("fd72::2", "fd72::1")}[family]
        exchange(lab, agent, p, target, 6200, os.urandom(1 << 20), family)
        payload = os.urandom(60000)
        path, got = lab.path("dgram"), lab.path("got")
        with open(path, "wb") as handle:
            handle.write(payload)
        sock = lab.udp(p, target, 6300)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        agent.udp(f"u{family}", own, 6300)
        agent.do(f"sendto u{family} {target} 6300 @{path}")
        data, peer = sock.recvfrom(65535)
        check(data == payload, f"MTU {mtu}, IPv{family}: UDP {len(data)} bytes, not what was sent")
        sock.sendto(data, peer)
        check(agent.do(f"recvfrom u{family} {got}")[0] == "60000", "echo")
        with open(got, "rb") as handle:
            check(handle.read() == payload, f"MTU {mtu}, IPv{family}: the echoed datagram differs")
        whole_check(lab, agent, sock, family, mtu)
        sniffer.wait(lambda f, n=mtu: not f.outgoing and f.proto == UDP and len(f.ip) == n
                     and (f.ip[0] >> 4 == 6 or f.ip[6] & 0x40), 2, "a whole datagram with DF")
        sock.close()
        for outgoing in (False, True):
            sniffer.wait(lambda f, o=outgoing: f.outgoing == o and f.proto == TCP and len(f.ip) == mtu, 3,
                         f"TCP packets of {mtu} bytes, outgoing {outgoing}")
        check(max(len(f.ip) for f in sniffer.find(lambda f: True)) <= mtu, "a frame is larger than the MTU")
    agent.quit()


def case_mtu(lab):
    mtu_check(lab, 9000, (4, 6))
    mtu_check(lab, 1280, (4, 6))
    mtu_check(lab, 576, (4,))


CASES = {"feeds": case_feeds, "addresses": case_addresses, "vlan": case_vlan, "mtu": case_mtu}
