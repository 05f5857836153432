/*
 * Completion ports, among the files of the kernel part. See ws2_port_windows.c.
 */
#ifndef WS2_PORT_WINDOWS_H
#define WS2_PORT_WINDOWS_H

#include "ws2_issue_priv.h"
#include "ws2_status.h"

#include <winternl.h>

#define WS2_STATUS_INVALID_HANDLE ((NTSTATUS)0xc0000008)
#define WS2_STATUS_INVALID_PARAMETER ((NTSTATUS)0xc000000d)
#define WS2_STATUS_NOT_SUPPORTED ((NTSTATUS)0xc00000bb)
#define WS2_STATUS_NO_MEMORY ((NTSTATUS)0xc0000017)
#define WS2_STATUS_NOT_FOUND ((NTSTATUS)0xc0000225)

struct ws2_port;

/* What a socket's slots point to once there is something to remember; one for all handles of the socket. */
struct ws2_port_state {
    atomic_uint refs; /* slots */
    _Atomic(struct ws2_port *) port;
    ULONG_PTR key;
    atomic_uint modes; /* FILE_SKIP_* */
    unsigned handles;  /* that the program has; under the lock of ws2_share_windows.c */
    SOCKET known;      /* the one that the provider made and speaks of */
};

struct ws2_port_state *ws2_port_state_make(struct ws2_slot *slot);
bool ws2_share_adopt(struct ws2_slot *slot, HANDLE copy);
bool ws2_share_is_hidden(HANDLE handle);
bool ws2_port_start(void);
NTSTATUS ws2_port_prepare(struct ws2_slot *slot, HANDLE given, struct ws2_port **port);
void ws2_port_associated(struct ws2_slot *slot, struct ws2_port *port, ULONG_PTR key, bool done);
bool ws2_port_add_modes(struct ws2_slot *slot, ULONG modes);
struct ws2_port *ws2_port_closing(HANDLE handle);
void ws2_port_closed(struct ws2_port *port, bool done);
DWORD ws2_port_wait_result(const OVERLAPPED *overlapped, DWORD ms, BOOL alertable);

struct ws2_port *ws2_port_get(HANDLE given);
struct ws2_port *ws2_port_of(struct ws2_slot *slot, ULONG_PTR *key, ULONG *modes);
void ws2_port_hold(struct ws2_port *port);
void ws2_port_drop(struct ws2_port *port);
void ws2_port_post(struct ws2_port *port, ULONG_PTR key, PVOID context, NTSTATUS status, ULONG_PTR bytes);

#endif
