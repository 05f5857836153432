"""Processes that are bounded in time, whose output is kept, and that are all gone when the script ends."""
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time


class Failed(Exception):
    """A step that did not do what it should; the text says why."""


class Job:
    """One process in a group of its own; stdout and stderr are kept in files.

    Not in a session of its own: the scheduler would share out processors by session, and one with two busy threads would
    get as much as another with one.
    """

    def __init__(self, jobs, argv, ns=None, cpus=None, env=None, stdin=None, stdout=None, fifo=None):
        command = [str(word) for word in argv]
        self.name = os.path.basename(command[0])
        if cpus is not None:
            command = ["taskset", "-c", ",".join(str(cpu) for cpu in cpus)] + command
        if fifo is not None:
            command = ["chrt", "--fifo", str(fifo)] + command
        if ns is not None:
            command = ["ip", "netns", "exec", ns] + command
        self.err_path = jobs.path("err")
        self.out_path = jobs.path("out") if stdout is None else None
        out = open(self.out_path, "wb") if stdout is None else stdout
        with open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err,
                                            env={**os.environ, **(env or {})}, process_group=0)
        if stdout is None:
            out.close()

    def err(self):
        with open(self.err_path, "rb") as handle:
            return handle.read().decode("utf-8", "replace")

    def out(self):
        with open(self.out_path, "rb") as handle:
            return handle.read().decode("utf-8", "replace")

    def values(self):
        """The "key value" lines that the programs here print, numbers as numbers."""
        found = {}
        for line in self.out().splitlines():
            words = line.split()
            if len(words) == 2:
                try:
                    found[words[0]] = float(words[1])
                except ValueError:
                    pass
        return found

    def wait_ready(self, word="ready", seconds=20):
        deadline = time.monotonic() + seconds
        while word not in self.err():
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with {self.process.returncode} before it was ready: {self.tail()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} was not ready in {seconds} s: {self.tail()}")
            time.sleep(0.01)
        return self

    def wait(self, seconds=30, check=True):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} did not end in {seconds} s: {self.tail()}") from None
        if check and code != 0:
            raise Failed(f"{self.name} ended with {code}: {self.tail()}")
        return self

    def tail(self):
        lines = [line for line in self.err().splitlines() if line.strip()]
        return " / ".join(lines[-4:])[-500:] or "(it said nothing)"

    def kill(self):
        """Ends the process and its children: they are a group of their own."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()


class Jobs:
    """A temporary folder and every process started from it; a context manager that leaves neither behind."""

    def __init__(self, name):
        self.name = name
        self.jobs = []
        self.count = 0
        self.folder = None

    def __enter__(self):
        # Memory rather than disk, where there is some: hundreds of MiB pass through.
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 31 else None
        self.folder = tempfile.mkdtemp(prefix=f"{self.name}-", dir=base)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda signum, _frame: sys.exit(128 + signum))
        return self

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        self.kill_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, suffix):
        self.count += 1
        return os.path.join(self.folder, f"{self.count:04d}.{suffix}")

    def start(self, argv, **options):
        job = Job(self, argv, **options)
        self.jobs.append(job)
        return job

    def run(self, argv, seconds=30, check=True, **options):
        return self.start(argv, **options).wait(seconds, check)

    def kill_all(self):
        for job in self.jobs:
            job.kill()
        self.jobs.clear()


HASH_STDIN = "import hashlib, sys; print(hashlib.file_digest(sys.stdin.buffer, 'sha256').hexdigest())"


class Hasher:
    """SHA-256 of what another job writes to its stdout: give stdin to that job as stdout, then ask for the digest."""

    def __init__(self, jobs):
        self.job = jobs.start([sys.executable, "-c", HASH_STDIN], stdin=subprocess.PIPE)
        self.stdin = self.job.process.stdin

    def digest(self, seconds=60):
        """Call once the writer has the pipe: this end of it is closed here."""
        self.stdin.close()
        return self.job.wait(seconds).out().strip()


def random_file(path, size):
    """Writes size random bytes; returns their SHA-256."""
    state = hashlib.sha256()
    with open(path, "wb") as handle:
        while size > 0:
            block = os.urandom(min(size, 1 << 20))
            handle.write(block)
            state.update(block)
            size -= len(block)
    return state.hexdigest()


def file_digest(path):
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
