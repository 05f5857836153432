/**
 * @file
 * Submitting requests. No lock, no allocation; all that is looked up is
 * memory of this process.
 *
 * With WSP_RIO_RACES, which a test sets, two threads that submit to one
 * request queue at once are found: the second one's call fails with
 * WSAEINPROGRESS and a line in the log (RIOX-78).
 */
#include "wsp_addr.h"
#include "wsp_cmsg.h"
#include "wsp_error.h"
#include "wsp_rio_priv.h"
#include "wsp_upcall.h"

#include "stack/log.h"

#include <string.h>

_Static_assert((int)STK_RIO_DONT_NOTIFY == RIO_MSG_DONT_NOTIFY && (int)STK_RIO_DEFER == RIO_MSG_DEFER &&
                   (int)STK_RIO_WAITALL == RIO_MSG_WAITALL,
               "flags are passed on as they are");

/* The slices of the Ex forms. */
struct request_ex {
    const RIO_BUF *local;
    const RIO_BUF *remote;
    const RIO_BUF *control;
    const RIO_BUF *flags;
};

#ifdef WSP_RIO_RACES
#define REQUEST_SHORT false /* one place that looks for them */

static bool request_enter(struct wsp_rio_rq *rq)
{
    uint32_t now = atomic_load(&rq->inside);

    if ((now & 1u) == 0 && atomic_compare_exchange_strong(&rq->inside, &now, now + 1))
        return true;
    stk_log(STK_LOG_ERROR, "registered I/O: two threads submit to one request queue at once");
    return false;
}
#else
#define REQUEST_SHORT true

static inline bool request_enter(struct wsp_rio_rq *rq)
{
    wsp_rio_enter(&rq->inside);
    return true;
}
#endif

/* RIOX-21 to RIOX-23: bytes of registered memory. */
static inline int request_slice(struct wsp_rio_rq *rq, const RIO_BUF *slice, bool written, struct stk_rio_mem **mem,
                                char **at)
{
    const struct wsp_rio_buffer *buffer = wsp_rio_buffer_find(slice->BufferId);

    if (!buffer || (uint64_t)slice->Offset + slice->Length > buffer->bytes)
        return WSAEINVAL;
    if (written && !buffer->writable)
        return WSAEFAULT; /* RIOX-20 */
    if (rq)
        rq->buffer = buffer;
    *mem = buffer->mem;
    *at = buffer->base + slice->Offset;
    return 0;
}

/* A slice that is not the data. NULL: none. */
static int request_side(const RIO_BUF *slice, ULONG least, bool written, char **at)
{
    struct stk_rio_mem *mem;

    *at = NULL;
    if (!slice)
        return 0;
    if (slice->Length < least)
        return WSAEINVAL; /* RIOX-118 */
    return request_slice(NULL, slice, written, &mem, at);
}

/* The data, RIOX-84 to RIOX-88. */
static inline int request_data(struct wsp_rio_rq *rq, enum stk_rio_dir dir, const RIO_BUF *data, ULONG count,
                               struct stk_rio_req *req)
{
    char *at = NULL;
    int code;

    if (count == 1 && data) {
        code = request_slice(rq, data, dir == STK_RIO_RECV, &req->mem, &at);
        req->base = at;
        req->len = data->Length;
        return code;
    }
    if (count != 0 || data || rq->stream)
        return WSAEINVAL;
    req->mem = NULL;
    req->base = NULL;
    req->len = 0;
    if (dir == STK_RIO_RECV)
        req->flags |= STK_RIO_DISCARD;
    return 0;
}

static inline int request_post(struct wsp_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req)
{
    struct stk_rio_rq *stk = atomic_load_explicit(&rq->stk, memory_order_acquire);
    int err;

    if (!stk) {
        int code = wsp_rio_rq_attach(rq);

        if (code != 0)
            return code;
        stk = atomic_load_explicit(&rq->stk, memory_order_acquire);
    }
    err = stk_rio_post(stk, dir, req);
    return err == STK_OK ? 0 : wsp_error_of(WSP_OP_ANY, err);
}

/* --- What the Ex forms add ------------------------------------------------ */

/* RIOX-133: of a connection the facts are known now. */
static int request_stream_facts(const struct wsp_rio_rq *rq, const struct wsp_rio_record *record)
{
    const ULONG total = WSP_RIO_CMSG_BASE;
    const DWORD flags = 0;
    struct stk_addr addr;
    INT size = sizeof(SOCKADDR_INET);

    if (record->remote && stk_sock_peer(rq->sock->stk, &addr) == STK_OK)
        (void)wsp_addr_write(&addr, rq->family, (struct sockaddr *)(void *)record->remote, &size);
    size = sizeof(SOCKADDR_INET);
    if (record->local && stk_sock_local(rq->sock->stk, &addr) == STK_OK)
        (void)wsp_addr_write(&addr, rq->family, (struct sockaddr *)(void *)record->local, &size);
    if (record->control)
        memcpy(record->control, &total, sizeof total);
    if (record->flags)
        memcpy(record->flags, &flags, sizeof flags);
    return 0;
}

/* Prepare the record of a receive. It is used if the ring's next place moves on. */
static int request_receive_ex(struct wsp_rio_rq *rq, const struct request_ex *ex, struct stk_rio_req *req)
{
    struct wsp_rio_record record = {.control_bytes = ex->control ? ex->control->Length : 0};
    int code = request_side(ex->remote, sizeof(SOCKADDR_INET), true, &record.remote);
    struct wsp_rio_ring *ring;

    if (code == 0)
        code = request_side(ex->local, sizeof(SOCKADDR_INET), true, &record.local);
    if (code == 0)
        code = request_side(ex->control, WSP_RIO_CMSG_BASE, true, &record.control);
    if (code == 0)
        code = request_side(ex->flags, sizeof(DWORD), true, &record.flags);
    if (code != 0 || (!record.remote && !record.local && !record.control && !record.flags))
        return code;
    if (rq->stream)
        return request_stream_facts(rq, &record);
    ring = atomic_load_explicit(&rq->rings[rq->ring], memory_order_relaxed);
    ring->records[ring->next] = record;
    req->flags |= STK_RIO_INFO;
    req->cookie = wsp_rio_cookie(rq, ring->next);
    return 0;
}

/* RIOX-127, RIOX-129, RIOX-130. */
static int request_to(const struct wsp_rio_rq *rq, const char *remote, struct stk_addr *to)
{
    SOCKADDR_INET name;
    int code;

    if (!remote || rq->stream)
        return 0;
    memcpy(&name, remote, sizeof name);
    code = wsp_addr_read((const struct sockaddr *)&name, sizeof name, rq->family, to);
    return code == 0 && wsp_addr_is_any(to) ? WSAEADDRNOTAVAIL : code;
}

/* RIOX-131, RIOX-132. */
static int request_control(const struct wsp_rio_rq *rq, char *control, ULONG bytes, struct stk_rio_req *req)
{
    WSABUF messages;
    bool any = false;
    ULONG total;
    int code;

    if (!control || rq->stream)
        return 0;
    memcpy(&total, control, sizeof total);
    if (total < WSP_RIO_CMSG_BASE || total > bytes)
        return WSAEINVAL;
    messages.buf = control + WSP_RIO_CMSG_BASE;
    messages.len = total - WSP_RIO_CMSG_BASE;
    code = wsp_cmsg_read(rq->sock, &messages, &req->send, &any);
    if (code == 0 && any)
        req->flags |= STK_RIO_WISHES;
    return code;
}

static int request_send_ex(const struct wsp_rio_rq *rq, const struct request_ex *ex, struct stk_rio_req *req)
{
    char *remote = NULL, *control = NULL, *flags = NULL;
    int code;

    if (ex->local)
        return WSAEINVAL; /* RIOX-126 */
    code = request_side(ex->remote, sizeof(SOCKADDR_INET), false, &remote);
    if (code == 0)
        code = request_side(ex->control, WSP_RIO_CMSG_BASE, false, &control);
    if (code == 0)
        code = request_side(ex->flags, sizeof(DWORD), true, &flags); /* a send has no results: it stays as it is */
    if (code == 0)
        code = request_to(rq, remote, &req->to);
    if (code == 0)
        code = request_control(rq, control, ex->control ? ex->control->Length : 0, req);
    return code;
}

/* --- Both directions ------------------------------------------------------- */

/* RIOX-91, RIOX-92: beside whoever submits. */
static int request_commit(struct wsp_rio_rq *rq, uintptr_t handle, enum stk_rio_dir dir)
{
    struct stk_rio_rq *stk;
    int err = STK_OK;

    (void)atomic_fetch_add(&rq->committing, 1); /* pairs with rq_quiet of the end */
    if (!wsp_rio_slot_is(&rq->slot, handle)) {
        err = STK_EINVAL;
    } else {
        stk = atomic_load(&rq->stk);
        if (stk)
            err = stk_rio_commit(stk, dir);
    }
    (void)atomic_fetch_sub(&rq->committing, 1);
    return wsp_error_of(WSP_OP_ANY, err);
}

/* Everything but the shortest path. */
static int request_general(struct wsp_rio_rq *rq, enum stk_rio_dir dir, struct stk_rio_req *req,
                           const struct request_ex *ex)
{
    int code;

    if ((req->flags & STK_RIO_WAITALL) && (!rq->stream || dir == STK_RIO_SEND))
        return WSAEINVAL; /* RIOX-99 */
    code = dir == STK_RIO_RECV ? request_receive_ex(rq, ex, req) : request_send_ex(rq, ex, req);
    if (code != 0)
        return code;
    code = request_post(rq, dir, req);
    if (code == 0 && req->cookie != 0) {
        struct wsp_rio_ring *ring = atomic_load_explicit(&rq->rings[rq->ring], memory_order_relaxed);

        ring->posted++;
        ring->next = ring->next + 1 < ring->capacity ? ring->next + 1 : 0;
    }
    return code;
}

/* Both directions, everything. */
static __attribute__((noinline)) int request_run(RIO_RQ queue, enum stk_rio_dir dir, const RIO_BUF *data, ULONG count,
                                                 struct stk_rio_req *req, const struct request_ex *ex)
{
    static const struct request_ex none;
    struct wsp_rio_rq *rq = wsp_rio_rq_find((uintptr_t)queue);
    int code = WSAEINVAL;

    if (!rq || !wsp_rio_runs())
        return wsp_rio_bad_handle();
    if (req->flags & ~(uint32_t)(RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER | RIO_MSG_WAITALL)) { /* RIOX-90 */
        bool bare = !data && count == 0 && req->context == 0 &&
                    (!ex || (!ex->local && !ex->remote && !ex->control && !ex->flags));

        return req->flags == RIO_MSG_COMMIT_ONLY && bare ? request_commit(rq, (uintptr_t)queue, dir) : WSAEINVAL;
    }
    if (!request_enter(rq))
        return WSAEINPROGRESS;
    if (wsp_rio_slot_is(&rq->slot, (uintptr_t)queue))
        code = request_data(rq, dir, data, count, req);
    if (code == 0 && (ex || (req->flags & STK_RIO_WAITALL)))
        code = request_general(rq, dir, req, ex ? ex : &none);
    else if (code == 0)
        code = request_post(rq, dir, req);
    wsp_rio_leave(&rq->inside);
    return code;
}

/* Only what every request has: the rest is looked at where its flags say so. */
static inline void request_begin(struct stk_rio_req *req, DWORD flags, PVOID context)
{
    req->flags = flags;
    req->context = (uintptr_t)context;
    req->cookie = 0;
    req->to.family = STK_AF_NONE;
    req->segment = 0;
}

static inline BOOL request_result(int code)
{
    if (code == 0)
        return TRUE;
    wsp_upcall_last_error(code);
    return FALSE;
}

/* Everything but the shortest path. */
static __attribute__((noinline)) BOOL request_long(RIO_RQ queue, enum stk_rio_dir dir, const RIO_BUF *data, ULONG count,
                                                   DWORD flags, PVOID context)
{
    struct stk_rio_req req;

    request_begin(&req, flags, context);
    return request_result(request_run(queue, dir, data, count, &req, NULL));
}

static __attribute__((noinline)) BOOL request_refused(int err)
{
    return request_result(wsp_error_of(WSP_OP_ANY, err));
}

/* The shortest path is one slice of the buffer that the queue's last request had too, and no flag that asks for more. Until it
 * is known that it applies nothing is called, so that nothing has to be kept for the long one. */
static inline __attribute__((always_inline)) BOOL request_short(RIO_RQ queue, enum stk_rio_dir dir, const RIO_BUF *data,
                                                                ULONG count, DWORD flags, PVOID context)
{
    struct wsp_rio_rq *rq = wsp_rio_rq_find((uintptr_t)queue);
    const struct wsp_rio_buffer *buffer;
    struct stk_rio_rq *stk;
    int err;

    if (!REQUEST_SHORT || !rq || count != 1 || !data || (flags & ~(DWORD)(RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER)))
        return request_long(queue, dir, data, count, flags, context);
    (void)request_enter(rq);
    buffer = rq->buffer;
    stk = atomic_load_explicit(&rq->stk, memory_order_acquire);
    if (!buffer || !stk || !wsp_rio_runs() || !wsp_rio_slot_is(&buffer->slot, (uintptr_t)data->BufferId) ||
        !wsp_rio_slot_is(&rq->slot, (uintptr_t)queue) || (uint64_t)data->Offset + data->Length > buffer->bytes ||
        !buffer->writable) {
        wsp_rio_leave(&rq->inside);
        return request_long(queue, dir, data, count, flags, context);
    }
    err = (dir == STK_RIO_RECV ? stk_rio_receive_plain : stk_rio_send_plain)(
        stk, buffer->mem, buffer->base + data->Offset, data->Length, flags, (uintptr_t)context);
    wsp_rio_leave(&rq->inside);
    return err == STK_OK ? TRUE : request_refused(err);
}

/**
 * RIOReceive.
 *
 * @param data     One slice; NULL with count 0 on a datagram socket: the payload is not kept.
 * @param flags    RIO_MSG_DONT_NOTIFY, _DEFER, _WAITALL; or _COMMIT_ONLY alone, with nothing else.
 * @return         TRUE: one completion comes. FALSE with the last error WSAEINVAL, WSAEFAULT (memory that cannot be
 *                 written), WSAENOBUFS (as many are outstanding as the queue allows), WSAENOTCONN, WSANOTINITIALISED.
 *
 * Context: one thread at a time a request queue. Takes no lock, does not allocate.
 * Source: rules RIOX-21 to RIOX-27, RIOX-58 to RIOX-61, RIOX-70, RIOX-71, RIOX-82 to RIOX-101.
 */
BOOL PASCAL wsp_rio_receive(RIO_RQ queue, PRIO_BUF data, ULONG count, DWORD flags, PVOID context)
{
    return request_short(queue, STK_RIO_RECV, data, count, flags, context);
}

/**
 * RIOReceiveEx: RIOReceive that tells more about a datagram; of a connection it tells the addresses, at once.
 *
 * @param local, remote  28 bytes at least: SOCKADDR_INET. @param control  8 bytes at least: RIO_CMSG_BUFFER.
 * @param flags_out      4 bytes at least: MSG_TRUNC and kin. All may be NULL.
 *
 * Context: as RIOReceive. Source: rules RIOX-117 to RIOX-125, RIOX-133.
 */
int PASCAL wsp_rio_receive_ex(RIO_RQ queue, PRIO_BUF data, ULONG count, PRIO_BUF local, PRIO_BUF remote,
                              PRIO_BUF control, PRIO_BUF flags_out, DWORD flags, PVOID context)
{
    const struct request_ex ex = {.local = local, .remote = remote, .control = control, .flags = flags_out};
    struct stk_rio_req req;

    request_begin(&req, flags, context);
    return request_result(request_run(queue, STK_RIO_RECV, data, count, &req, &ex));
}

/**
 * RIOSend. Parameters, errors and context as RIOReceive, and those of send; NULL data is an empty datagram.
 * Source: rules RIOX-82 to RIOX-103.
 */
BOOL PASCAL wsp_rio_send(RIO_RQ queue, PRIO_BUF data, ULONG count, DWORD flags, PVOID context)
{
    return request_short(queue, STK_RIO_SEND, data, count, flags, context);
}

/**
 * RIOSendEx: RIOSend with a destination and wishes for one datagram, both read during the call.
 *
 * @param local  NULL. @param remote  SOCKADDR_INET; NULL: the connected peer. @param control  RIO_CMSG_BUFFER with what
 *               WSASendMsg takes. @param flags_out  Looked at, not filled.
 *
 * Context: as RIOReceive. Source: rules RIOX-126 to RIOX-133.
 */
BOOL PASCAL wsp_rio_send_ex(RIO_RQ queue, PRIO_BUF data, ULONG count, PRIO_BUF local, PRIO_BUF remote, PRIO_BUF control,
                            PRIO_BUF flags_out, DWORD flags, PVOID context)
{
    const struct request_ex ex = {.local = local, .remote = remote, .control = control, .flags = flags_out};
    struct stk_rio_req req;

    request_begin(&req, flags, context);
    return request_result(request_run(queue, STK_RIO_SEND, data, count, &req, &ex));
}
