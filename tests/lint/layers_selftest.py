#!/usr/bin/env python3
"""Plants one violation of each rule in a scratch tree and demands that layers.py reports that rule, and only that rule."""
import os
import sys
import tempfile

import layers

CLEAN = {
    "README.md": "# Clean\n",
    "stack/lwip/inst.c": '#include "lwip/tcp.h"\n#include "nic/port.h"\nint stk_x(void)\n{\n    return 0;\n}\n',
    "stack/ipc/ring_abi.h": "struct stk_ring_abi {\n    uint32_t head;\n    uint64_t cookie;\n};\n",
    "stack/lwip/plain.h": "#include <stdint.h>\n",
    "stack/lwip/exposing.h": '#include "lwip/tcp.h"\n',
    "stack/lwip/indirect.h": '#include "exposing.h"\n',
    "stack/core/uses.c": '#include "lwip/plain.h"\n',
    "drivers/dpdk/port.c": "#include <rte_ethdev.h>\n#include \"stack/err.h\"\n",
    "drivers/dpdk/CMakeLists.txt": "target_link_libraries(drv_dpdk PRIVATE PkgConfig::DPDK)\n",
    "wsp/slots.c": '#include "stack/api.h"\n/* rte_eal_init( is named in a comment only */\n',
    "wsp/CMakeLists.txt": "target_link_libraries(winlane PRIVATE wsp::core stk::core)\n",
    "nic/burst.c": '#include "nic/port.h"\n#include "stack/err.h"\n',
}

LONG_BODY = "".join(f"    x = {n};\n" for n in range(layers.MAX_FUNCTION_LINES + 1))

# rule, file, content
PLANTED = (
    ("top-level", "docs/page.md", "# A page\n"),
    ("top-level", "notes.txt", "a note\n"),
    ("lwip-include", "wsp/a.c", '#include "lwip/tcp.h"\n'),
    ("lwip-include", "stack/core/a.c", "#  include <lwip/init.h>\n"),
    ("lwip-include", "stack/core/b.c", '#include "lwipopts.h"\n'),
    ("lwip-include", "stack/core/c.c", '#include "lwip/exposing.h"\n'),
    ("lwip-include", "stack/core/d.c", '#include "lwip/indirect.h"\n'),
    ("dpdk-include", "stack/core/a.c", "#include <rte_mbuf.h>\n"),
    ("dpdk-include", "tests/unit/a.c", "#include <rte_mbuf.h>\n"),
    ("dpdk-name", "nic/a.c", "int nic_a(void)\n{\n    return rte_eal_init(0, 0);\n}\n"),
    ("room-include", "wsp/a.c", '#include "nic/port.h"\n'),
    ("room-include", "stack/core/a.c", '#include "wsp/socket.h"\n'),
    ("room-include", "nic/a.c", '#include "stack/api.h"\n'),
    ("room-include", "drivers/wire/a.c", '#include "../nic/port.h"\n'),
    ("room-include", "stack/core/b.c", "#include <winsock2.h>\n"),
    ("link", "wsp/x/CMakeLists.txt", "target_link_libraries(wsp_core\n    PRIVATE stk_lwip)\n"),
    ("link", "wsp/y/CMakeLists.txt", "target_link_libraries(wsp_core PRIVATE PkgConfig::DPDK)\n"),
    ("link", "stack/core/CMakeLists.txt", "target_link_libraries(stk_core PUBLIC drv_dpdk)\n"),
    ("link", "nic/CMakeLists.txt", "target_link_libraries(nic_core PUBLIC stk::core)\n"),
    ("link", "drivers/wire/CMakeLists.txt", "target_link_libraries(drv_wire PUBLIC PkgConfig::DPDK)\n"),
    ("abi-pointer", "stack/ipc/a_abi.h", "struct stk_a_abi {\n    void *user;\n};\n"),
    ("abi-width", "stack/ipc/b_abi.h", "struct stk_b_abi {\n    unsigned long length;\n};\n"),
    ("file-length", "nic/a.c", "int x;\n" * (layers.MAX_FILE_LINES + 1)),
    ("function-length", "nic/a.c", "void nic_a(void)\n{\n" + LONG_BODY + "}\n"),
    ("platform", "wsp/a.c", "void wsp_a(void)\n{\n#ifdef _WIN32\n#endif\n}\n"),
    ("unfinished", "wsp/a.c", "/* TO" + "DO: later */\n"),
    ("unfinished", "stack/core/a.c", "/* a st" + "ub for now */\n"),
    ("machine-path", "configs/a.ini", "log = /ho" + "me/somebody/log\n"),
    ("registry-host", "configs/a.sh", "fetch http://deb.debia" + "n.org/x\n"),
    ("trailing-blank", "nic/a.h", "int x; \n"),
)


def write(root, path, content):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as handle:
        handle.write(content)


def faults_with(extra):
    with tempfile.TemporaryDirectory() as root:
        for path, content in {**CLEAN, **extra}.items():
            write(root, path, content)
        return layers.check(root)[0]


def main():
    wrong = 0
    clean = faults_with({})
    if clean:
        print(f"clean tree: expected no fault, got {clean}")
        wrong += 1
    for rule, path, content in PLANTED:
        found = [(fault.rule, fault.path) for fault in faults_with({path: content})]
        if found != [(rule, path)]:
            print(f"planted {rule} in {path}: found {found}")
            wrong += 1
    untested = {rule for rule in ("top-level", "lwip-include", "dpdk-include", "dpdk-name", "room-include", "link",
                                  "abi-pointer", "abi-width", "file-length", "function-length", "platform", "unfinished",
                                  "machine-path", "registry-host", "trailing-blank")} - {row[0] for row in PLANTED}
    if untested:
        print(f"rules without a planted fault: {sorted(untested)}")
        wrong += 1
    print(f"layers_selftest: {len(PLANTED) + 1} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
