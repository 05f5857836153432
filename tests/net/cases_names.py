"""Names: real queries on the wire, answered by a server of the kernel's side."""
import os
import shutil
import struct

from net_lib import Skipped, check, wait_for

UDP = 17
WSAHOST_NOT_FOUND, WSATRY_AGAIN = 11001, 11002


def question(frame):
    """(id, name, type) of a query of DNS."""
    data = frame.l4[8:]
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return struct.unpack("!H", data[:2])[0], ".".join(labels), struct.unpack("!H", data[at + 1:at + 3])[0]


def case_names(lab):
    """getaddrinfo asks the configured server, by packets of our stack; each query has an id and a port of its own."""
    if shutil.which("dnsmasq") is None:
        raise Skipped("dnsmasq is missing (package dnsmasq-base)")
    lab.ns("w", silent=True)
    lab.ns("p")
    lab.veth("w", "wl0", "p", "peer0")
    lab.address("p", "peer0", "10.77.6.1/24", "fd77:6::1/64")
    wire = lab.sniff("p", "peer0")
    resolv = lab.path("resolv.conf")
    with open(resolv, "w", encoding="utf-8") as handle:
        handle.write("nameserver 10.77.6.1\nsearch lab.test\noptions timeout-ms:500 attempts:2\n")
    os.environ["WINLANE_RESOLV"] = resolv
    try:
        agent = lab.agent("w", ("wl0", "address = 10.77.6.10/24\naddress = fd77:6::10/64"))
    finally:
        del os.environ["WINLANE_RESOLV"]
    agent.fails("resolve one.lab.test", (WSATRY_AGAIN, WSAHOST_NOT_FOUND))  # nobody serves yet
    wire.clear()
    lab.child("dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--interface=peer0",
              "--bind-interfaces", "--host-record=one.lab.test,10.77.6.9", "--host-record=two.lab.test,10.77.6.8,fd77:6::8",
              "--cname=other.lab.test,one.lab.test", "--local=/test/", f"--pid-file={lab.path('pid')}", "--user=root",
              ns="p")
    wait_for(lambda: agent.ask("resolve one.lab.test")[1:] == ["10.77.6.9"], 10, "an answer of the server")
    queries = wire.find(lambda f: f.proto == UDP and f.src == "10.77.6.10" and f.ports()[1] == 53)
    asked = [question(frame) for frame in queries]
    check({kind for _, name, kind in asked if name == "one.lab.test"} == {1, 28}, f"asked: {asked}")
    check(agent.do("resolve two.lab.test") in (["10.77.6.8", "fd77:6::8"], ["fd77:6::8", "10.77.6.8"]), "two addresses")
    check(agent.do("resolve other.lab.test") == ["10.77.6.9"], "an alias")
    check(agent.do("resolve one") == ["10.77.6.9"], "a suffix")
    agent.fails("resolve none.lab.test", WSAHOST_NOT_FOUND)
    check(agent.do("reverse 10.77.6.9") == ["one.lab.test"], "the name of an address")
    queries = wire.find(lambda f: f.proto == UDP and f.src == "10.77.6.10" and f.ports()[1] == 53)
    check(len({question(frame)[0] for frame in queries}) > len(queries) / 2, "ids repeat")
    check(len({frame.ports()[0] for frame in queries}) > 3, "ports repeat")
    before = len(queries)
    agent.do("resolve two.lab.test")  # the server gives a time of 0: it is asked again
    wire.wait(lambda f: f.proto == UDP and f.src == "10.77.6.10" and f.ports()[1] == 53
              and question(f)[1] == "two.lab.test" and f not in queries, 2, "another query")
    check(before < len(wire.find(lambda f: f.proto == UDP and f.src == "10.77.6.10" and f.ports()[1] == 53)), "no query")
    agent.quit()


CASES = {"names": case_names}
