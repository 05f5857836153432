"""PE programs under Wine: a prefix, the programs beside our DLLs or alone, and a configuration for each run."""
import os
import shutil
import subprocess

from jobs import Failed

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir)
SCRIPTS = os.path.join(ROOT, "tests", "wine")
OUR_DLLS = ("ws2_32.dll", "winlane.dll", "winlane-stack.dll")
PROGRAMS = ("pair", "rtt", "pingpong", "stream", "crr", "http_client", "http_server", "xfer", "udp_echo",
            "connect_status", "e2e_exit", "e2e_idle", "e2e_winhttp", "echo_client", "echo_server", "multi_client", "multi_server")
SKIPPED = 77


class Skipped(Exception):
    """It cannot be done here; the text says why."""


def windows_path(path):
    """A path of the host as a Windows program under Wine sees it."""
    return "Z:" + os.path.abspath(path)


def find(build, names):
    """Where the build has put these files: name -> path. What is missing is not in the result."""
    found = {}
    for folder in ("bench", "lib", "bin", "wsp", os.path.join("wsp", "ws2_32"), os.path.join("tests", "wine")):
        for name in names:
            path = os.path.join(build, folder, name)
            if name not in found and os.path.isfile(path):
                found[name] = path
    return found


class Wine:
    """Runs programs of one build in one prefix; with ns, in that network namespace with a prefix and a wineserver of its own.

    Each program is one file. It stands alone in one folder, and beside our three DLLs in another: which ws2_32.dll it gets is
    a matter of the folder that it is started from and of the override that goes with it.
    """

    def __init__(self, jobs, build, ns=None):
        self.jobs = jobs
        self.build = build
        self.ns = ns
        self.own_prefix = ns is not None
        given = os.environ.get("WINLANE_WINEPREFIX")
        if self.own_prefix:
            self.prefix = os.path.join(build, f"wineprefix-{ns}")
        else:
            self.prefix = given or os.path.join(build, "wineprefix")
        self.env = {}
        self.folders = {}

    def __enter__(self):
        try:
            self.lay_out()
            # A server that the run shares stays for the next test, a minute at least.
            started = self.jobs.run([os.path.join(SCRIPTS, "prefix.sh"), "start", self.prefix, 60], seconds=200, ns=self.ns,
                                    check=False)
            if started.process.returncode == SKIPPED:
                raise Skipped(started.out().strip().removeprefix("skipped: "))
            if started.process.returncode != 0:
                raise Failed(f"no prefix: {started.tail()}")
            self.env = self.environment()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.jobs.kill_all()
        if self.own_prefix:
            self.jobs.run([os.path.join(SCRIPTS, "prefix.sh"), "stop", self.prefix], seconds=70, check=False)
            shutil.rmtree(self.prefix, ignore_errors=True)

    def lay_out(self):
        programs = find(self.build, [name + ".exe" for name in PROGRAMS])
        dlls = find(self.build, OUR_DLLS)
        missing = set(OUR_DLLS) - set(dlls)
        if missing:
            raise Failed(f"not built: {', '.join(sorted(missing))}")
        for kind, files in (("plain", programs), ("ours", {**programs, **dlls})):
            self.folders[kind] = self.jobs.path(kind)
            os.mkdir(self.folders[kind])
            for name, path in files.items():
                os.symlink(os.path.abspath(path), os.path.join(self.folders[kind], name))

    def environment(self):
        """What env.sh sets for a program, and the loader."""
        script = '. "$1/env.sh" && wine_environment "$2" && env -0'
        text = subprocess.run(["bash", "-c", script, "env", SCRIPTS, os.path.realpath(self.prefix)], check=True,
                              stdin=subprocess.DEVNULL, capture_output=True).stdout.decode()
        wanted = ("WINEPREFIX", "WINEARCH", "WINELOADER", "WINESERVER", "WINEDEBUG", "WINEDLLOVERRIDES")
        return {line.split("=", 1)[0]: line.split("=", 1)[1] for line in text.split("\0")
                if line.split("=", 1)[0] in wanted}

    def start(self, name, *words, ini=None, **options):
        """Starts a program: with a configuration on our DLLs, without one on Wine's own ws2_32."""
        env = dict(self.env)
        if ini is not None:
            env["WINEDLLOVERRIDES"] += ";ws2_32=n,b"
            env["WINLANE_CONFIG"] = windows_path(ini)
        env.update(options.pop("env", {}))
        program = os.path.join(self.folders["plain" if ini is None else "ours"], name + ".exe")
        if not os.path.exists(program):
            raise Failed(f"not built: {name}.exe")
        return self.jobs.start([env["WINELOADER"], program, *words], ns=self.ns, env=env, **options)

    def run(self, name, *words, seconds=30, check=True, **options):
        return self.start(name, *words, **options).wait(seconds, check)

    def configure(self, sample, **engine):
        """A sample configuration with further keys of [engine]; returns its path."""
        with open(sample, encoding="utf-8") as handle:
            text = handle.read()
        lines = "".join(f"{key} = {value}\n" for key, value in engine.items())
        if "[engine]\n" not in text:
            raise Failed(f"{sample}: no [engine]")
        path = self.jobs.path("ini")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text.replace("[engine]\n", "[engine]\n" + lines, 1))
        return path


def counters(path):
    """The counters that a run left: name -> value, of the last dump in the file."""
    if not os.path.exists(path):
        raise Failed("the program left no counters")
    found = {}
    with open(path, encoding="utf-8") as handle:
        for line in handle:
            words = line.split()
            if len(words) == 2 and words[1].isdigit():
                found[words[0]] = int(words[1])
    return found
