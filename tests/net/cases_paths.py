"""Routes, DHCP, ICMP and a link that goes away."""
import os
import shutil
import socket
import time

from net_lib import (IP_TTL, IPPROTO_IP, IPPROTO_IPV6, IPV6_UNICAST_HOPS, WSAECONNRESET, WSAENETRESET, WSAENETUNREACH,
                     WSAEADDRNOTAVAIL, Skipped, check, exchange, in_thread, receive_all, wait_for)

ARP, ICMP, ICMPV6, TCP = 0x0806, 1, 58, 6
NEIGHBOUR_SOLICIT = 135


def routers(lab, far_mtu=1500):
    """w - two routers ra and rb on one link - one far host f behind both, each with a link of its own."""
    lab.ns("w", silent=True)
    lab.ns("sw")
    lab.ns("f")
    lab.veth("w", "wl0", "sw", "s0")
    lab.ip("sw", "link add br0 type bridge")
    lab.ip("sw", "link set br0 up")
    lab.ip("sw", "link set s0 master br0")
    for number, router in enumerate(("ra", "rb"), 1):
        lab.ns(router)
        lab.veth(router, "near", "sw", f"s{number}")
        lab.ip("sw", f"link set s{number} master br0")
        lab.veth(router, "far", "f", f"f-{router}", far_mtu)
        lab.address(router, "near", f"10.73.0.{number}/24", f"fd73::{number}/64")
        lab.address(router, "far", f"10.74.{number}.1/24", f"fd74:{number}::1/64")
        lab.address("f", f"f-{router}", f"10.74.{number}.2/24", f"fd74:{number}::2/64")
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            lab.sysctl(router, key, 1)
        lab.sysctl(router, "net.ipv4.icmp_ratelimit", 0)
        lab.sysctl(router, "net.ipv6.icmp.ratelimit", 0)
    # Hosts behind: both routers know them; the answers come by either.
    lab.address("f", "lo", "192.0.2.10/32", "192.0.2.200/32", "2001:db8:2::10/128", "2001:db8:2::8010/128",
                "198.51.100.5/32", "2001:db8:9::5/128", "10.73.0.200/32", "fd73::8005/128")
    for number, router in enumerate(("ra", "rb"), 1):
        for net in ("192.0.2.0/24", "198.51.100.0/24", "10.73.0.200/32"):
            lab.ip(router, f"route add {net} via 10.74.{number}.2")
        for net in ("2001:db8:2::/64", "2001:db8:9::/64", "fd73::8005/128"):
            lab.ip(router, f"-6 route add {net} via fd74:{number}::2")
    lab.ip("f", "route add 10.73.0.0/24 via 10.74.1.1")
    lab.ip("f", "-6 route add fd73::/64 via fd74:1::1")
    for scope in ("all", "f-ra", "f-rb"):
        lab.sysctl("f", f"net.ipv4.conf.{scope}.rp_filter", 0)


ROUTED = """
    address = 10.73.0.9/24
    address = fd73::9/64
    route = default via 10.73.0.1
    route = 192.0.2.0/24 via 10.73.0.1
    route = 192.0.2.128/25 via 10.73.0.2
    route = 10.73.0.200/32 via 10.73.0.2
    route = 10.75.0.0/24 on-link
    route = default via fd73::1
    route = 2001:db8:2::/64 via fd73::1
    route = 2001:db8:2::8000/113 via fd73::2
    route = fd73::8000/113 via fd73::2
    route = fd75::/64 on-link"""


def case_routes(lab):
    """The most specific route wins, also inside the port's own network; default; on-link; static neighbours."""
    routers(lab)
    lab.address("sw", "br0", "10.75.0.3/24", "fd75::3/64")
    lab.ip("sw", "route add 10.73.0.0/24 dev br0")
    lab.ip("sw", "-6 route add fd73::/64 dev br0")
    mac = lab.ip("ra", "-o link show near").split("link/ether ")[1].split()[0]
    agent = lab.agent("w", ("wl0", ROUTED + f"\nneighbour = 10.73.0.1 {mac}\nneighbour = fd73::1 {mac}"))
    wire = lab.sniff("sw", "s0")
    via = {name: lab.sniff(name, "near") for name in ("ra", "rb")}
    for target, router in (("192.0.2.10", "ra"), ("192.0.2.200", "rb"), ("198.51.100.5", "ra"), ("10.73.0.200", "rb"),
                           ("10.74.1.2", "ra"), ("2001:db8:2::10", "ra"), ("2001:db8:2::8010", "rb"),
                           ("2001:db8:9::5", "ra"), ("fd73::8005", "rb")):
        for sniffer in via.values():
            sniffer.clear()
        exchange(lab, agent, "f", target, 6200, os.urandom(20000), 6 if ":" in target else 4)
        ways = [name for name, sniffer in via.items()
                if sniffer.find(lambda f, t=target: not f.outgoing and f.proto == TCP and f.dst == t)]
        check(ways == [router], f"{target} went by {ways} instead of {router}")
    exchange(lab, agent, "sw", "10.75.0.3", 6200, b"on the link")
    exchange(lab, agent, "sw", "fd75::3", 6200, b"on the link", 6)

    def asked(address):
        return wire.find(lambda f: not f.outgoing and f.kind == ARP and f.data[20:22] == b"\0\1"
                         and f.data[38:42] == socket.inet_aton(address))
    check(not asked("10.73.0.1"), "ARP for a static neighbour")
    check(asked("10.73.0.2"), "the other router was never asked for: the check above says nothing")
    solicited = wire.find(lambda f: not f.outgoing and f.proto == ICMPV6 and f.l4[0] == NEIGHBOUR_SOLICIT
                          and f.l4[8:24] == socket.inet_pton(socket.AF_INET6, "fd73::1"))
    check(not solicited, "ND for a static neighbour")
    agent.quit()
    alone = lab.agent("w", ("wl0", "address = 10.73.0.9/24\naddress = fd73::9/64"), name="alone")
    for name, family, target in (("t4", 4, "192.0.2.10"), ("t6", 6, "2001:db8:2::10")):
        alone.tcp(name, family)
        alone.fails(f"connect {name} {target} 6200", WSAENETUNREACH)
    alone.quit()


def case_icmp(lab):
    """Echo, a closed port, a hop limit that ends at the router, and a path narrower than the link."""
    routers(lab, far_mtu=1300)
    agent = lab.agent("w", ("wl0", ROUTED))
    agent.udp("first", "0.0.0.0", None)  # the engine starts with the first socket
    for number, (target, own, far) in enumerate((("10.73.0.1", "10.73.0.9", "198.51.100.5"),
                                                 ("fd73::1", "fd73::9", "2001:db8:9::5"))):
        lab.ping("ra", own)
        lab.ping("ra", own, size=5000)  # fragments both ways
        agent.udp(f"u{number}", own, 6000, 3000)
        agent.do(f"sendto u{number} {target} 6999 closed")
        agent.fails(f"recvfrom u{number}", WSAECONNRESET)
        # TTL 1 ends at the router, which says so: WSAENETRESET on a datagram socket.
        level, option = (IPPROTO_IPV6, IPV6_UNICAST_HOPS) if number else (IPPROTO_IP, IP_TTL)
        near = lab.sniff("ra", "near")
        agent.do(f"set u{number} {level} {option} 1")
        agent.do(f"sendto u{number} {far} 6998 short")
        agent.fails(f"recvfrom u{number}", WSAENETRESET)
        near.wait(lambda f, t=far: f.dst == t and f.ttl == 1, 2, "a packet with TTL 1")
        # A stream that fits into our link but not into the path.
        exchange(lab, agent, "f", far, 6200, os.urandom(500000), 6 if number else 4)
        listener = lab.listener("f", far, 6300)
        agent.tcp(f"t{number}", 6 if number else 4)
        agent.do(f"set t{number} {level} {option} 77")
        agent.do(f"connect t{number} {far} 6300")
        listener.close()
        near.wait(lambda f, t=far: f.proto == TCP and f.dst == t and f.ttl == 77, 2, "a segment with TTL 77")
    agent.quit()


def case_link(lab):
    """The wire is pulled while bytes flow, both ways, and plugged in again: nothing is lost, nothing twice."""
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.76.0.2/24", "fd76::2/64")
    lab.sysctl("p", "net.ipv6.conf.peer0.keep_addr_on_down", 1)
    agent = lab.agent("w", ("wl0", "address = 10.76.0.1/24\naddress = fd76::1/64"))
    payload = os.urandom(24 << 20)
    path = lab.path("bytes")
    with open(path, "wb") as handle:
        handle.write(payload)
    for number, target in enumerate(("10.76.0.2", "fd76::2")):
        for out in (True, False):
            name = f"t{number}{int(out)}"
            listener = lab.listener("p", target, 6200 + number * 2 + out)
            listener.settimeout(10)
            agent.tcp(name, 6 if number else 4, 20000)
            agent.do(f"connect {name} {target} {6200 + number * 2 + out}")
            sock = listener.accept()[0]
            sock.settimeout(20)
            listener.close()
            got = lab.path("got")
            if out:
                beside = in_thread(receive_all, sock)
                agent.start(f"sendfile {name} {path}")
            else:
                agent.start(f"recvfile {name} {got}")
                beside = in_thread(lambda s=sock: (s.sendall(payload), s.shutdown(socket.SHUT_WR)))
            time.sleep(0.02)
            for _ in range(2):
                lab.ip("p", "link set peer0 down")
                time.sleep(0.25)
                lab.ip("p", "link set peer0 up")
                time.sleep(0.05)
            words = agent.read(25)
            check(words[0] == "ok" and int(words[1]) == len(payload), f"{name}: {words}")
            agent.do(f"shutdown {name} 1")
            value = beside.result(25)
            if not out:
                with open(got, "rb") as handle:
                    value = handle.read()
            check(value == payload, f"{name}: {len(value)} bytes, not the ones sent")
            sock.close()
            agent.do(f"close {name}")
    counters = agent.counters()
    changes = {name: value for name, value in counters.items() if "link" in name}
    check(any(value > 0 for value in changes.values()), f"no counter of link changes: {changes}")


def case_dhcp(lab):
    """A lease of a real server: address, mask and gateway; renewal; and what happens where no server answers."""
    if shutil.which("dnsmasq") is None:
        raise Skipped("dnsmasq is missing (package dnsmasq-base)")
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.77.5.1/24")
    lab.address("p", "lo", "192.0.2.50/32")
    wire = lab.sniff("p", "peer0")
    # No server yet: the first socket does not wait for one, and has no address.
    agent = lab.agent("w", ("wl0", "dhcp = yes"))
    began = time.monotonic()
    agent.udp("u", "0.0.0.0", 6000)
    check(time.monotonic() - began < 5, "the first socket waited for a DHCP server")
    check(agent.do("addrs u") == [], "an address without a server")
    agent.tcp("early")
    agent.fails("connect early 10.77.5.1 6200", WSAENETUNREACH)
    lab.child("dnsmasq", "--no-daemon", "--port=0", "--interface=peer0", "--bind-interfaces", "--conf-file=/dev/null",
              "--dhcp-range=10.77.5.100,10.77.5.110,255.255.255.0,2m", "--dhcp-option=3,10.77.5.1",
              "--dhcp-option=option:T1,3", "--dhcp-option=option:T2,6", "--no-ping", "--dhcp-authoritative",
              f"--dhcp-leasefile={lab.path('leases')}", f"--pid-file={lab.path('pid')}", "--user=root", ns="p")
    address = wait_for(lambda: agent.do("addrs u")[:1], 25, "an address by DHCP")[0]
    check(address.startswith("10.77.5.1") and 100 <= int(address.split(".")[3]) <= 110, f"address {address}")
    wait_for(lambda: any(entry.startswith(f"{address}/255.255.255.0/") for entry in agent.do("ifs u")), 2, "the mask")
    lab.ping("p", address)
    peer = exchange(lab, agent, "p", "192.0.2.50", 6200, os.urandom(100000))  # beyond the gateway
    check(peer[0] == address, f"source {peer}")
    agent.udp("own", address, 6001)
    agent.udp("other", "10.77.5.99", None)
    agent.fails("bind other 10.77.5.99 6001", WSAEADDRNOTAVAIL)

    def renewals():
        # BOOTREQUEST from the address itself: a renewal (RFC 2131 4.3.2)
        return wire.find(lambda f: f.proto == 17 and f.src == address and f.ports() == (68, 67)
                         and f.l4[8 + 12:8 + 16] == socket.inet_aton(address))
    wait_for(renewals, 12, "a renewal")
    check(agent.do("addrs u")[0] == address, "the address changed")
    agent.quit()


CASES = {"routes": case_routes, "icmp": case_icmp, "link": case_link, "dhcp": case_dhcp}
