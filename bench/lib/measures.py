"""Runs of the programs over the veth pair: with Winlane at one end, or with the kernel at both."""
import contextlib
import os
import subprocess

import veth
from jobs import Failed

PORT = 7000


class Places:
    """Which processor does what. The application has one, the poll thread one; a kernel peer what is left, or shares."""

    def __init__(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.count = len(cpus)
        self.app = cpus[0]
        self.poll = cpus[1] if len(cpus) > 1 else cpus[0]
        self.peer = cpus[2] if len(cpus) > 2 else None
        # Some containers grant no real-time priority: then a peer that shares waits for its turn.
        tried = subprocess.run(["chrt", "--fifo", "1", "true"], capture_output=True, check=False)
        self.fifo = 1 if tried.returncode == 0 else None


class Runs:
    """Programs at both ends. Winlane's end is where="winlane" (our stack) or where="kernel" (the same object code)."""

    def __init__(self, jobs, build, wire, places):
        self.jobs = jobs
        self.folder = os.path.join(build, "bench")
        self.wire = wire
        self.places = places
        self.port = PORT
        self.ini_path = None

    def program(self, name, kernel):
        path = os.path.join(self.folder, name + ("_kernel" if kernel else ""))
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is not there; was it built?")
        return path

    def next_port(self):
        """Each run has a port of its own, so that no TIME_WAIT of an earlier one matters."""
        self.port += 1
        return self.port

    def ini(self, **settings):
        """Writes a configuration and returns the environment that names it."""
        path = self.jobs.path("ini")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(veth.winlane_ini(**settings))
        return {"WINLANE_CONFIG": path}

    def env(self, **settings):
        return self.ini(poll_cpu=self.places.poll if self.places.count > 1 else None, **settings)

    def local(self, where, name, *words, **settings):
        """A program at Winlane's end: over Winlane, or over the kernel there."""
        kernel = where == "kernel"
        env = None if kernel else self.env(**settings)
        return self.jobs.start([self.program(name, kernel), *words], ns=self.wire.winlane_ns, env=env,
                               cpus=[self.places.app])

    def peer(self, name, *words, cpus=None, fifo=None):
        """A program at the kernel's end."""
        return self.jobs.start([self.program(name, True), *words], ns=self.wire.peer_ns, cpus=cpus, fifo=fifo)

    def peer_place(self, where, busy=False):
        """For the kernel's end: (options of its start, its --wait). Beside Winlane's two busy threads it has a processor
        of its own if there is one. Else it shares: a peer that answers at once sleeps between requests on the poll
        thread's processor and takes precedence there; one that only sends (busy) spins on the application's."""
        if self.places.count == 1:
            return {"cpus": [self.places.app]}, "block"
        if where == "kernel":
            return {"cpus": [self.places.poll]}, "spin"
        if self.places.peer is not None:
            return {"cpus": [self.places.peer]}, "spin"
        if busy:
            return {"cpus": [self.places.app]}, "block"
        return {"cpus": [self.places.poll], "fifo": self.places.fifo}, "block"

    def pingpong(self, where, family, proto="tcp", size=64, count=20000):
        """Round trips of a client at Winlane's end with a server at the kernel's."""
        place, wait = self.peer_place(where)
        port = self.next_port()
        common = ("--at", veth.at(veth.PEER[family], port), "--proto", proto, "--size", size)
        server = self.peer("pingpong", "--role", "server", *common, "--wait", wait, **place).wait_ready()
        alone = self.places.count == 1
        settings = {} if alone else {"spin": "endless", "app_spin": "endless"}
        client = self.local(where, "pingpong", "--role", "client", *common, "--count", count, "--warmup",
                            max(count // 10, 1), "--wait", "block" if alone else "spin", **settings).wait(60)
        server.wait(20)
        return client.values()

    def stream(self, where, family, flow, ms=1000):
        """Bulk bytes; flow "out" leaves Winlane's end, "in" comes to it. The kernel's end is the client."""
        port = self.next_port()
        address = veth.at(veth.WINLANE[family], port)
        out = flow == "out"
        server = self.local(where, "stream", "--role", "server", "--flow", "send" if out else "recv", "--at", address,
                            "--ms", ms).wait_ready()
        place, _ = self.peer_place(where, busy=not out)
        client = self.peer("stream", "--role", "client", "--flow", "recv" if out else "send", "--at", address,
                           "--ms", ms, **place)
        client.wait(60)
        server.wait(30)
        return (client if out else server).values()

    def crr(self, where, family, count=2000, warmup=100):
        """Connect, request, response, reset: a client at the kernel's end, the server at Winlane's."""
        port = self.next_port()
        address = veth.at(veth.WINLANE[family], port)
        server = self.local(where, "crr", "--role", "server", "--at", address, "--count", count + warmup,
                            "--wait", "spin").wait_ready()
        place, wait = self.peer_place(where)
        client = self.peer("crr", "--role", "client", "--at", address, "--count", count, "--warmup", warmup,
                           "--wait", wait, **place)
        client.wait(60)
        server.wait(30)
        return client.values()

    @contextlib.contextmanager
    def kernel_wire(self, offloads):
        """The same veth with the kernel at both ends, offloads "off" as Winlane has them, or "on"."""
        with self.wire.kernel_end():
            self.wire.offloads(offloads)
            try:
                yield
            finally:
                self.wire.offloads("off")
