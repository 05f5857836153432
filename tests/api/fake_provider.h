/*
 * What the fake provider tells the tests; reached with dlsym, since the DLL loads it.
 */
#ifndef FAKE_PROVIDER_H
#define FAKE_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>
#include <ws2spi.h>

/* A connect to this port answers WSAEALREADY. */
#define FAKE_PORT_ALREADY 7

struct fake_counters {
    _Atomic unsigned starts;
    _Atomic unsigned cleanups;
    _Atomic WORD last_version;
    _Atomic DWORD last_entry;
    _Atomic DWORD last_flags;
    _Atomic int last_af, last_type, last_protocol;
    _Atomic(LPWSATHREADID) last_thread;
    /* The last WSPIoctl. */
    _Atomic DWORD ioctl_code, ioctl_in_bytes, ioctl_out_bytes;
    _Atomic bool ioctl_one_buffer;  /* in and out are the same */
    _Atomic bool ioctl_synchronous; /* neither overlapped nor routine nor thread */
    _Atomic bool ioctl_with_thread;
};

__attribute__((visibility("default"))) struct fake_counters *fake_counters(void);
__attribute__((visibility("default"))) const WSPUPCALLTABLE *fake_upcalls(void);

#endif
