#!/usr/bin/env python3
"""Checks the records of a benchmark run: known keys, numbers where numbers belong, every measure there.

Usage: records_check.py FILE [bench|replay]     of which run the records are (default: bench)
"""
import json
import sys

TEXTS = {"name", "api", "carrier", "wire", "commit", "machine"}
NUMBERS = {"size_bytes", "p50_ns", "p99_ns", "p999_ns", "rate_per_s", "bits_per_s", "floor_p50_ns", "floor_rate_per_s",
           "kernel_p50_ns", "kernel_rate_per_s", "kernel_bits_per_s", "instructions", "cpu_rate_per_s", "sha256_rate_per_s",
           "capture_bytes", "peak_bytes", "peak_of_a_50th_bytes"}
PLAYED = {"rate_per_s", "floor_rate_per_s", "cpu_rate_per_s", "sha256_rate_per_s", "bits_per_s", "size_bytes", "capture_bytes",
          "peak_bytes", "peak_of_a_50th_bytes"}
REPLAY = {"replay_receive": PLAYED, "replay_receive_1gb": PLAYED, "replay_pacing": {"p50_ns", "p99_ns"}}
BENCH = {
    "rtt_tcp": {"p50_ns", "p99_ns", "p999_ns", "rate_per_s", "floor_p50_ns", "floor_rate_per_s", "kernel_p50_ns",
                "kernel_rate_per_s", "size_bytes"},
    "udp": {"rate_per_s", "floor_rate_per_s", "kernel_rate_per_s", "size_bytes"},
    "udp_send": {"rate_per_s", "floor_rate_per_s", "kernel_rate_per_s"},
    "udp_receive": {"rate_per_s", "floor_rate_per_s", "kernel_rate_per_s"},
    "stream_out": {"bits_per_s", "kernel_bits_per_s"},
    "stream_in": {"bits_per_s", "kernel_bits_per_s"},
    "crr": {"p50_ns", "p99_ns", "rate_per_s", "kernel_p50_ns", "kernel_rate_per_s"},
}

# Through which calls, where it is not winsock alone.
APIS = {"rtt_tcp": {"winsock", "rio"}, "udp": {"rio", "port", "blocking"}, "udp_send": {"port", "blocking"},
        "udp_receive": {"port", "blocking"}} | {name: {"stack"} for name in REPLAY}


def faults(records, wanted):
    for record in records:
        name = record.get("name", "(no name)")
        for key in record.keys() - TEXTS - NUMBERS:
            yield f"{name}: {key}: not a key of a record"
        for key in TEXTS - record.keys():
            yield f"{name}: {key} is missing"
        for key in TEXTS & record.keys():
            if not isinstance(record[key], str) or not record[key]:
                yield f"{name}: {key}: no text"
        for key in NUMBERS & record.keys():
            if not isinstance(record[key], (int, float)) or record[key] <= 0:
                yield f"{name}: {key}: {record[key]!r} is no positive number"
        for key in wanted.get(name, set()) - record.keys():
            yield f"{name}: {key} is missing"
    found = {(record.get("name"), record.get("api")) for record in records}
    for name in wanted:
        for api in APIS.get(name, {"winsock"}):
            if (name, api) not in found:
                yield f"no record of {name} by {api}"


def main():
    with open(sys.argv[1], encoding="utf-8") as handle:
        found = list(faults(json.load(handle), REPLAY if sys.argv[2:] == ["replay"] else BENCH))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
