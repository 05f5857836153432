"""Multicast: reports beside the kernel's own, the kernel's datagrams by source, queries, leaves of WSAJoinLeaf."""
import socket
import struct
import time

from cases_ports import ICMPV6, IGMP, IGMP_REPORT3, MLD_REPORT2, TO_EX, TO_IN, records, says
from net_lib import WSAEADDRNOTAVAIL, WSAETIMEDOUT, check

GROUP4, GROUP6 = "239.9.9.9", "ff15::99"
JOIN_SOURCE, LEAVE_SOURCE, BLOCK, UNBLOCK = 45, 46, 43, 44  # Winsock's MCAST_* options
LINUX_JOIN, LINUX_LEAVE, LINUX_BLOCK, LINUX_JOIN_SOURCE, LINUX_LEAVE_SOURCE = 42, 45, 43, 46, 47
IS_IN, IS_EX, ALLOW, BLOCKED = 1, 2, 5, 6
JL_SENDER, JL_RECEIVER, JL_BOTH = 1, 2, 4


def storage(address):
    """A sockaddr_storage as the kernel's group options take it."""
    if ":" in address:
        raw = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address), 0)
    else:
        raw = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(address))
    return raw.ljust(128, b"\0")


def kernel_option(sock, option, index, *addresses):
    level = socket.IPPROTO_IPV6 if ":" in addresses[0] else socket.IPPROTO_IP
    sock.setsockopt(level, option, struct.pack("=Ixxxx", index) + b"".join(storage(a) for a in addresses))


def reports(wire, outgoing, group):
    """Bytes of the reports of a group alone, ours or the kernel's, each once, without the checksum (the sources differ)."""
    seen = []
    for frame in wire.find(lambda f: f.outgoing == outgoing and [r[1] for r in records(f)] == [group]):
        body = frame.l4[:2] + frame.l4[4:]
        if not seen or seen[-1] != body:
            seen.append(body)
    return seen


def like_the_kernel(lab, agent, wire):
    """The same steps by our host and by the kernel, in both families: the same reports, byte by byte."""
    families = ((GROUP4, "10.99.0.2", socket.AF_INET, "0.0.0.0"), (GROUP6, "fd99::2", socket.AF_INET6, "::"))
    kernel = {group: lab.socket("p", family, socket.SOCK_DGRAM) for group, _, family, _ in families}
    with lab.inside("p"):
        index = socket.if_nametoindex("peer0")
    for group, _, _, unbound in families:
        agent.udp(f"same-{group}", unbound, 7000)
    wire.clear()
    for words, theirs in (("joing {} {} 2", LINUX_JOIN), (f"source {{}} {BLOCK} {{}} {{}} 2", LINUX_BLOCK),
                          ("leaveg {} {} 2", LINUX_LEAVE), (f"source {{}} {JOIN_SOURCE} {{}} {{}} 2", LINUX_JOIN_SOURCE),
                          (f"source {{}} {LEAVE_SOURCE} {{}} {{}} 2", LINUX_LEAVE_SOURCE)):
        for group, source, _, _ in families:
            addresses = (group, source) if words.startswith("source") else (group,)
            agent.do(words.format(f"same-{group}", *addresses))
            kernel_option(kernel[group], theirs, index, *addresses)
        time.sleep(1.6)  # repetitions of both have passed
    for group, _, _, _ in families:
        mine, its = reports(wire, False, group), reports(wire, True, group)
        check(mine == its and len(mine) == 5,
              f"{group}: ours {[m.hex() for m in mine]}, the kernel's {[i.hex() for i in its]}")
        kernel[group].close()
        agent.do(f"close same-{group}")
    for frame in wire.find(lambda f: not f.outgoing and records(f)):
        check(frame.ttl == 1 and frame.dst in ("224.0.0.22", "ff02::16"), f"to {frame.dst}, TTL {frame.ttl}")


def by_source(lab, agent):
    """The kernel sends from two addresses; who names one of them hears that one."""
    agent.udp("some", "0.0.0.0", 7100)
    agent.do(f"source some {JOIN_SOURCE} {GROUP4} 10.99.0.3 2")
    agent.fails(f"joing some {GROUP4} 2", WSAEADDRNOTAVAIL)
    agent.do("set some 65535 4102 300")
    for address in ("10.99.0.2", "10.99.0.3"):
        sock = lab.udp("p", address, 0)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sock.sendto(f"from-{address}".encode(), (GROUP4, 7100))
        sock.close()
    check(agent.do("recvfrom some")[4] == "from-10.99.0.3", "the source that was named")
    agent.fails("recvfrom some", WSAETIMEDOUT)
    agent.do("close some")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def igmp_query(lab, message):
    """A general query from the kernel's side, with the router alert."""
    with lab.inside("p"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, IGMP)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.99.0.2"))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([0x94, 4, 0, 0]))
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    sock.sendto(message, ("224.0.0.1", 0))
    sock.close()


def queried(lab, agent, wire):
    agent.udp("known", "0.0.0.0", 7200)
    agent.do(f"joing known {GROUP4} 2")
    time.sleep(1.5)
    wire.clear()
    igmp_query(lab, struct.pack("!BBH4sBBH", 0x11, 5, 0, bytes(4), 2, 125, 0))
    wire.wait(lambda f: not f.outgoing and says(f, IS_EX, GROUP4), 3, "an answer to the general query")
    wire.clear()
    igmp_query(lab, struct.pack("!BBH4s", 0x11, 5, 0, bytes(4)))  # version 2
    wire.wait(lambda f: not f.outgoing and f.proto == IGMP and f.l4[0] == 0x16 and
              socket.inet_ntoa(f.l4[4:8]) == GROUP4, 3, "an answer in version 2")
    agent.do("close known")
    wire.wait(lambda f: not f.outgoing and f.proto == IGMP and f.l4[0] == 0x17, 3, "a farewell in version 2")


def leaves(lab, agent, wire):
    """JL_SENDER_ONLY says nothing to routers; JL_BOTH does, hears its group, and leaves with closesocket."""
    time.sleep(1.5)  # what went before is said twice
    wire.clear()
    agent.udp("leaf", "0.0.0.0", 0)
    agent.do(f"leaf leaf {JL_SENDER} {GROUP4} 7300")
    time.sleep(1.2)
    check(not wire.find(lambda f: not f.outgoing and f.proto == IGMP), "a sender was announced")
    agent.do(f"leaf leaf {JL_BOTH} {GROUP4} 7300")
    wire.wait(lambda f: not f.outgoing and says(f, TO_EX, GROUP4), 1, "JL_BOTH joins")
    sock = lab.udp("p", "10.99.0.2", 0)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.99.0.2"))
    sock.sendto(b"to-the-group", (GROUP4, 7300))
    check(agent.do("recvfrom leaf")[4] == "to-the-group", "JL_BOTH hears")
    sock.close()
    agent.do("close leaf")
    wire.wait(lambda f: not f.outgoing and says(f, TO_IN, GROUP4), 1, "closesocket leaves")


def scope(lab, agent, wire):
    """IP_MULTICAST_TTL 0 does not leave the host, 1 does."""
    agent.udp("out", "0.0.0.0", 7400)
    for ttl in (1, 0):
        wire.clear()
        agent.do(f"set out 0 10 {ttl}")
        agent.do(f"sendto out {GROUP4} 7400 scope{ttl}")
        time.sleep(0.3)
        seen = wire.find(lambda f, text=f"scope{ttl}".encode(): not f.outgoing and f.l4[8:] == text)
        check([f.ttl for f in seen] == ([1] if ttl else []), f"TTL {ttl}: {len(seen)} datagrams on the wire")
    agent.do("close out")


def case_mcast(lab):
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.99.0.2/24", "10.99.0.3/24", "fd99::2/64")
    agent = lab.agent("w", ("wl0", "address = 10.99.0.1/24\naddress = fd99::1/64"))
    wire = lab.sniff("p", "peer0")
    like_the_kernel(lab, agent, wire)
    check(wire.find(lambda f: f.proto == ICMPV6 and f.l4[:1] == bytes([MLD_REPORT2])) and
          all(f.l4[0] == IGMP_REPORT3 for f in wire.find(lambda f: f.proto == IGMP)), "the newest versions")
    by_source(lab, agent)
    leaves(lab, agent, wire)
    scope(lab, agent, wire)
    queried(lab, agent, wire)
    agent.quit()


CASES = {"mcast": case_mcast}
