"""Urgent data to and from a kernel, and a kernel's client that waits for the application's word."""
import fcntl
import socket
import struct
import termios
import time

from net_lib import (IPPROTO_TCP, SO_SNDTIMEO, SOL_SOCKET, WSAECONNREFUSED, WSAEINVAL, check, receive_all, wait_for)

TCP, RST, SYN, URG = 6, 4, 2, 32
SO_OOBINLINE, SO_CONDITIONAL_ACCEPT, SO_SNDBUF, TCP_EXPEDITED_1122 = 0x100, 0x3002, 0x1001, 2
CF_ACCEPT, CF_REJECT = 0, 1


def accepted(lab, agent, name, address, port):
    """The agent's end of a connection that a kernel made."""
    agent.tcp(f"{name}l", 6 if ":" in address else 4)
    agent.do(f"bind {name}l {address} {port}")
    agent.do(f"listen {name}l")
    sock = lab.socket("p", socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((address, port))
    sock.settimeout(8)
    agent.do(f"accept {name}l {name}")
    return sock


def at_mark(sock):
    return struct.unpack("i", fcntl.ioctl(sock, 0x8905, b"\0" * 4))[0] != 0  # SIOCATMARK


def urgent_from_us(lab, agent, wire):
    """The kernel finds the byte that we sent, and none of the rest is missing."""
    for number, address in enumerate(("10.79.0.1", "fd79::1")):
        port = 6300 + number
        sock = accepted(lab, agent, f"o{number}", address, port)
        agent.do(f"send o{number} before")
        agent.do(f"sendoob o{number} xyU")
        agent.do(f"send o{number} behind")
        wait_for(lambda at=port: wire.find(lambda f: not f.outgoing and f.proto == TCP and f.ports()[0] == at and
                                           f.tcp()[0] & URG), 3, "URG on the wire")
        wait_for(lambda at=sock: at_urgent(at), 3, "the urgent byte")
        got = b""
        while not at_mark(sock):
            got += sock.recv(100)
        check(got == b"beforexy", f"{got} before the mark")
        agent.do(f"close o{number}")
        check(receive_all(sock) == b"behind", "what is behind the mark")


def urgent_to_us(lab, agent):
    """We find the kernel's urgent byte, beside the stream and in line."""
    sock = accepted(lab, agent, "i0", "10.79.0.1", 6310)
    sock.send(b"before")
    sock.send(b"xyU", socket.MSG_OOB)
    sock.send(b"behind")
    check(agent.do("ready i0 x 3000") == ["1"], "exceptfds")
    check(agent.do("recvoob i0") == ["1", "U"], "the urgent byte")
    agent.fails("recvoob i0", WSAEINVAL)
    check(agent.do("recv i0") == ["8", "beforexy"], "what is before it")
    check(agent.do("recv i0") == ["6", "behind"], "what is behind it")
    sock.close()
    sock = accepted(lab, agent, "i1", "fd79::1", 6311)
    agent.do(f"set i1 {SOL_SOCKET} {SO_OOBINLINE} 1")
    sock.send(b"abU", socket.MSG_OOB)
    sock.send(b"cd")
    check([agent.do("recv i1") for _ in range(3)] == [["2", "ab"], ["1", "U"], ["2", "cd"]], "in line")
    sock.close()


def urgent_rfc1122(lab, agent):
    """A kernel that takes the pointer as RFC 1122 does (net.ipv4.tcp_stdurg)."""
    lab.sysctl("p", "net.ipv4.tcp_stdurg", 1)
    sock = accepted(lab, agent, "r", "10.79.0.1", 6320)
    agent.do(f"set r {IPPROTO_TCP} {TCP_EXPEDITED_1122} 1")
    agent.do("sendoob r abU")
    wait_for(lambda: at_urgent(sock), 3, "the urgent byte")
    agent.do("close r")
    check(receive_all(sock) == b"ab", "the rest")
    lab.sysctl("p", "net.ipv4.tcp_stdurg", 0)


def at_urgent(sock):
    try:
        return sock.recv(1, socket.MSG_OOB) == b"U"
    except OSError:
        return False


def urgent_window_closed(lab, agent):
    """A kernel that does not read is told of the byte behind its closed window."""
    sock = accepted(lab, agent, "w", "10.79.0.1", 6330)
    agent.do(f"set w {SOL_SOCKET} {SO_SNDTIMEO} 300")
    for _ in range(400):  # until nothing goes in any more
        if agent.ask("send w " + "z" * 4000)[0] != "ok":
            break
    agent.do(f"set w {SOL_SOCKET} {SO_SNDBUF} 8000000")  # SO_SNDBUF: room for one more
    agent.do("sendoob w U")
    total = 0
    while not at_mark(sock):
        total += len(sock.recv(65536))
    check(total > 100000, f"only {total} bytes before the mark")
    sock.setblocking(False)
    wait_for(lambda: at_urgent(sock), 5, "the urgent byte")
    agent.do("close w")
    sock.close()


def said_to(wire, client):
    return wire.find(lambda f: not f.outgoing and f.proto == TCP and f.ports() == (6340, client))


def conditional(lab, agent, wire):
    """SO_CONDITIONAL_ACCEPT: the kernel's client is connected, or refused, when the application said so."""
    agent.tcp("c")
    agent.do(f"set c {SOL_SOCKET} {SO_CONDITIONAL_ACCEPT} 1")
    agent.do("bind c 10.79.0.1 6340")
    agent.do("listen c")
    for verdict in (CF_ACCEPT, CF_REJECT):
        sock = lab.socket("p", socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        check(sock.connect_ex(("10.79.0.1", 6340)) == 115, "not in progress")
        check(agent.do("ready c r 3000") == ["1"], "nobody asks")
        time.sleep(1.3)  # a second SYN changes nothing
        client = sock.getsockname()[1]
        check(not said_to(wire, client), "an answer before the word")
        if verdict == CF_ACCEPT:
            agent.do(f"acceptif c a {verdict}")
            sock.setblocking(True)
            sock.settimeout(5)
            agent.do("send a hello")
            check(sock.recv(10) == b"hello", "data")
        else:
            agent.fails(f"acceptif c b {verdict}", WSAECONNREFUSED)
            wait_for(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 111, 3, "refused")
            said = wait_for(lambda at=client: said_to(wire, at), 2, "RST on the wire")
            check([frame.tcp()[0] & (SYN | RST) for frame in said] == [RST], "more than RST")
        sock.close()


def case_urgent(lab):
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.79.0.2/24", "fd79::2/64")
    agent = lab.agent("w", ("wl0", "address = 10.79.0.1/24\naddress = fd79::1/64"))
    wire = lab.sniff("p", "peer0")
    urgent_from_us(lab, agent, wire)
    urgent_to_us(lab, agent)
    urgent_rfc1122(lab, agent)
    urgent_window_closed(lab, agent)
    conditional(lab, agent, wire)
    agent.quit()


CASES = {"urgent": case_urgent}
