#!/usr/bin/env python3
"""Receive-only replay of the corpus: every stream is what tshark's "follow" gives, and two runs are the same.

Usage: replay_test.py T_RECEIVE CORPUS [NAME...]

For each capture of the corpus: t_receive plays it twice, recording what enters and leaves the stack; output, recording and
streams of both runs are equal byte for byte. Each stream is compared with tshark's, matched by addresses and order. Where tshark
is no oracle, expect.txt says for that capture what t_receive has to print:

    NAME [sums=MODE] [tshark=HOW]    a capture, and how it is played; HOW: no, its streams are given below by digests alone;
                                     sorted, tshark reads it in the order of times, as we do; filtered, without what has a
                                     wrong checksum, since "follow" takes it whatever tcp.check_checksum says (tshark 4.0.17)
      PATTERN                        a regular expression that some line of the output matches
"""
import concurrent.futures
import hashlib
import ipaddress
import os
import re
import subprocess
import sys
import tempfile

TIMEOUT = 50


def run(command):
    return subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)


def expectations(path):
    found, name = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            text = line.rstrip("\n")
            if not text.strip() or text.startswith("#"):
                continue
            if not text.startswith(" "):
                name, *words = text.split()
                found[name] = {"patterns": [], **dict(word.split("=") for word in words)}
            else:
                found[name]["patterns"].append(text.strip())
    return found


# --- Ours -------------------------------------------------------------------------------------------

STREAM = re.compile(r"stream (\d+)\.(\d) (tcp|udp) (\S+) > (\S+) ")


def play(program, capture, sums, folder):
    out, record = os.path.join(folder, "streams"), os.path.join(folder, "record.pcap")
    os.makedirs(out)
    done = run([program, "--sums", sums, "--buffers", "2048", "--convs", "1024", "--out", out, "--record", record, capture])
    files = {}
    for name in sorted(os.listdir(out)):
        with open(os.path.join(out, name), "rb") as handle:
            files[name] = handle.read()
    recorded = b""
    if os.path.exists(record):
        with open(record, "rb") as handle:
            recorded = handle.read()
    return done.returncode, done.stdout.decode(), files, recorded


def ours(text, files):
    """[(protocol, end of side 0, end of side 1, bytes of side 0, bytes of side 1)] in the order of conversations."""
    streams = {}
    for match in STREAM.finditer(text):
        number, side, protocol, source, target = match.groups()
        entry = streams.setdefault(int(number), [protocol, None, None, b"", b""])
        entry[1 + int(side)] = source
        entry[2 - int(side)] = target
        entry[3 + int(side)] = files.get(f"{number}.{side}", b"")
    return [tuple(streams[number]) for number in sorted(streams)]


# --- tshark's ----------------------------------------------------------------------------------------

def end_text(address, port):
    if ":" in address:
        words = ipaddress.IPv6Address(address.strip("[]")).exploded.split(":")
        return "[" + ":".join(f"{int(word, 16):x}" for word in words) + f"]:{port}"
    return f"{address}:{port}"


PREFERENCES = ["-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]


def followed(capture, counts):
    command = ["tshark", "-n", "-r", capture, "-q", *PREFERENCES]
    for protocol, count in counts:
        for index in range(count):
            command += ["-z", f"follow,{protocol},raw,{index}"]
    done = run(command)
    streams, current = [], None
    for line in done.stdout.decode("utf-8", "replace").split("\n"):
        head = re.match(r"Follow: (tcp|udp),raw", line)
        node = re.match(r"Node ([01]): (.*):(\d+)$", line)
        if head:
            current = [head.group(1), None, None, bytearray(), bytearray()]
            streams.append(current)
        elif node and current:
            current[1 + int(node.group(1))] = end_text(node.group(2), node.group(3))
        elif current and re.fullmatch(r"\t?[0-9a-f]+", line):
            current[4 if line[0] == "\t" else 3] += bytes.fromhex(line.strip())
    return streams


def counts_of(streams):
    return [(protocol, sum(1 for stream in streams if stream[0] == protocol)) for protocol in ("tcp", "udp")]


def ordered(stream):
    """With the ends in a fixed order, as each tool has its own idea of who began."""
    protocol, a, b, data_a, data_b = stream
    data_a, data_b = bytes(data_a), bytes(data_b)
    return (protocol, a, b, data_a, data_b) if (a or "") < (b or "") else (protocol, b, a, data_b, data_a)


WRONG = "tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0"


def prepared(capture, how, folder):
    """The capture as tshark is to read it."""
    made = os.path.join(folder, "prepared.pcap")
    if how == "sorted":
        run(["reordercap", capture, made])
    elif how == "filtered":
        run(["tshark", "-n", "-r", capture, *PREFERENCES, "-Y", f"!({WRONG})", "-w", made])
    else:
        return capture
    return made


def compare(capture, mine):
    theirs = [ordered(stream) for stream in followed(capture, counts_of(mine)) if stream[1]]
    faults = []
    # tshark numbers conversations of each protocol by first packet, as we do. It reverses -z options: order is by ends, then.
    by_ends, wanted = {}, {}
    for stream in mine:
        by_ends.setdefault(ordered(stream)[:3], []).append(ordered(stream)[3:])
    for stream in theirs:
        wanted.setdefault(stream[:3], []).append(stream[3:])
    for ends, have in by_ends.items():
        want = wanted.get(ends, [])
        have_sums = sorted(tuple(map(summary, pair)) for pair in have if any(pair))
        want_sums = sorted(tuple(map(summary, pair)) for pair in want if any(pair))
        if have_sums != want_sums:
            faults.append(f"{ends}: {have_sums}, tshark has {want_sums}")
    for ends in sorted(set(wanted) - set(by_ends)):
        if not any(any(pair) for pair in wanted[ends]):
            continue
        faults.append(f"{ends}: tshark has it, we do not")
    return faults


def summary(data):
    return f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:12]}"


# --- One capture ---------------------------------------------------------------------------------------

def check(program, corpus, name, expected):
    capture = os.path.join(corpus, name)
    sums = expected.get("sums", "auto")
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        first = play(program, capture, sums, os.path.join(folder, "1"))
        second = play(program, capture, sums, os.path.join(folder, "2"))
        streams = ours(first[1], first[2])
        if expected.get("tshark") != "no":
            faults += compare(prepared(capture, expected.get("tshark"), folder), streams)
    status, text, files, recorded = first
    if status not in (0, 1):
        faults.append(f"t_receive ended with {status}")
    if first != second:
        faults.append("two runs differ")
    if status == 0 and not recorded:
        faults.append("nothing was recorded")
    for pattern in expected["patterns"]:
        if not re.search(pattern, text, re.M):
            faults.append(f"no line matches {pattern!r}")
    if not expected["patterns"] and (status != 0 or " incomplete=0 " not in text):
        faults.append("it is not complete, and expect.txt does not say why")
    for data in files.values():
        if hashlib.sha256(data).hexdigest() not in text:
            faults.append("a stream's bytes have another digest than was printed")
    return name, faults, len(streams), sum(map(len, files.values())), text


def main():
    program, corpus, *names = sys.argv[1:]
    if subprocess.run(["sh", "-c", "command -v tshark"], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        print("tshark is not installed (configs/deps.sh system)")
        return 77
    expected = expectations(os.path.join(corpus, "expect.txt"))
    names = names or sorted(name for name in os.listdir(corpus) if name.endswith((".pcap", ".pcapng")))
    if len(names) < 10 and len(sys.argv) == 3:
        print(f"only {len(names)} captures in {corpus}")
        return 1
    bad = [name for name in expected if not os.path.exists(os.path.join(corpus, name))]
    for name in bad:
        print(f"expect.txt names {name}, which is not there")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(check, program, corpus, name, expected.get(name, {"patterns": []})) for name in names]
        for job in jobs:
            name, faults, streams, total, text = job.result()
            print(f"{name}: {streams} conversations, {total} bytes: {'FAILED' if faults else 'equal'}")
            for fault in faults:
                print(f"  {fault}")
            if faults:
                print("    " + text.replace("\n", "\n    ").rstrip())
                bad.append(name)
    print(f"{len(names)} captures, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
