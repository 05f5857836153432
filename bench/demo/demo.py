#!/usr/bin/env python3
"""Shows real programs over the whole line; every row of the table that it prints was verified.

Usage: demo.py BUILD_DIR [--no-root] [--quick] [--no-figures] [--capture FILE]

As root: two namespaces and a veth pair, Winlane on a DPDK af_packet port at one end, the kernel's stack with ordinary
programs at the other. --no-root: the same programs over the in-memory wire. --quick: less data. --no-figures: nothing
is measured. Exit status 0 only if every row was verified.
"""
import argparse
import contextlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "lib"))
sys.dont_write_bytecode = True

from figures import commit, machine, table  # noqa: E402
from inmemory import InMemorySteps  # noqa: E402
from jobs import Failed, Jobs  # noqa: E402
from measures import Places, Runs  # noqa: E402
from steps import Steps, wire_rows  # noqa: E402
from veth import Veth  # noqa: E402


def options_read():
    parser = argparse.ArgumentParser(description="Winlane's demonstration")
    parser.add_argument("build")
    parser.add_argument("--no-root", action="store_true", help="over the in-memory wire")
    parser.add_argument("--quick", action="store_true", help="less data, shorter measurements")
    parser.add_argument("--no-figures", action="store_true", help="leave out the rows that measure")
    parser.add_argument("--capture", help="where the capture goes (default: BUILD_DIR/demo.pcap)")
    parser.add_argument("--only", help="rows whose text contains this")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.capture = os.path.abspath(options.capture or os.path.join(options.build, "demo.pcap"))
    options.http_bytes = (1 << 20) if options.quick else (4 << 20)
    options.xfer_bytes = (4 << 20) if options.quick else (256 << 20)
    options.rtt_count = 2000 if options.quick else 20000
    options.stream_ms = 200 if options.quick else 1000
    return options


def rows_run(rows, only):
    """Runs the steps; returns the table's rows and whether all were verified."""
    done = []
    verified = True
    for what, how, step in rows:
        if only and only not in what:
            continue
        start = time.monotonic()
        try:
            figures, result = step(), "verified"
        except Failed as failed:
            figures, result, verified = str(failed), "FAILED", False
        done.append((what, how, result, figures))
        print(f"  {result:8}  {what}: {figures} ({time.monotonic() - start:.1f} s)", flush=True)
    return done, verified and bool(done)


def rows_of(stack, options):
    """Builds what the rows need and says what it is; returns the rows."""
    jobs = stack.enter_context(Jobs("winlane-demo"))
    if options.no_root:
        print("Without root: the programs run over the in-memory wire, two in one process; no DPDK port, no kernel peer, no "
              "capture.")
        return InMemorySteps(jobs, options.build, options).rows()
    wire = stack.enter_context(Veth(jobs))
    places = Places()
    print(f"Winlane on a DPDK af_packet port at one end of a veth pair, the kernel at the other, offloads off, congestion "
          f"control {wire.congestion}.")
    if places.count == 1:
        print("One processor: in the measured rows everything shares it, and nothing spins.")
    elif places.peer is None:
        print("Two processors: in the measured rows the kernel's peer shares one with Winlane; the kernel's own pair has one "
              "for each end.")
    return wire_rows(Steps(Runs(jobs, options.build, wire, places), wire, options))


def main():
    options = options_read()
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        try:
            rows = rows_of(stack, options)
        except Failed as failed:
            print(f"demo: it cannot start: {failed}", file=sys.stderr)
            return 1
        done, verified = rows_run(rows, options.only)
    print()
    print(*table(("what was done", "verified how", "result", "figures"), done), sep="\n")
    print(f"\n{machine()}; commit {commit(HERE)}; {time.monotonic() - start:.0f} s; "
          f"{'every row was verified' if verified else 'NOT every row was verified'}")
    return 0 if verified else 1


if __name__ == "__main__":
    sys.exit(main())
