/**
 * @file
 * Control codes between our ws2_32 and our provider, for what the SPI has no
 * slot for. Another provider refuses them and its sockets go without; another
 * ws2_32 never sends them, and programs have no use for them.
 *
 * Types and constants only. Source: rules IOCP-30 to IOCP-36, OVL2-14.
 */
#ifndef WSP_PRIVATE_ABI_H
#define WSP_PRIVATE_ABI_H

#include <assert.h>
#include <stdint.h>

/** WSPIoctl: end overlapped requests of the socket with WSA_OPERATION_ABORTED and their indication. In: struct
 *  wsp_cancel_abi. Out: uint32_t, how many. */
#define WSP_IOCTL_CANCEL 0xd8005701u

/** WSPIoctl: the socket is associated with a completion port; its requests outlive the threads that issued them. */
#define WSP_IOCTL_PORT 0x98005702u

enum wsp_cancel_scope {
    WSP_CANCEL_ALL = 0,
    WSP_CANCEL_ONE = 1,    /**< those of one WSAOVERLAPPED */
    WSP_CANCEL_THREAD = 2, /**< those that the calling thread issued */
};

struct wsp_cancel_abi {
    uint64_t overlapped; /**< WSP_CANCEL_ONE: the address */
    uint32_t scope;      /**< enum wsp_cancel_scope */
    uint32_t reserved;   /**< 0 */
};

static_assert(sizeof(struct wsp_cancel_abi) == 16, "layout");

#endif
