"""Capture files: joined into one, and read by tcpdump, which checks every checksum that it can."""
from jobs import Failed

HEADER_BYTES = 24
KINDS = ("TCP (6)", "UDP (17)")


def join(paths, target):
    """Writes one capture from several that have the same file header (same driver, same link type)."""
    header = None
    with open(target, "wb") as whole:
        for path in paths:
            with open(path, "rb") as part:
                data = part.read()
            if header is None:
                header = data[:HEADER_BYTES]
                whole.write(header)
            if data[:HEADER_BYTES] != header:
                raise Failed(f"{path}: another kind of capture")
            whole.write(data[HEADER_BYTES:])


def verify(jobs, path):
    """Returns (packets, checksums found right); Failed if one is wrong, or if tcpdump saw too little to say."""
    with open(path, "rb") as data:
        text = jobs.run(["tcpdump", "-nn", "-vv", "-r", "-"], stdin=data, seconds=60).out()
    lines = text.splitlines()
    # A packet's first line begins with its time; the others are indented.
    packets = sum(line[:1].isdigit() for line in lines)
    good = sum("(correct)" in line or "sum ok]" in line for line in lines)
    bad = [line for line in lines if "(incorrect" in line or "bad cksum" in line or "[bad " in line or "sum bad" in line
           or "wrong icmp" in line]
    if bad:
        raise Failed(f"{len(bad)} bad checksums, the first: {bad[0].strip()[:160]}")
    for kind in KINDS:
        if kind not in text:
            raise Failed(f"no packet with {kind}")
    # The checksum of a datagram in fragments cannot be seen in one of them; all else must have been verified.
    fragments = sum("frag (" in line or ("proto UDP" in line and ("offset 0," not in line or "flags [+]" in line))
                    for line in lines)
    if good < (packets - fragments) * 9 // 10:
        raise Failed(f"tcpdump verified only {good} of {packets} packets, {fragments} of them fragments")
    return packets, good
