"""What TCP options do on the wire, and sockets of both families."""
import socket
import time

from net_lib import (IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, TCP_NODELAY, WSAENETRESET,
                     check, receive_all, wait_for)

TCP, FIN, RST, PSH = 6, 1, 4, 8


def segments(sniffer, port, test=lambda flags, data: True):
    """Segments from Winlane to a port of the peer."""
    return sniffer.find(lambda f: not f.outgoing and f.proto == TCP and f.ports()[1] == port and test(*f.tcp()))


def connection(lab, agent, name, address, port):
    listener = lab.listener("p", address, port)
    agent.tcp(name, 6 if ":" in address else 4)
    agent.do(f"connect {name} {address} {port}")
    sock = listener.accept()[0]
    sock.settimeout(8)
    listener.close()
    return sock


def tcp_linger(lab, agent, wire):
    """Linger 0 resets, with unsent or unread data or without; a plain close says FIN."""
    for number, address in enumerate(("10.79.0.2", "fd79::2")):
        port = 6200 + number
        sock = connection(lab, agent, f"l{number}", address, port)
        agent.do(f"linger l{number} 0")
        agent.do(f"close l{number}")
        try:
            check(sock.recv(10) != b"", "an end instead of a reset")
        except ConnectionResetError:
            pass
        wait_for(lambda at=port: segments(wire, at, lambda flags, _: flags & RST), 2, "RST on the wire")
        check(not segments(wire, port, lambda flags, _: flags & FIN), "FIN on the wire")
        sock = connection(lab, agent, f"m{number}", address, port + 10)
        agent.do(f"close m{number}")
        check(receive_all(sock) == b"", "data out of nothing")
        wait_for(lambda at=port: segments(wire, at + 10, lambda flags, _: flags & FIN), 2, "FIN on the wire")
        check(not segments(wire, port + 10, lambda flags, _: flags & RST), "RST after a plain close")


def tcp_nodelay(lab, agent, wire):
    """Small writes wait for the acknowledgement of the one before, unless TCP_NODELAY is set."""
    counts = {}
    for nodelay in (0, 1):
        port = 6230 + nodelay
        sock = connection(lab, agent, f"n{nodelay}", "10.79.0.2", port)
        agent.do(f"set n{nodelay} {IPPROTO_TCP} {TCP_NODELAY} {nodelay}")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)  # acknowledgements 40 ms late
        for _ in range(10):
            agent.do(f"send n{nodelay} abc")
            time.sleep(0.004)
        got = b""
        while len(got) < 30:
            got += sock.recv(100)
        check(got == b"abc" * 10, f"{got}")
        counts[nodelay] = len(segments(wire, port, lambda _, data: len(data) > 0))
        agent.do(f"close n{nodelay}")
        sock.close()
    check(counts[1] == 10, f"with TCP_NODELAY 10 writes became {counts[1]} segments")
    check(counts[0] < 10, f"without TCP_NODELAY 10 writes became {counts[0]} segments")


def tcp_keepalive(lab, agent, wire):
    """Probes of the times that were asked for; a peer that answers keeps the connection, a silent one ends it."""
    sock = connection(lab, agent, "k", "10.79.0.2", 6240)
    agent.do("keepalive k 300 200")
    wire.clear()
    time.sleep(1.2)
    probes = segments(wire, 6240, lambda _, data: len(data) <= 1)
    check(2 <= len(probes) <= 6, f"{len(probes)} probes in 1.2 s with a time of 0.3 s")
    agent.do("send k alive")
    check(sock.recv(10) == b"alive", "the connection did not survive")
    lab.ip("p", "addr del 10.79.0.2/24 dev peer0")  # nobody answers any more, ARP neither
    began = time.monotonic()
    agent.fails("recv k", WSAENETRESET, 12)
    took = time.monotonic() - began
    check(1.5 <= took <= 6, f"a silent peer was given up after {took:.1f} s")
    lab.address("p", "peer0", "10.79.0.2/24")
    sock.close()


def tcp_dual(lab, agent):
    """IPV6_V6ONLY 0: one listener, one UDP socket, both families; V6ONLY 1: IPv6 alone."""
    agent.tcp("dual", 6)
    agent.do(f"set dual {IPPROTO_IPV6} {IPV6_V6ONLY} 0")
    agent.do("bind dual :: 6250")
    agent.do("listen dual")
    agent.udp("dualu", "::", None)
    agent.do(f"set dualu {IPPROTO_IPV6} {IPV6_V6ONLY} 0")
    agent.do("bind dualu :: 6250")
    for number, (target, seen) in enumerate((("10.79.0.1", "::ffff:10.79.0.2"), ("fd79::1", "fd79::2"))):
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        sock = lab.socket("p", family, socket.SOCK_STREAM)
        sock.connect((target, 6250))
        agent.do(f"accept dual a{number}")
        check(agent.do(f"peer a{number}")[0] == seen, "the peer's address")
        agent.do(f"send a{number} hello")
        check(sock.recv(10) == b"hello", "data")
        agent.do(f"close a{number}")
        sock.close()
        sock = lab.udp("p", "::" if number else "0.0.0.0")
        sock.sendto(b"q", (target, 6250))
        words = agent.do("recvfrom dualu")
        check(words[1] == seen, f"{words}")
        agent.do(f"sendto dualu {words[1]} {words[2]} a")
        check(sock.recvfrom(10)[1][0] == target, "the answer's source")
        sock.close()
    agent.tcp("only", 6)
    agent.do(f"set only {IPPROTO_IPV6} {IPV6_V6ONLY} 1")
    agent.do("bind only :: 6251")
    agent.do("listen only")
    sock = lab.socket("p", socket.AF_INET, socket.SOCK_STREAM)
    check(sock.connect_ex(("10.79.0.1", 6251)) == 111, "IPv4 reached a V6ONLY listener")
    sock.close()


def case_tcp(lab):
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.79.0.2/24", "fd79::2/64")
    agent = lab.agent("w", ("wl0", "address = 10.79.0.1/24\naddress = fd79::1/64"))
    wire = lab.sniff("p", "peer0")
    tcp_dual(lab, agent)
    tcp_linger(lab, agent, wire)
    tcp_nodelay(lab, agent, wire)
    tcp_keepalive(lab, agent, wire)
    agent.quit()


CASES = {"tcp": case_tcp}
