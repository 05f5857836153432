/**
 * @file
 * Control codes and a function between our ws2_32 and our provider, for what the SPI has no
 * slot for. Another provider refuses them and its sockets go without; another
 * ws2_32 never sends them, and programs have no use for them.
 *
 * Types and constants only. Source: rules IOCP-30 to IOCP-36, OVL2-14.
 */
#ifndef WSP_PRIVATE_ABI_H
#define WSP_PRIVATE_ABI_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

/** WSPIoctl: end overlapped requests of the socket with WSA_OPERATION_ABORTED and their indication. In: struct
 *  wsp_cancel_abi. Out: uint32_t, how many. */
#define WSP_IOCTL_CANCEL 0xd8005701u

/** WSPIoctl: the socket is associated with a completion port; its requests outlive the threads that issued them.
 *  WSAEPROTOTYPE: it was not made for overlapped calls, and cannot be. */
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

/** WSPIoctl: the interfaces. Out: as many struct wsp_adapter_abi as fit; WSAEFAULT where one does not, with the bytes that they all
 *  need. Source: no rule has such a code; GetAdaptersAddresses for Linux is made of it. */
#define WSP_IOCTL_ADAPTERS 0x58005703u
#define WSP_ADAPTER_ADDRESSES 18

struct wsp_adapter_abi {
    char name[32]; /**< UTF-8 */
    uint32_t if_index;
    uint32_t mtu;
    uint32_t up;
    uint32_t loopback;
    uint32_t mac_set;
    uint32_t count; /**< of addresses */
    uint8_t mac[8];
    struct {
        uint16_t family; /**< 4 or 6 */
        uint16_t prefix; /**< bits */
        uint8_t ip[16];
    } address[WSP_ADAPTER_ADDRESSES];
};

static_assert(sizeof(struct wsp_adapter_abi) == 424, "layout");

/**
 * WSPIoctl: what a socket has to tell, of what is wanted. In: struct wsp_ready_abi. Without an overlapped structure a look, out:
 * struct wsp_ready_told_abi. With one a request that waits until there is something, WSA_IO_PENDING, whatever the
 * socket's flags: its end is told to `notify` alone, once, also at a close or the last cleanup. InternalHigh: the events;
 * OffsetHigh: 0 or WSA_OPERATION_ABORTED; Offset: as `code`. hEvent is NULL. WSP_CANCEL_ONE ends it, the other scopes do not.
 * Source: no rule has such a code; polls through the device of Windows' own sockets are made of it.
 */
#define WSP_IOCTL_READY 0xd8005704u

/** In the numbers of that device. */
enum wsp_ready {
    WSP_READY_RECEIVE = 0x1,
    WSP_READY_EXPEDITED = 0x2,
    WSP_READY_SEND = 0x4,
    WSP_READY_DISCONNECT = 0x8, /**< the peer's end of data, what came before it read or not */
    WSP_READY_ABORT = 0x10,
    WSP_READY_LOCAL_CLOSE = 0x20, /**< never told: the request is aborted */
    WSP_READY_CONNECT = 0x40,
    WSP_READY_ACCEPT = 0x80,
    WSP_READY_CONNECT_FAIL = 0x100,
};

struct wsp_ready_abi {
    uint32_t wanted;   /**< enum wsp_ready */
    uint32_t reserved; /**< 0 */
    uint64_t notify;   /**< a wsp_ready_fn; 0 for a look */
};

struct wsp_ready_told_abi {
    uint32_t events; /**< enum wsp_ready */
    uint32_t code;   /**< with WSP_READY_CONNECT_FAIL: why, a WSAE* code; else 0 */
};

static_assert(sizeof(struct wsp_ready_abi) == 16 && sizeof(struct wsp_ready_told_abi) == 8, "layout");

/** @param overlapped  The request's. Context: any thread that holds no lock of the provider; must not wait for the provider. */
typedef void (*wsp_ready_fn)(void *overlapped);

/*
 * wl_complete_at_once, a function of ws2_32 for Linux: WPUCompleteOverlappedRequest of a request whose call is about to
 * return success. Calls through a pointer do not pass through ws2_32, which could not tell otherwise that a program
 * wants no packet for such a request (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS). Source: rules IOCP-21, IOCP-28.
 */

/**
 * Calls that wait for a thread (completion routines, QueueUserAPC), for the provider's waits: those are alertable, and the
 * thread sleeps where only the provider can wake it. ws2_32 for Linux gives the calling thread's with its function
 * wl_thread_alert, a wsp_alert_fn; NULL: no calls can come now, or the thread is running some.
 *
 * Edge: ws2_32 stores `pending`, then looks at `blocked`; the provider stores `blocked`, then looks at `pending`; all
 * sequentially consistent. Source: rules WSPC-8, C.26.
 */
struct wsp_alert_abi {
    _Atomic uint32_t pending; /**< ws2_32's: calls wait */
    _Atomic uint32_t blocked; /**< the provider's: the thread is in a wait of its own */
    _Atomic uint64_t wake;    /**< a void (*)(void) of the provider's, set before `blocked`: make its waits look */
};

typedef struct wsp_alert_abi *(*wsp_alert_fn)(void);

/**
 * The descriptor behind a file's handle, for TransmitFile: ws2_32 for Linux gives it with its function wl_file_descriptor.
 *
 * @param fd  A copy, with the file's position; the caller's to close.
 * @return    0, or a Win32 code: ERROR_INVALID_HANDLE, ERROR_ACCESS_DENIED (not opened for reading), ERROR_TOO_MANY_OPEN_FILES.
 */
typedef uint32_t (*wsp_file_fn)(uint64_t handle, int32_t *fd);

/**
 * A thread that waits for a completion port does the provider's work meanwhile, so that no other one has to be woken for it:
 * completions come through WPUCompleteOverlappedRequest as ever. Our provider names its function to ws2_32 for Linux by
 * calling wl_port_helper, and NULL when it ends; what a call that is inside then looks at stays.
 *
 * @param word     A futex word: it changes when the caller has a reason to look again. NULL: one look.
 * @param seen     What it was when the caller looked.
 * @param wait_ms  At most; UINT32_MAX: as long as the provider likes to spin.
 * @return         Whether there was anything to do.
 *
 * Context: any thread that holds no lock. Spins, does not sleep.
 */
typedef uint32_t (*wsp_help_fn)(const _Atomic uint32_t *word, uint32_t seen, uint32_t wait_ms);

/** wl_port_helper. */
typedef void (*wsp_helper_fn)(wsp_help_fn help);

#endif
