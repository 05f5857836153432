/*
 * Completion ports and the end of overlapped operations, Windows.
 *
 * The kernel does not tell which port a handle was associated with, so the association is watched as it is made
 * (ws2_hook_windows.c): the kernel associates the socket's pipe, which checks port and socket for us, and the socket's
 * slot remembers port and key. No operation ever completes on the pipe, so every packet of a socket is ours.
 *
 * A port is held by a handle of our own: the program may close its handle while sockets are still associated, and the
 * value may come again as something else. When it closes the last one, ours goes too, as the port is then of no use.
 *
 * Order at a completion: InternalHigh, Internal, then the event, then the packet (rule WPU-25); the structure is the
 * application's as soon as Internal says so. Edge P1: a socket's key is stored before its port, with release.
 * Edge P2: who waits for a structure counts itself before it looks at Internal, who completes stores Internal before it
 * looks at the count; both by sequentially consistent read-modify-writes. Source: rules WPU-24 to WPU-28, IOCP-1 to 25.
 */
#include "ws2_backing_windows.h"
#include "ws2_port_windows.h"

#include <stdlib.h>
#include <winternl.h>

struct ws2_port {
    atomic_uint refs; /* one of the list while the program's handle is open, one per associated socket */
    HANDLE given;     /* the program's handle */
    SRWLOCK lock;     /* shared: a packet is being posted through `own` */
    HANDLE own;       /* NULL: nobody can wait at this port any more */
    struct ws2_port *next;
};

struct result_waiter {
    struct result_waiter *next;
    HANDLE event;
};

typedef NTSTATUS(NTAPI *set_completion_fn)(HANDLE, ULONG_PTR, ULONG_PTR, NTSTATUS, SIZE_T);
typedef NTSTATUS(NTAPI *query_object_fn)(HANDLE, int, PVOID, ULONG, PULONG);

static set_completion_fn set_completion;
static query_object_fn query_object;
static DWORD issue_slot = TLS_OUT_OF_INDEXES;

static SRWLOCK ports_lock = SRWLOCK_INIT;
static struct ws2_port *ports;      /* whose handle the program still has */
static _Atomic uint64_t ports_seen; /* a bit per handle value modulo 64 */

static SRWLOCK results_lock = SRWLOCK_INIT;
static struct result_waiter *results;
static atomic_uint results_waiting;

/* ---- lifecycle ---- */

/**
 * Find what ports need of the system.
 *
 * @return  false: sockets cannot be associated with ports.
 *
 * Context: once, under ws2_kernel_attach.
 */
bool ws2_port_start(void)
{
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    if (ntdll == NULL) {
        return false;
    }
    set_completion = (set_completion_fn)(uintptr_t)GetProcAddress(ntdll, "NtSetIoCompletion");
    query_object = (query_object_fn)(uintptr_t)GetProcAddress(ntdll, "NtQueryObject");
    issue_slot = TlsAlloc();
    return set_completion != NULL && query_object != NULL && issue_slot != TLS_OUT_OF_INDEXES;
}

static void port_unref(struct ws2_port *port)
{
    if (atomic_fetch_sub_explicit(&port->refs, 1, memory_order_acq_rel) == 1) {
        if (port->own != NULL) {
            CloseHandle(port->own);
        }
        free(port);
    }
}

static struct ws2_port_state *state_of(struct ws2_slot *slot)
{
    return (struct ws2_port_state *)__atomic_load_n(&slot->object, __ATOMIC_ACQUIRE);
}

/**
 * What is remembered of a socket, made if there is nothing yet.
 *
 * @param slot  A socket's, pinned.
 * @return      NULL when memory is short.
 *
 * Context: any thread.
 */
struct ws2_port_state *ws2_port_state_make(struct ws2_slot *slot)
{
    struct ws2_port_state *state = state_of(slot);
    void *none = NULL;
    if (state != NULL) {
        return state;
    }
    state = (struct ws2_port_state *)calloc(1, sizeof *state);
    if (state != NULL) {
        atomic_init(&state->refs, 1);
        state->handles = 1;
        state->known = ws2_handle_value(slot);
    }
    if (state != NULL &&
        !__atomic_compare_exchange_n(&slot->object, &none, (void *)state, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        free(state);
        state = (struct ws2_port_state *)none;
    }
    return state;
}

void ws2_port_release(void *object)
{
    struct ws2_port_state *state = (struct ws2_port_state *)object;
    struct ws2_port *port;
    if (state == NULL || atomic_fetch_sub_explicit(&state->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    port = atomic_load_explicit(&state->port, memory_order_acquire);
    if (port != NULL) {
        port_unref(port);
    }
    free(state);
}

/* ---- the program's handles of ports ---- */

static uint64_t seen_bit(HANDLE handle)
{
    return (uint64_t)1 << ((uintptr_t)handle >> 2 & 63);
}

/* ports_lock held. */
static struct ws2_port **port_place(HANDLE given)
{
    struct ws2_port **place = &ports;
    while (*place != NULL && (*place)->given != given) {
        place = &(*place)->next;
    }
    return place;
}

/**
 * The port that the program has a handle of, with a reference for the caller.
 *
 * @return  NULL when the handle cannot be had again or memory is short.
 *
 * Context: any thread.
 */
struct ws2_port *ws2_port_get(HANDLE given)
{
    HANDLE process = GetCurrentProcess();
    struct ws2_port *port;
    AcquireSRWLockExclusive(&ports_lock);
    port = *port_place(given);
    if (port == NULL) {
        port = (struct ws2_port *)calloc(1, sizeof *port);
        if (port != NULL && !DuplicateHandle(process, given, process, &port->own, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
            free(port);
            port = NULL;
        }
        if (port != NULL) {
            atomic_init(&port->refs, 1);
            port->given = given;
            InitializeSRWLock(&port->lock);
            port->next = ports;
            ports = port;
            atomic_fetch_or_explicit(&ports_seen, seen_bit(given), memory_order_relaxed);
        }
    }
    if (port != NULL) {
        atomic_fetch_add_explicit(&port->refs, 1, memory_order_relaxed);
    }
    ReleaseSRWLockExclusive(&ports_lock);
    return port;
}

/**
 * The program is about to close a handle that may be a port's.
 *
 * @return  The port, to be given to ws2_port_closed, or NULL: none that sockets were associated with.
 *
 * Context: any thread; one load where there is no such port.
 */
struct ws2_port *ws2_port_closing(HANDLE handle)
{
    struct ws2_port **place;
    struct ws2_port *port;
    uint64_t seen = 0;
    if ((atomic_load_explicit(&ports_seen, memory_order_relaxed) & seen_bit(handle)) == 0) {
        return NULL;
    }
    AcquireSRWLockExclusive(&ports_lock);
    place = port_place(handle);
    port = *place;
    if (port != NULL) {
        struct ws2_port *other;
        *place = port->next;
        for (other = ports; other != NULL; other = other->next) {
            seen |= seen_bit(other->given);
        }
        atomic_store_explicit(&ports_seen, seen, memory_order_relaxed);
    }
    ReleaseSRWLockExclusive(&ports_lock);
    return port;
}

static bool port_has_other_handles(const struct ws2_port *port)
{
    /* The first three of PUBLIC_OBJECT_BASIC_INFORMATION: attributes, access, handles. */
    ULONG basic[14] = {0};
    return query_object(port->own, 0, basic, sizeof basic, NULL) >= 0 && basic[2] > 1;
}

/**
 * What ws2_port_closing found was closed.
 *
 * @param done  false: it could not be closed and goes on.
 *
 * Context: any thread.
 */
void ws2_port_closed(struct ws2_port *port, bool done)
{
    if (!done) {
        AcquireSRWLockExclusive(&ports_lock);
        port->next = ports;
        ports = port;
        atomic_fetch_or_explicit(&ports_seen, seen_bit(port->given), memory_order_relaxed);
        ReleaseSRWLockExclusive(&ports_lock);
        return;
    }
    if (!port_has_other_handles(port)) {
        AcquireSRWLockExclusive(&port->lock);
        CloseHandle(port->own);
        port->own = NULL;
        ReleaseSRWLockExclusive(&port->lock);
    }
    port_unref(port);
}

/* ---- association ---- */

/**
 * Get ready to associate a socket: nothing can fail after the kernel has done it.
 *
 * @param slot   A socket's, pinned.
 * @param given  What the program says is a port.
 * @param port   Out: for ws2_port_associated.
 * @return       0, STATUS_INVALID_HANDLE or STATUS_NO_MEMORY.
 *
 * Context: any thread.
 */
NTSTATUS ws2_port_prepare(struct ws2_slot *slot, HANDLE given, struct ws2_port **port)
{
    if (ws2_port_state_make(slot) == NULL) {
        return WS2_STATUS_NO_MEMORY;
    }
    *port = ws2_port_get(given);
    return *port == NULL ? WS2_STATUS_INVALID_HANDLE : 0;
}

/**
 * The kernel has answered.
 *
 * @param done  Whether it associated the socket's pipe.
 *
 * Context: the thread of ws2_port_prepare.
 */
void ws2_port_associated(struct ws2_slot *slot, struct ws2_port *port, ULONG_PTR key, bool done)
{
    struct ws2_port_state *state = state_of(slot);
    struct ws2_port *none = NULL;
    if (done && state != NULL && atomic_load_explicit(&state->port, memory_order_relaxed) == NULL) {
        /* The kernel lets one association through, so nobody else is here. Edge P1. */
        state->key = key;
        if (atomic_compare_exchange_strong_explicit(&state->port, &none, port, memory_order_release,
                                                    memory_order_relaxed)) {
            return;
        }
    }
    port_unref(port);
}

/**
 * Remember notification modes; they are added to those there were (rule IOCP-24).
 *
 * Context: any thread, with a pin.
 */
bool ws2_port_add_modes(struct ws2_slot *slot, ULONG modes)
{
    struct ws2_port_state *state = ws2_port_state_make(slot);
    if (state == NULL) {
        return false;
    }
    atomic_fetch_or_explicit(&state->modes, modes, memory_order_relaxed);
    return true;
}

/** One more reference of a port that the caller has one of; NULL is accepted. Context: any thread. */
void ws2_port_hold(struct ws2_port *port)
{
    if (port != NULL) {
        atomic_fetch_add_explicit(&port->refs, 1, memory_order_relaxed);
    }
}

/** Give back a reference; NULL is accepted. Context: any thread that holds no lock of ports. */
void ws2_port_drop(struct ws2_port *port)
{
    if (port != NULL) {
        port_unref(port);
    }
}

/**
 * The port of a socket.
 *
 * @param slot  Pinned.
 * @param key   Out, as is modes: FILE_SKIP_*.
 * @return      With a reference, or NULL: none.
 *
 * Context: any thread.
 */
struct ws2_port *ws2_port_of(struct ws2_slot *slot, ULONG_PTR *key, ULONG *modes)
{
    struct ws2_port_state *state = state_of(slot);
    struct ws2_port *port = state == NULL ? NULL : atomic_load_explicit(&state->port, memory_order_acquire);
    if (port != NULL) { /* edge P1 */
        *key = state->key;
        *modes = atomic_load_explicit(&state->modes, memory_order_relaxed);
        ws2_port_hold(port);
    }
    return port;
}

/* ---- calls that start operations ---- */

int ws2_issue_begin(struct ws2_issue *issue, SOCKET s, LPWSAOVERLAPPED overlapped,
                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct ws2_slot *slot = overlapped == NULL ? NULL : ws2_handle_pin(s, WS2_KIND_SOCKET);
    struct ws2_port_state *state = slot == NULL ? NULL : state_of(slot);
    int error = 0;
    issue->active = false;
    if (state != NULL && atomic_load_explicit(&state->port, memory_order_acquire) != NULL) {
        if (routine != NULL) {
            error = WSAEINVAL;
        } else if ((atomic_load_explicit(&state->modes, memory_order_relaxed) & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) !=
                   0) {
            DWORD before = GetLastError();
            issue->s = s;
            issue->overlapped = overlapped;
            issue->withheld = false;
            issue->outer = (struct ws2_issue *)TlsGetValue(issue_slot);
            issue->active = TlsSetValue(issue_slot, issue) != 0;
            SetLastError(before);
        }
    }
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    return error;
}

static void packet_post(struct ws2_port *port, ULONG_PTR key, LPWSAOVERLAPPED overlapped, ULONG_PTR status,
                        DWORD transferred)
{
    AcquireSRWLockShared(&port->lock);
    if (port->own != NULL) {
        (void)set_completion(port->own, key, (ULONG_PTR)overlapped, (NTSTATUS)status, transferred);
    }
    ReleaseSRWLockShared(&port->lock);
}

/** A packet that is no socket's own. Context: any thread with a reference. */
void ws2_port_post(struct ws2_port *port, ULONG_PTR key, PVOID context, NTSTATUS status, ULONG_PTR bytes)
{
    packet_post(port, key, (LPWSAOVERLAPPED)context, (ULONG_PTR)(DWORD)status, (DWORD)bytes);
}

void ws2_issue_end(struct ws2_issue *issue, int result)
{
    DWORD before;
    if (!issue->active) {
        return;
    }
    before = GetLastError();
    (void)TlsSetValue(issue_slot, issue->outer);
    if (issue->withheld && result != 0) {
        /* The provider completed inside the call and says all the same that it will complete later. */
        struct ws2_slot *slot = ws2_handle_pin(issue->s, WS2_KIND_SOCKET);
        struct ws2_port_state *state = slot == NULL ? NULL : state_of(slot);
        struct ws2_port *port = state == NULL ? NULL : atomic_load_explicit(&state->port, memory_order_acquire);
        if (port != NULL) {
            packet_post(port, state->key, issue->overlapped, issue->status, issue->transferred);
        }
        if (slot != NULL) {
            ws2_handle_unpin(slot);
        }
    }
    SetLastError(before);
}

/* ---- completion ---- */

static bool is_withheld(LPWSAOVERLAPPED overlapped, ULONG_PTR status, DWORD transferred)
{
    struct ws2_issue *issue = (struct ws2_issue *)TlsGetValue(issue_slot);
    if (status != 0 || issue == NULL || issue->overlapped != overlapped) {
        return false;
    }
    issue->withheld = true;
    issue->status = status;
    issue->transferred = transferred;
    return true;
}

static struct ws2_port *port_now(struct ws2_slot *slot)
{
    struct ws2_port_state *state = state_of(slot);
    return state == NULL ? NULL : atomic_load_explicit(&state->port, memory_order_acquire);
}

static void port_notify(struct ws2_slot *slot, struct ws2_port *port, LPWSAOVERLAPPED overlapped, ULONG_PTR status,
                        DWORD transferred)
{
    const struct ws2_port_state *state = state_of(slot);
    if (port == NULL) {
        return;
    }
    if ((atomic_load_explicit(&state->modes, memory_order_relaxed) & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) != 0 &&
        is_withheld(overlapped, status, transferred)) {
        return;
    }
    packet_post(port, state->key, overlapped, status, transferred);
}

static void results_wake(void)
{
    struct result_waiter *waiter;
    /* Edge P2, who completes. */
    if (atomic_fetch_add_explicit(&results_waiting, 0, memory_order_seq_cst) == 0) {
        return;
    }
    AcquireSRWLockShared(&results_lock);
    for (waiter = results; waiter != NULL; waiter = waiter->next) {
        (void)SetEvent(waiter->event);
    }
    ReleaseSRWLockShared(&results_lock);
}

/**
 * A provider reports the end of an overlapped operation.
 *
 * @param s            A socket made by CreateSocketHandle, still open.
 * @param overlapped   The provider's until this call, the application's after it; Offset and OffsetHigh are set.
 * @param code         0 or the operation's error.
 * @param transferred  Bytes.
 * @return             0, or SOCKET_ERROR with *error WSAEINVAL (no such socket) or WSAEFAULT (overlapped NULL).
 *
 * Context: any thread, holding no lock. The last error is as before. Source: rules WPU-15, WPU-24 to WPU-28.
 */
int WSPAPI WPUCompleteOverlappedRequest(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code, DWORD transferred,
                                        LPINT error)
{
    struct ws2_slot *slot = overlapped == NULL ? NULL : ws2_handle_pin(s, WS2_KIND_SOCKET);
    struct ws2_port *port;
    DWORD before = GetLastError();
    ULONG_PTR status;
    uintptr_t event;
    if (slot == NULL) {
        if (error != NULL) {
            *error = overlapped == NULL ? WSAEFAULT : WSAEINVAL;
        }
        return SOCKET_ERROR;
    }
    status = ws2_status_of(slot, code);
    event = (uintptr_t)overlapped->hEvent;
    port = port_now(slot); /* before the program can know: who associates the socket after this gets no packet of it */
    overlapped->InternalHigh = transferred;
    /* Programs poll the word (HasOverlappedIoCompleted); the structure is Windows', so no _Atomic. Edge P2. */
    (void)__atomic_exchange_n(&overlapped->Internal, status, __ATOMIC_SEQ_CST);
    if ((event & ~(uintptr_t)1) != 0) {
        (void)SetEvent((HANDLE)(event & ~(uintptr_t)1));
    }
    if ((event & 1) == 0) { /* IOCP-10 */
        port_notify(slot, port, overlapped, status, transferred);
    }
    results_wake();
    ws2_handle_unpin(slot);
    SetLastError(before);
    return 0;
}

/**
 * Wait until a structure says that its operation is over.
 *
 * @param ms         INFINITE or milliseconds.
 * @param alertable  Calls that are queued for the thread end the wait.
 * @return           WAIT_OBJECT_0, WAIT_TIMEOUT, WAIT_IO_COMPLETION, or WAIT_FAILED with the last error set.
 *
 * Context: any thread that holds no lock. Source: rule IOCP-39.
 */
DWORD ws2_port_wait_result(const OVERLAPPED *overlapped, DWORD ms, BOOL alertable)
{
    ULONGLONG start = GetTickCount64();
    struct result_waiter self = {NULL, CreateEventW(NULL, FALSE, FALSE, NULL)};
    struct result_waiter **place;
    DWORD got = WAIT_OBJECT_0;
    if (self.event == NULL) {
        return WAIT_FAILED;
    }
    AcquireSRWLockExclusive(&results_lock);
    self.next = results;
    results = &self;
    ReleaseSRWLockExclusive(&results_lock);
    /* Edge P2, who waits. */
    atomic_fetch_add_explicit(&results_waiting, 1, memory_order_seq_cst);
    while (got == WAIT_OBJECT_0 &&
           __atomic_load_n(&overlapped->Internal, __ATOMIC_SEQ_CST) == WSS_OPERATION_IN_PROGRESS) {
        ULONGLONG passed = GetTickCount64() - start;
        DWORD left = ms == INFINITE ? INFINITE : passed >= ms ? 0 : ms - (DWORD)passed;
        got = WaitForSingleObjectEx(self.event, left, alertable);
    }
    atomic_fetch_sub_explicit(&results_waiting, 1, memory_order_relaxed);
    AcquireSRWLockExclusive(&results_lock);
    for (place = &results; *place != &self; place = &(*place)->next) {
    }
    *place = self.next;
    ReleaseSRWLockExclusive(&results_lock);
    CloseHandle(self.event);
    return got;
}
