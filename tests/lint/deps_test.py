#!/usr/bin/env python3
"""Gives configs/deps.sh apt configurations of both formats and checks which archive it derives lwIP's source from."""
import os
import subprocess
import sys
import tempfile

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "configs", "deps.sh")
DEB822 = "Types: {types}\nURIs: {uris}\nSuites: {suites}\nComponents: {components}\n{more}"


def stanza(types="deb", uris="http://m.example/debian", suites="bookworm bookworm-updates", components="main", more=""):
    return DEB822.format(types=types, uris=uris, suites=suites, components=components, more=more)


# name, {file: content}, expected URI or "" for none
ROWS = (
    ("one-line", {"sources.list": "deb http://a.example/debian bookworm main\n"}, "http://a.example/debian"),
    ("one-line, slash", {"sources.list": "deb http://a.example/debian/ bookworm main\n"}, "http://a.example/debian"),
    ("one-line, options", {"sources.list": "deb [arch=amd64 signed-by=/k] https://a.example/d bookworm contrib main\n"},
     "https://a.example/d"),
    ("one-line, commented out", {"sources.list": "# deb http://a.example/debian bookworm main\n"}, ""),
    ("one-line, security only", {"sources.list": "deb http://a.example/s bookworm-security main\n"}, ""),
    ("one-line, no main", {"sources.list": "deb http://a.example/s bookworm contrib\n"}, ""),
    ("sources only", {"sources.list": "deb-src http://a.example/debian bookworm main\n"}, ""),
    ("list in parts", {"sources.list": "\n", "sources.list.d/x.list": "deb http://b.example/d bookworm main\n"},
     "http://b.example/d"),
    ("another vendor first", {"sources.list": "deb http://v.example/apt bookworm-vendor main\n"
                              "deb http://b.example/d bookworm main\n"}, "http://b.example/d"),
    ("deb822", {"sources.list.d/x.sources": stanza()}, "http://m.example/debian"),
    ("deb822, second stanza", {"sources.list.d/x.sources": stanza(suites="bookworm-security", uris="http://s.example/s")
                               + "\n" + stanza()}, "http://m.example/debian"),
    ("deb822, folded fields", {"sources.list.d/x.sources": stanza(uris="\n http://m.example/debian\n http://n.example/d",
                                                                  suites="\n bookworm-updates\n bookworm")},
     "http://m.example/debian"),
    ("deb822, comment inside", {"sources.list.d/x.sources": "# http://c.example\n" + stanza(more="# Enabled: no\n")},
     "http://m.example/debian"),
    ("deb822, disabled", {"sources.list.d/x.sources": stanza(more="Enabled: no\n")}, ""),
    ("deb822, source type only", {"sources.list.d/x.sources": stanza(types="deb-src")}, ""),
    ("deb822, both types", {"sources.list.d/x.sources": stanza(types="deb deb-src")}, "http://m.example/debian"),
    ("disabled file", {"sources.list.d/x.sources.save": stanza()}, ""),
    ("nothing", {}, ""),
)


def derive(files):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "sources.list.d"))
        for name, content in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as handle:
                handle.write(content)
        return subprocess.run([SCRIPT, "debian-uri", folder], capture_output=True, text=True).stdout.strip()


def main():
    wrong = 0
    for name, files, expected in ROWS:
        got = derive(files)
        if got != expected:
            print(f"{name}: expected {expected!r}, got {got!r}")
            wrong += 1
    print(f"deps_test: {len(ROWS)} rows, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
