/*
 * Requests of the device under Windows' own sockets, among the files of the kernel part: ws2_afd_windows.c (which requests),
 * ws2_afd_poll_windows.c (polls), ws2_afd_file_windows.c (what they are made on).
 */
#ifndef WS2_AFD_WINDOWS_H
#define WS2_AFD_WINDOWS_H

#include "ws2_port_windows.h"

#define WS2_AFD_POLL 0x12024u

/* The arguments of NtDeviceIoControlFile. */
struct ws2_afd_call {
    HANDLE file;
    HANDLE event;
    PVOID routine;
    PVOID context;
    PIO_STATUS_BLOCK iosb;
    ULONG code;
    const void *in;
    ULONG in_bytes;
    void *out;
    ULONG out_bytes;
};

bool ws2_afd_control(const struct ws2_afd_call *call, NTSTATUS *status);

/* ---- polls ---- */

bool ws2_afd_poll(const struct ws2_afd_call *call, NTSTATUS *status);
unsigned ws2_afd_cancel(HANDLE file, DWORD thread, const void *iosb);
void ws2_afd_thread_ended(void);

/* ---- files ---- */

/* Where a request's end is told beside its event; the port is NULL, or held. */
struct ws2_afd_target {
    struct ws2_port *port;
    ULONG_PTR key;
    ULONG modes; /* FILE_SKIP_* */
};

NTSTATUS ws2_afd_target_get(HANDLE file, struct ws2_afd_target *target);
void ws2_afd_associated(HANDLE file, HANDLE port, ULONG_PTR key);
void ws2_afd_add_modes(HANDLE file, ULONG modes);
struct ws2_afd_file *ws2_afd_closing(HANDLE file);
void ws2_afd_closed(struct ws2_afd_file *file, bool done);

#endif
