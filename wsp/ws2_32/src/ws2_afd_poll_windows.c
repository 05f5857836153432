/*
 * Polls of our sockets through the device under Windows' own, as libuv, wepoll and mio make them.
 *
 * Each socket of a poll that waits has one request with its provider (WSP_IOCTL_READY), which the provider's dispatcher
 * ends when the socket has something to tell: no thread waits here. The first end, the time, a cancellation or a later
 * poll claims the poll (`over`) and tells the program: of the socket that ended its request alone, as Windows does, and what
 * holds then.
 *
 * References of a poll: one of whoever may claim it, one for each request. Lists are under polls_lock, which is never held
 * while a provider is called: its answer may come inside of the call.
 *
 * A socket has one main poll: one that came when there was none. Of its exclusive polls that one alone is ended by the next (Windows,
 * as conformance suites observe).
 */
#include "ws2_afd_windows.h"
#include "ws2_thread_windows.h"

#include "wsp_private_abi.h"

#include <stddef.h>
#include <stdlib.h>

#define BUCKETS 1024u
#define STATUS_CANCELLED_CODE ((NTSTATUS)0xc0000120)
#define STATUS_TIMEOUT_CODE ((NTSTATUS)0x102)
#define STATUS_ACCESS_VIOLATION_CODE ((NTSTATUS)0xc0000005)

/* What the program gives and gets. */
struct poll_socket {
    HANDLE handle;
    ULONG events;
    NTSTATUS status;
};

struct poll_info {
    LARGE_INTEGER timeout; /* 100 ns; negative: from now on; else the time */
    ULONG count;
    ULONG exclusive; /* a BOOLEAN, with three bytes of filling */
    struct poll_socket sockets[1];
};

#define INFO_BYTES offsetof(struct poll_info, sockets)

struct afd_poll;

struct poll_entry {
    struct poll_entry *next; /* of the socket's bucket */
    struct poll_entry **place;
    struct afd_poll *poll;
    ULONG wanted;
    struct poll_socket what; /* to tell; 0 in `events`: nothing */
    struct ws2_provider *provider;
    uintptr_t socket; /* the provider's context: the socket, whichever handle */
    bool main;        /* the socket had none when this one came */
    atomic_uint fired;
    WSAOVERLAPPED overlapped; /* its request's */
};

struct afd_poll {
    struct afd_poll *next; /* of the status block's bucket */
    struct afd_poll **place;
    atomic_uint refs;
    atomic_bool over;
    HANDLE file;
    DWORD thread;
    PIO_STATUS_BLOCK iosb;
    HANDLE event;      /* a handle of our own, or NULL */
    PVOID routine;     /* NULL, or an APC for apc_thread */
    HANDLE apc_thread; /* a handle of our own, or NULL */
    PVOID context;
    struct ws2_afd_target target;
    struct poll_info *out;
    LARGE_INTEGER timeout;
    bool exclusive;
    PTP_TIMER timer;
    ULONG count;
    struct poll_entry entry[];
};

typedef NTSTATUS(NTAPI *queue_apc_fn)(HANDLE, PVOID, PVOID, PVOID, PVOID);
typedef BOOLEAN(NTAPI *ending_fn)(void);

static SRWLOCK polls_lock = SRWLOCK_INIT;
static struct afd_poll *polls[BUCKETS];     /* that wait, by their status block */
static struct poll_entry *entries[BUCKETS]; /* of these, by their socket */
static atomic_uint polls_waiting;

static unsigned bucket_of(uintptr_t value)
{
    return (unsigned)((value >> 4 ^ value >> 14) % BUCKETS);
}

/* ---- lifecycle ---- */

static void poll_unref(struct afd_poll *poll)
{
    if (atomic_fetch_sub_explicit(&poll->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (poll->event != NULL) {
        CloseHandle(poll->event);
    }
    if (poll->apc_thread != NULL) {
        CloseHandle(poll->apc_thread);
    }
    ws2_port_drop(poll->target.port);
    free(poll);
}

static bool entry_make(struct poll_entry *entry, const struct poll_socket *what)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)what->handle, WS2_KIND_SOCKET);
    entry->wanted = what->events;
    entry->what.handle = what->handle;
    if (slot != NULL) {
        entry->provider = atomic_load_explicit(&slot->provider, memory_order_acquire);
        entry->socket = atomic_load_explicit(&slot->context, memory_order_acquire);
        ws2_handle_unpin(slot);
    }
    return entry->provider != NULL;
}

/*
 * A socket that was closed is an invalid handle, which programs expect. One that is of another DLL is none: they would
 * forget it.
 */
static NTSTATUS entry_refused(HANDLE handle)
{
    DWORD flags;
    return handle != NULL && GetHandleInformation(handle, &flags) ? WS2_STATUS_NOT_SUPPORTED
                                                                  : WS2_STATUS_INVALID_HANDLE;
}

static bool own_handle(HANDLE given, HANDLE *own)
{
    return given == NULL ||
           DuplicateHandle(GetCurrentProcess(), given, GetCurrentProcess(), own, 0, FALSE, DUPLICATE_SAME_ACCESS);
}

/* What is told when: a port takes no routines. */
static NTSTATUS poll_attach(struct afd_poll *poll, const struct ws2_afd_call *call)
{
    NTSTATUS status = ws2_afd_target_get(call->file, &poll->target);
    if (status != 0) {
        return status;
    }
    if (poll->target.port != NULL && call->routine != NULL) {
        return WS2_STATUS_INVALID_PARAMETER;
    }
    if (!own_handle((HANDLE)((ULONG_PTR)call->event & ~(ULONG_PTR)1), &poll->event) ||
        (poll->event != NULL && !ResetEvent(poll->event))) {
        return WS2_STATUS_INVALID_HANDLE;
    }
    return call->routine == NULL || own_handle(GetCurrentThread(), &poll->apc_thread) ? 0 : WS2_STATUS_NO_MEMORY;
}

static NTSTATUS poll_make(const struct ws2_afd_call *call, const struct poll_info *info, struct afd_poll **made)
{
    struct afd_poll *poll = (struct afd_poll *)calloc(1, sizeof *poll + info->count * sizeof poll->entry[0]);
    NTSTATUS status = 0;
    ULONG i;
    *made = poll;
    if (poll == NULL) {
        return WS2_STATUS_NO_MEMORY;
    }
    atomic_init(&poll->refs, 1);
    poll->file = call->file;
    poll->thread = GetCurrentThreadId();
    poll->iosb = call->iosb;
    poll->routine = call->routine;
    poll->context = call->context;
    poll->out = (struct poll_info *)call->out;
    poll->timeout = info->timeout;
    poll->exclusive = (info->exclusive & 0xff) != 0;
    poll->count = info->count;
    for (i = 0; i < info->count && status == 0; i++) {
        poll->entry[i].poll = poll;
        if (!entry_make(&poll->entry[i], &info->sockets[i])) {
            status = entry_refused(info->sockets[i].handle);
        }
    }
    return status == 0 ? poll_attach(poll, call) : status;
}

/* ---- the provider ---- */

static int entry_ask(struct poll_entry *entry, DWORD code, const void *in, DWORD in_bytes, LPWSAOVERLAPPED overlapped,
                     struct wsp_ready_told_abi *told)
{
    DWORD returned = 0;
    int error = 0;
    int rc = entry->provider->table.lpWSPIoctl((SOCKET)entry->what.handle, code, (LPVOID)(uintptr_t)in, in_bytes, told,
                                               sizeof *told, &returned, overlapped, NULL, NULL, &error);
    if (rc != SOCKET_ERROR && overlapped == NULL && code == WSP_IOCTL_READY && returned != sizeof *told) {
        return WSAEOPNOTSUPP;
    }
    return rc == SOCKET_ERROR ? error : 0;
}

/* What the socket has to tell now, in the entry. @return 0, or a failure: another provider's socket, one just closed. */
static NTSTATUS entry_look(struct poll_entry *entry)
{
    const struct wsp_ready_abi in = {.wanted = entry->wanted};
    struct wsp_ready_told_abi told = {0, 0};
    int code = entry_ask(entry, WSP_IOCTL_READY, &in, sizeof in, NULL, &told);
    entry->what.events = 0;
    entry->what.status = 0;
    if (code != 0) {
        return code == WSAENOTSOCK ? WS2_STATUS_INVALID_HANDLE : WS2_STATUS_NOT_SUPPORTED;
    }
    entry->what.events = told.events;
    if ((told.events & WSP_READY_CONNECT_FAIL) != 0) {
        struct ws2_slot *slot = ws2_handle_pin((uintptr_t)entry->what.handle, WS2_KIND_SOCKET);
        if (slot != NULL) {
            entry->what.status = (NTSTATUS)ws2_status_of(slot, told.code);
            ws2_handle_unpin(slot);
        }
    }
    return 0;
}

static void entry_cancel(struct poll_entry *entry)
{
    const struct wsp_cancel_abi in = {.overlapped = (uintptr_t)&entry->overlapped, .scope = WSP_CANCEL_ONE};
    struct wsp_ready_told_abi unused;
    (void)entry_ask(entry, WSP_IOCTL_CANCEL, &in, sizeof in, NULL, &unused);
}

/* ---- the lists ---- */

/* polls_lock held exclusively. */
static void entry_list(struct poll_entry *entry)
{
    struct poll_entry **head = &entries[bucket_of(entry->socket)];
    const struct poll_entry *other = *head;
    /* One that has ended counts no more, though it may not have left the list yet. */
    while (other != NULL && (!other->main || other->socket != entry->socket || other->provider != entry->provider ||
                             atomic_load(&other->poll->over))) {
        other = other->next;
    }
    entry->main = other == NULL;
    entry->next = *head;
    entry->place = head;
    if (entry->next != NULL) {
        entry->next->place = &entry->next;
    }
    *head = entry;
}

/* polls_lock held exclusively. */
static void poll_list(struct afd_poll *poll)
{
    struct afd_poll **head = &polls[bucket_of((uintptr_t)poll->iosb)];
    ULONG i;
    poll->next = *head;
    poll->place = head;
    if (poll->next != NULL) {
        poll->next->place = &poll->next;
    }
    *head = poll;
    for (i = 0; i < poll->count; i++) {
        entry_list(&poll->entry[i]);
    }
    atomic_fetch_add_explicit(&polls_waiting, 1, memory_order_relaxed);
}

static void poll_unlist(struct afd_poll *poll)
{
    ULONG i;
    AcquireSRWLockExclusive(&polls_lock);
    *poll->place = poll->next;
    if (poll->next != NULL) {
        poll->next->place = poll->place;
    }
    for (i = 0; i < poll->count; i++) {
        struct poll_entry *entry = &poll->entry[i];
        *entry->place = entry->next;
        if (entry->next != NULL) {
            entry->next->place = entry->place;
        }
    }
    atomic_fetch_sub_explicit(&polls_waiting, 1, memory_order_relaxed);
    ReleaseSRWLockExclusive(&polls_lock);
}

/* ---- the end ---- */

static void apc_queue(const struct afd_poll *poll)
{
    queue_apc_fn queue = (queue_apc_fn)(uintptr_t)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtQueueApcThread");
    if (queue != NULL) {
        (void)queue(poll->apc_thread, poll->routine, poll->context, poll->iosb, NULL);
    }
}

/* The structures are the program's again as soon as the status is there; then the event, then routine or packet. */
static void poll_tell(const struct afd_poll *poll, NTSTATUS status, ULONG told, bool in_call)
{
    ULONG_PTR bytes = status == STATUS_CANCELLED_CODE ? 0 : INFO_BYTES + told * sizeof(struct poll_socket);
    poll->iosb->Information = bytes;
    __atomic_store_n(&poll->iosb->Status, status, __ATOMIC_RELEASE);
    if (poll->event != NULL) {
        (void)SetEvent(poll->event);
    }
    if (poll->routine != NULL) {
        apc_queue(poll);
    } else if (poll->target.port != NULL && poll->context != NULL &&
               !(in_call && (poll->target.modes & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) != 0)) {
        ws2_port_post(poll->target.port, poll->target.key, poll->context, status, bytes);
    }
}

/* Those with something to tell, in their order. @return How many. */
static ULONG poll_write(const struct afd_poll *poll)
{
    struct poll_info *out = poll->out;
    ULONG told = 0;
    ULONG i;
    for (i = 0; i < poll->count; i++) {
        if (poll->entry[i].what.events != 0) {
            out->sockets[told++] = poll->entry[i].what;
        }
    }
    out->timeout = poll->timeout;
    out->exclusive = poll->exclusive;
    out->count = told;
    return told;
}

static void entry_look_again(struct poll_entry *entry)
{
    unsigned fired = atomic_load(&entry->fired);
    if ((fired & WSP_READY_LOCAL_CLOSE) != 0) {
        entry->what.events = WSP_READY_LOCAL_CLOSE;
        entry->what.status = 0;
    } else if (entry_look(entry) == WS2_STATUS_INVALID_HANDLE) {
        entry->what.events = WSP_READY_LOCAL_CLOSE;
    } else if (entry->what.events == 0) {
        entry->what.events = fired; /* taken meanwhile by another thread, perhaps */
    }
}

static void timer_end(struct afd_poll *poll, NTSTATUS status)
{
    if (poll->timer == NULL) {
        return;
    }
    if (status != STATUS_TIMEOUT_CODE) {
        SetThreadpoolTimer(poll->timer, NULL, 0, 0);
        WaitForThreadpoolTimerCallbacks(poll->timer, TRUE); /* it only finds that it comes too late */
    }
    CloseThreadpoolTimer(poll->timer);
}

/*
 * End a poll that waits, unless it has ended.
 *
 * @param look    Some socket has something to tell. Else none is told of.
 * @param status  0; STATUS_TIMEOUT: the caller is the timer's callback; STATUS_CANCELLED and other failures.
 * @return        false: somebody else did.
 */
static bool poll_end(struct afd_poll *poll, bool look, NTSTATUS status)
{
    ULONG told = 0;
    ULONG i;
    if (atomic_exchange(&poll->over, true)) {
        return false;
    }
    poll_unlist(poll);
    timer_end(poll, status);
    for (i = 0; i < poll->count; i++) {
        if (look && atomic_load(&poll->entry[i].fired) != 0) {
            entry_look_again(&poll->entry[i]);
        }
    }
    for (i = 0; i < poll->count; i++) {
        entry_cancel(&poll->entry[i]);
    }
    if (status >= 0) {
        told = poll_write(poll);
    }
    poll_tell(poll, status, told, false);
    poll_unref(poll);
    return true;
}

/* A wsp_ready_fn. */
static void entry_fired(void *overlapped)
{
    struct poll_entry *entry = CONTAINING_RECORD(overlapped, struct poll_entry, overlapped);
    struct afd_poll *poll = entry->poll;
    DWORD before = GetLastError();
    atomic_store(&entry->fired, entry->overlapped.OffsetHigh == 0 ? (unsigned)entry->overlapped.InternalHigh
                                                                  : (unsigned)WSP_READY_LOCAL_CLOSE);
    (void)poll_end(poll, true, 0);
    poll_unref(poll);
    SetLastError(before);
}

static VOID CALLBACK timer_fired(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_TIMER timer)
{
    (void)instance;
    (void)timer;
    (void)poll_end((struct afd_poll *)context, false, STATUS_TIMEOUT_CODE);
}

/* ---- the beginning ---- */

/* A poll that the new one ends, with a reference; NULL: none (any more). */
static struct afd_poll *poll_main_of(const struct poll_entry *entry)
{
    const struct poll_entry *other;
    struct afd_poll *found = NULL;
    AcquireSRWLockShared(&polls_lock);
    for (other = entries[bucket_of(entry->socket)]; other != NULL && found == NULL; other = other->next) {
        if (other->socket == entry->socket && other->provider == entry->provider && other->main &&
            other->poll->exclusive && !atomic_load(&other->poll->over)) {
            found = other->poll;
            atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
        }
    }
    ReleaseSRWLockShared(&polls_lock);
    return found;
}

static void poll_exclude(const struct afd_poll *poll)
{
    struct afd_poll *other;
    ULONG i;
    for (i = 0; i < poll->count && poll->exclusive; i++) {
        while ((other = poll_main_of(&poll->entry[i])) != NULL) {
            (void)poll_end(other, false, 0);
            poll_unref(other);
        }
    }
}

/* Is there something to tell at once, if it is that there is nothing? */
static NTSTATUS poll_look(struct afd_poll *poll, bool *any)
{
    ULONG i;
    NTSTATUS status = 0;
    *any = poll->timeout.QuadPart == 0;
    for (i = 0; i < poll->count && status == 0; i++) {
        status = entry_look(&poll->entry[i]);
        *any = *any || poll->entry[i].what.events != 0;
    }
    return status;
}

/* From here on others may end the poll. @return false: no memory, and nobody has seen it. */
static bool poll_begin(struct afd_poll *poll)
{
    union {
        LARGE_INTEGER ticks;
        FILETIME time;
    } due = {.ticks = poll->timeout};
    if (poll->timeout.QuadPart != INT64_MAX && poll->timeout.QuadPart != INT64_MIN) { /* for ever */
        poll->timer = CreateThreadpoolTimer(timer_fired, poll, NULL);
        if (poll->timer == NULL) {
            return false;
        }
    }
    AcquireSRWLockExclusive(&polls_lock);
    poll_list(poll);
    if (poll->timer != NULL) {
        SetThreadpoolTimer(poll->timer, &due.time, 0, 0); /* whoever ends the poll waits for the lock */
    }
    ReleaseSRWLockExclusive(&polls_lock);
    return true;
}

/*
 * Ask for each socket. A poll that ends meanwhile cancels what was asked until then, and this what comes after. The
 * caller has a reference.
 */
static void poll_ask(struct afd_poll *poll)
{
    ULONG i;
    for (i = 0; i < poll->count && !atomic_load(&poll->over); i++) {
        struct poll_entry *entry = &poll->entry[i];
        const struct wsp_ready_abi in = {.wanted = entry->wanted, .notify = (uintptr_t)entry_fired};
        struct wsp_ready_told_abi unused;
        int code;
        atomic_fetch_add_explicit(&poll->refs, 1, memory_order_relaxed);
        code = entry_ask(entry, WSP_IOCTL_READY, &in, sizeof in, &entry->overlapped, &unused);
        if (code != WSA_IO_PENDING) {
            atomic_store(&entry->fired, WSP_READY_LOCAL_CLOSE);
            (void)poll_end(poll, code == WSAENOTSOCK, code == WSAENOTSOCK ? 0 : WS2_STATUS_NO_MEMORY);
            poll_unref(poll);
        } else if (atomic_load(&poll->over)) {
            entry_cancel(entry);
        }
    }
}

static NTSTATUS poll_run(const struct ws2_afd_call *call, const struct poll_info *info)
{
    struct afd_poll *poll;
    bool any = false;
    NTSTATUS status = poll_make(call, info, &poll);
    if (status == 0) {
        poll_exclude(poll);
        status = poll_look(poll, &any);
    }
    if (status == 0 && any) {
        poll_tell(poll, 0, poll_write(poll), true);
    } else if (status == 0) {
        if (poll->target.port == NULL) {
            (void)ws2_thread_self(); /* its end ends the poll */
        }
        atomic_fetch_add_explicit(&poll->refs, 1, memory_order_relaxed);
        if (poll_begin(poll)) {
            poll_ask(poll);
            status = (NTSTATUS)STATUS_PENDING;
        } else {
            atomic_fetch_sub_explicit(&poll->refs, 1, memory_order_relaxed);
            status = WS2_STATUS_NO_MEMORY;
        }
    }
    if (poll != NULL) {
        poll_unref(poll);
    }
    return status;
}

static bool is_socket(HANDLE handle)
{
    return ws2_handle_provider((SOCKET)handle) != NULL;
}

static bool is_readable(const void *at, size_t bytes, size_t least)
{
    return bytes >= least && at != NULL && !IsBadReadPtr(at, least);
}

/* Is any of the sockets ours? */
static bool names_ours(const struct ws2_afd_call *call)
{
    const struct poll_info *info = (const struct poll_info *)call->in;
    size_t room;
    ULONG i;
    if (!is_readable(info, call->in_bytes, sizeof *info)) {
        return false;
    }
    room = (call->in_bytes - INFO_BYTES) / sizeof info->sockets[0];
    for (i = 0; i < info->count && i < room; i++) {
        if (is_socket(info->sockets[i].handle)) {
            return true;
        }
    }
    return false;
}

static NTSTATUS poll_check(const struct ws2_afd_call *call)
{
    const struct poll_info *info = (const struct poll_info *)call->in;
    if (!is_readable(info, call->in_bytes, sizeof *info) || call->out_bytes < call->in_bytes || info->count == 0 ||
        info->count > (call->in_bytes - INFO_BYTES) / sizeof info->sockets[0]) {
        return WS2_STATUS_INVALID_PARAMETER;
    }
    if (IsBadReadPtr(info, call->in_bytes) || call->out == NULL || IsBadWritePtr(call->out, call->in_bytes) ||
        call->iosb == NULL || IsBadWritePtr(call->iosb, sizeof *call->iosb)) {
        return STATUS_ACCESS_VIOLATION_CODE;
    }
    return 0;
}

/**
 * Poll sockets of ours.
 *
 * @param status  What NtDeviceIoControlFile is to return; only where true is returned: 0, STATUS_PENDING,
 *                STATUS_INVALID_PARAMETER, STATUS_INVALID_HANDLE (a socket that is not open), STATUS_NOT_SUPPORTED (sockets of
 *                ours and of others in one poll; a provider that cannot), STATUS_NO_MEMORY.
 * @return        false: the poll has nothing to do with us; the system does it.
 *
 * Context: any thread that holds no lock. The last error is as before.
 */
bool ws2_afd_poll(const struct ws2_afd_call *call, NTSTATUS *status)
{
    DWORD before = GetLastError();
    if (!is_socket(call->file) && !names_ours(call)) {
        return false;
    }
    *status = poll_check(call);
    if (*status == 0) {
        *status = poll_run(call, (const struct poll_info *)call->in);
    }
    SetLastError(before);
    return true;
}

/* ---- cancellation ---- */

static bool is_chosen(const struct afd_poll *poll, HANDLE file, DWORD thread, const void *iosb)
{
    return (file == NULL || poll->file == file) && (thread == 0 || poll->thread == thread) &&
           (iosb == NULL || (const void *)poll->iosb == iosb) && !atomic_load(&poll->over);
}

/* With a reference. @param ported  Also those that are told to a port. */
static struct afd_poll *poll_find(HANDLE file, DWORD thread, const void *iosb, bool ported)
{
    unsigned bucket = iosb == NULL ? 0 : bucket_of((uintptr_t)iosb);
    unsigned last = iosb == NULL ? BUCKETS - 1 : bucket;
    struct afd_poll *found = NULL;
    AcquireSRWLockShared(&polls_lock);
    for (; bucket <= last && found == NULL; bucket++) {
        struct afd_poll *poll;
        for (poll = polls[bucket]; poll != NULL && found == NULL; poll = poll->next) {
            if (is_chosen(poll, file, thread, iosb) && (ported || poll->target.port == NULL)) {
                found = poll;
                atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
            }
        }
    }
    ReleaseSRWLockShared(&polls_lock);
    return found;
}

static unsigned cancel_all(HANDLE file, DWORD thread, const void *iosb, bool ported)
{
    struct afd_poll *poll;
    unsigned ended = 0;
    DWORD before;
    if (atomic_load_explicit(&polls_waiting, memory_order_relaxed) == 0) {
        return 0;
    }
    before = GetLastError();
    while ((poll = poll_find(file, thread, iosb, ported)) != NULL) {
        ended += poll_end(poll, false, STATUS_CANCELLED_CODE);
        poll_unref(poll);
    }
    SetLastError(before);
    return ended;
}

/**
 * End polls with STATUS_CANCELLED.
 *
 * @param file    That they were made on, a socket or the device.
 * @param thread  That made them; 0: any.
 * @param iosb    NULL: any.
 * @return        How many.
 *
 * Context: any thread that holds no lock. The last error is as before.
 */
unsigned ws2_afd_cancel(HANDLE file, DWORD thread, const void *iosb)
{
    return cancel_all(file, thread, iosb, true);
}

/* Threads that held locks, ours or a provider's, may be gone. */
static bool process_ends(void)
{
    ending_fn ending = (ending_fn)(uintptr_t)GetProcAddress(GetModuleHandleA("ntdll.dll"), "RtlDllShutdownInProgress");
    return ending != NULL && ending();
}

/** End the calling thread's polls that no port is told of, as the kernel does. Context: the thread ends. */
void ws2_afd_thread_ended(void)
{
    if (atomic_load_explicit(&polls_waiting, memory_order_relaxed) != 0 && !process_ends()) {
        (void)cancel_all(NULL, GetCurrentThreadId(), NULL, false);
    }
}
