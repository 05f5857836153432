"""Two network namespaces joined by a veth pair: Winlane's end without any kernel address, the kernel's end with both."""
import contextlib
import os
import time

from jobs import Failed

WINLANE_IF = "wl0"
PEER_IF = "peer0"
PREFIX = {4: 24, 6: 64}
WINLANE = {4: "10.77.0.1", 6: "fd00:77::1"}
PEER = {4: "10.77.0.2", 6: "fd00:77::2"}
NET = {4: "10.77.0.0/24", 6: "fd00:77::/64"}
# Routed to the peer, a router that drops them without a word.
SILENT = {4: "198.51.100.1", 6: "2001:db8:1::1"}
SILENT_NET = {4: "198.51.100.0/24", 6: "2001:db8:1::/64"}
# Routed to the peer, which says by ICMP that it knows no way.
BARRED = {4: "192.0.2.1", 6: "2001:db8:3::1"}
BARRED_NET = {4: "192.0.2.0/24", 6: "2001:db8:3::/64"}
# No route at all.
NOWHERE = {4: "203.0.113.1", 6: "2001:db8:2::1"}
# af_packet carries neither checksum nor segmentation requests, so the kernel must do both; rx off makes it verify.
OFFLOADS = ("tx", "rx", "tso", "gso", "gro")


def at(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Veth:
    def __init__(self, jobs):
        self.jobs = jobs
        self.winlane_ns = f"wlbench-{os.getpid()}-w"
        self.peer_ns = f"wlbench-{os.getpid()}-p"
        self.congestion = "unknown"

    def ip(self, ns, *words, check=True):
        return self.jobs.run(["ip", "-n", ns, *words], check=check)

    def sysctl(self, ns, key, value, check=True):
        path = "/proc/sys/" + key.replace(".", "/")
        return self.jobs.run(["sh", "-c", f"echo {value} > {path}"], ns=ns, check=check).process.returncode == 0

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def build(self):
        for ns in (self.winlane_ns, self.peer_ns):
            self.jobs.run(["ip", "netns", "add", ns])
        for scope in ("all", "default"):
            self.sysctl(self.winlane_ns, f"net.ipv6.conf.{scope}.disable_ipv6", 1)
        self.jobs.run(["ip", "link", "add", WINLANE_IF, "netns", self.winlane_ns, "type", "veth",
                       "peer", "name", PEER_IF, "netns", self.peer_ns])
        self.offloads("off")
        self.ip(self.peer_ns, "link", "set", "lo", "up")
        self.ip(self.peer_ns, "link", "set", PEER_IF, "up")
        self.ip(self.winlane_ns, "link", "set", WINLANE_IF, "up")
        self.addresses(self.peer_ns, PEER_IF, PEER)
        self.router()
        self.wait_link_local()

    def router(self):
        """The peer forwards, but knows no way: it is silent about one network and speaks about another."""
        for scope in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self.sysctl(self.peer_ns, scope, 1)
        # One ICMP error a second is too few for attempts that run at once.
        self.sysctl(self.peer_ns, "net.ipv4.icmp_ratelimit", 0)
        self.sysctl(self.peer_ns, "net.ipv6.icmp.ratelimit", 0)
        for kind, table in (("blackhole", SILENT_NET), ("unreachable", BARRED_NET)):
            for family in (4, 6):
                self.ip(self.peer_ns, f"-{family}", "route", "add", kind, table[family])

    def wait_link_local(self):
        """Until the kernel's link-local address has passed duplicate detection: IPv6 is dumb before."""
        deadline = time.monotonic() + 5
        while True:
            text = self.ip(self.peer_ns, "-6", "addr", "show", "dev", PEER_IF).out()
            if "tentative" not in text and "fe80" in text:
                return
            if time.monotonic() > deadline:
                raise Failed("the peer's IPv6 addresses stay tentative")
            time.sleep(0.05)

    def addresses(self, ns, interface, table):
        """Both addresses, with cubic for what is reached through them: the default may be another."""
        for family, address in table.items():
            extra = ("nodad",) if family == 6 else ()
            self.ip(ns, "addr", "add", f"{address}/{PREFIX[family]}", "dev", interface, *extra)
        if self.sysctl(ns, "net.ipv4.tcp_congestion_control", "cubic", check=False):
            self.congestion = "cubic"
            return
        # Not settable here for a namespace: the route says it instead.
        done = [self.ip(ns, "route", "replace", NET[4], "dev", interface, "scope", "link", "src", table[4],
                        "congctl", "cubic", check=False),
                self.ip(ns, "-6", "route", "replace", NET[6], "dev", interface, "metric", "256",
                        "congctl", "cubic", check=False)]
        self.congestion = "cubic" if all(job.process.returncode == 0 for job in done) else "system default"

    def offloads(self, state):
        for ns, interface in ((self.winlane_ns, WINLANE_IF), (self.peer_ns, PEER_IF)):
            words = [word for name in OFFLOADS for word in (name, state)]
            self.jobs.run(["ethtool", "-K", interface, *words], ns=ns)

    def remove(self):
        for ns in (self.winlane_ns, self.peer_ns):
            self.jobs.run(["ip", "netns", "del", ns], check=False)

    @contextlib.contextmanager
    def kernel_end(self):
        """Lends Winlane's addresses to the kernel, for the comparison on the same wire."""
        self.sysctl(self.winlane_ns, f"net.ipv6.conf.{WINLANE_IF}.disable_ipv6", 0)
        self.addresses(self.winlane_ns, WINLANE_IF, WINLANE)
        try:
            yield
        finally:
            self.ip(self.winlane_ns, "addr", "flush", "dev", WINLANE_IF)
            self.sysctl(self.winlane_ns, f"net.ipv6.conf.{WINLANE_IF}.disable_ipv6", 1)

    def mac(self):
        text = self.ip(self.winlane_ns, "-o", "link", "show", WINLANE_IF).out().split()
        return text[text.index("link/ether") + 1]

    def wait_listening(self, port, seconds=10):
        """Until something in the peer's namespace listens on a TCP port."""
        deadline = time.monotonic() + seconds
        while not self.jobs.run(["ss", "-Hltn", f"sport = :{port}"], ns=self.peer_ns).out().strip():
            if time.monotonic() > deadline:
                raise Failed(f"nothing listens on port {port}")
            time.sleep(0.02)


def winlane_ini(poll_cpu=None, capture=None, counters=None, spin=None, app_spin=None, connect_timeout="3s",
                device=f"net_af_packet0,iface={WINLANE_IF}"):
    """Winlane's configuration for its end of the pair, which DPDK reaches by that device."""
    engine = [f"connect_timeout = {connect_timeout}"]
    if poll_cpu is not None:
        engine.append(f"poll_cpu = {poll_cpu}")
    if spin is not None:
        engine.append(f"spin = {spin}")
    if app_spin is not None:
        engine.append(f"app_spin = {app_spin}")
    if counters is not None:
        engine += ["counters_at_exit = yes", f"counters_file = {counters}"]
    port = ["driver = dpdk", f"dpdk.device = {device}", "dpdk.hugepages = no"]
    port += [f"address = {WINLANE[family]}/{PREFIX[family]}" for family in (4, 6)]
    port += [f"route = {net[family]} via {PEER[family]}" for net in (SILENT_NET, BARRED_NET) for family in (4, 6)]
    if capture is not None:
        port.append(f"dpdk.capture = {capture}")
    return "\n".join(["[engine]", *engine, "", f"[port {WINLANE_IF}]", *port, ""])
