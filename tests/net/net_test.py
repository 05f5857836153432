"""net_test.py AGENT CASE...: cases of this folder. Exit status 77: not possible here."""
import importlib
import os
import shutil
import subprocess
import sys
import time

from net_lib import Failed, Lab, Skipped

MODULES = ("cases_files", "cases_mcast", "cases_message", "cases_names", "cases_ports", "cases_paths", "cases_recycle",
           "cases_rio", "cases_tcp", "cases_urgent")
TOOLS = ("ip", "ethtool")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def usable():
    if os.geteuid() != 0:
        skip("namespaces and packet sockets need root")
    for tool in TOOLS:
        if shutil.which(tool) is None:
            skip(f"{tool} is missing")
    probe = f"wlnet-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode != 0:
        skip("no network namespace can be made here")
    subprocess.run(["ip", "netns", "del", probe], check=False)


def main():
    cases = {}
    for module in MODULES:
        cases.update(importlib.import_module(module).CASES)
    if len(sys.argv) < 3 or not set(sys.argv[2:]) <= set(cases):
        print(f"usage: net_test.py AGENT CASE...; cases: {' '.join(cases)}")
        return 2
    usable()
    failed = 0
    for name in sys.argv[2:]:
        began = time.monotonic()
        try:
            with Lab(os.path.abspath(sys.argv[1])) as lab:
                cases[name](lab)
            result = "ok"
        except Skipped as why:
            skip(why)
        except Failed as error:
            failed += 1
            result = f"FAILED: {error}"
        print(f"{name}: {result} ({time.monotonic() - began:.1f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
