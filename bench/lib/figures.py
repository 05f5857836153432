"""Measured records: the keys that the JSON has, the table, the machine and the commit."""
import json
import os
import statistics
import subprocess

KEYS = ("name", "api", "carrier", "wire", "size_bytes", "p50_ns", "p99_ns", "p999_ns", "rate_per_s", "bits_per_s",
        "instructions", "floor_p50_ns", "floor_rate_per_s", "kernel_p50_ns", "kernel_rate_per_s", "kernel_bits_per_s",
        "cpu_rate_per_s", "sha256_rate_per_s", "capture_bytes", "peak_bytes", "peak_of_a_50th_bytes", "commit", "machine")


def commit(folder):
    def git(*words):
        try:
            done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""
    name = git("rev-parse", "--short=12", "HEAD")
    if not name:
        return "unknown"
    return name + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
        for line in handle:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {len(os.sched_getaffinity(0))} processors, Linux {os.uname().release}"


def median(values):
    return statistics.median(values) if values else None


def record(facts, **values):
    """One record; what is None is left out."""
    merged = {**values, **facts}
    unknown = set(merged) - set(KEYS)
    if unknown:
        raise ValueError(f"not a key of a record: {sorted(unknown)}")
    return {key: round(merged[key]) if isinstance(merged[key], float) else merged[key]
            for key in KEYS if merged.get(key) is not None}


def write_json(path, records):
    text = json.dumps(records, indent=1) + "\n"
    temporary = path + ".part"
    with open(temporary, "w", encoding="utf-8") as handle:
        handle.write(text)
    os.replace(temporary, path)


def us(ns):
    return "-" if ns is None else f"{ns / 1000:.2f}"


def gbps(bits):
    return "-" if bits is None else f"{bits / 1e9:.2f}"


def table(headings, rows):
    """Lines of a table, columns as wide as their widest cell."""
    cells = [list(map(str, headings))] + [list(map(str, row)) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines
