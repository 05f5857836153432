/*
 * Completion ports, Linux: the port itself (ws2_iocp_linux.c), who waits at it (ws2_iocp_wait_linux.c), and what it is told by
 * (ws2_complete_linux.c).
 *
 * A port is the object of a handle of kind WS2_KIND_PORT. References: each handle, each file or socket that is associated,
 * each thread that is one of its running threads. When the last handle goes it is closed: its packets are dropped, who waits
 * is sent away with ERROR_ABANDONED_WAIT_0, and what is posted to it later disappears.
 *
 * Everything of a port is under its one lock. A thread that must wait lies on the port's stack of waiters; who posts takes
 * the top one, writes the packet into its record, and wakes that thread alone. Edge Q1: the packet is written before
 * `state`, with release; the waiter reads `state` with acquire, and needs no lock then, unless packets were left: while
 * packets lie there and somebody waits, one who waits watches, and it may have been this one.
 *
 * Concurrency: a thread is running from the return of GetQueuedCompletionStatus until it calls that again, waits in this DLL
 * or in the provider, or ends. As many as the port's value run at a time. A thread that sleeps in some other library is
 * found out by the kernel's record of it: a waiter that is kept back although packets wait looks every few milliseconds.
 */
#ifndef WS2_IOCP_PRIV_H
#define WS2_IOCP_PRIV_H

#include "ws2_wait_priv.h"

enum ws2_port_wait { WS2_PORT_WAITING, WS2_PORT_SERVED, WS2_PORT_ABANDONED };

struct ws2_port_waiter {
    struct ws2_port_waiter *below;
    struct ws2_port_waiter *above;
    struct ws2_thread *thread;
    OVERLAPPED_ENTRY entry;
    bool left;           /* packets were left when it was served; as `entry` */
    atomic_uint state;   /* enum ws2_port_wait; edge Q1 */
    atomic_bool watches; /* packets wait and the port's value keeps it back: it looks at the running threads */
};

struct ws2_port {
    pthread_mutex_t lock;
    atomic_uint refs;
    atomic_uint handles;
    bool closed;
    unsigned limit;              /* threads that may run at a time */
    unsigned running;            /* that do */
    struct ws2_thread *members;  /* the running ones */
    struct ws2_port_waiter *top; /* last come, first served */
    OVERLAPPED_ENTRY *ring;      /* packets, oldest at `first`; grows, and is kept */
    unsigned slots;              /* a power of two, or 0 */
    unsigned first;
    unsigned count;
    void (*starved)(void); /* the pool's: a packet came, and nobody waits */
};

/* What a socket or file points to once it is associated. Written before its WS2_IO_PORTED, read after it. */
struct ws2_port_link {
    struct ws2_port *port;
    ULONG_PTR key;
    void (*hold)(ULONG_PTR key); /* each packet that is queued holds the key, as the link does; NULL: a mere number */
    void (*drop)(ULONG_PTR key);
};

/* Bits of a slot's or file's `io`. */
#define WS2_IO_SKIP_SUCCESS FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
#define WS2_IO_SKIP_HANDLE FILE_SKIP_SET_EVENT_ON_HANDLE
#define WS2_IO_PORTED 4u

struct ws2_port *ws2_port_new(unsigned threads);
void ws2_port_ref(struct ws2_port *port);
void ws2_port_unref(struct ws2_port *port);
void ws2_port_handle_closed(struct ws2_port *port);
bool ws2_port_post(struct ws2_port *port, const OVERLAPPED_ENTRY *packet);
void ws2_port_thread_leaves(struct ws2_thread *thread);
bool ws2_port_thread_blocks(struct ws2_thread *thread);
void ws2_port_thread_resumes(struct ws2_thread *thread);
DWORD ws2_port_associate(HANDLE file, const struct ws2_port_link *wanted);
bool ws2_port_is_starved(struct ws2_port *port);
unsigned ws2_port_drop(struct ws2_port *port, ULONG_PTR key);
DWORD ws2_port_remove(struct ws2_port *port, struct ws2_thread *self, LPOVERLAPPED_ENTRY entries, ULONG count,
                      ULONG *removed, DWORD timeout_ms, bool alertable);
void ws2_port_link_release(struct ws2_port_link *link);
void ws2_port_file_done(struct ws2_slot *slot, LPOVERLAPPED overlapped, bool silent, DWORD transferred);
void ws2_result_store(LPOVERLAPPED overlapped, ULONG_PTR status, ULONG_PTR transferred);

void wl_port_helper(wsp_help_fn help);

/* Between the files, under the port's lock. */
OVERLAPPED_ENTRY ws2_port_take(struct ws2_port *port);
void ws2_port_run(struct ws2_port *port, struct ws2_thread *thread);
void ws2_port_stop(struct ws2_port *port, struct ws2_thread *thread);
struct ws2_thread *ws2_port_serve(struct ws2_port *port);
void ws2_port_abandon(struct ws2_port *port);

#endif
