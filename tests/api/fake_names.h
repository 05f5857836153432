/*
 * A namespace provider for tests. One library, several providers, told apart by their GUIDs.
 */
#ifndef FAKE_NAMES_H
#define FAKE_NAMES_H

#include <stdatomic.h>
#include <winsock2.h>
#include <ws2spi.h>

/* Data1 of the GUID: 0xfa4e0000 + what it is. */
enum fake_names_kind {
    FAKE_NAMES_GOOD = 1, /* answers */
    FAKE_NAMES_SECOND,   /* answers the same, under another name */
    FAKE_NAMES_OLD,      /* a table without NSPIoctl */
    FAKE_NAMES_NO_SLOT,  /* a slot is missing */
    FAKE_NAMES_NO_START, /* does not start */
};

#define FAKE_NAMES_ID(kind)                   \
    {                                         \
        0xfa4e0000u + (kind), 0x1234, 0x5678, \
        {                                     \
            1, 2, 3, 4, 5, 6, 7, 8            \
        }                                     \
    }
#define FAKE_NAMES_SPACE 4711

struct fake_names_counters {
    atomic_uint startups, cleanups, begins, nexts, ends, sets, installs, removes, ioctls;
    unsigned class_name_chars; /* of the class information of the last Begin */
    DWORD last_flags;
};

#endif
