/** @file What a socket has to tell (WSP_IOCTL_READY). */
#include "wsp_ready.h"

#include "wsp_error.h"
#include "wsp_overlapped.h"

/* What has to be armed for a bit to be noticed, by its number. */
static const uint32_t ready_arms[] = {
    STK_READY_IN | STK_READY_ERROR,  /* receive */
    STK_READY_OOB,                   /* expedited */
    STK_READY_OUT | STK_READY_RESET, /* send: it fails at once after a reset */
    STK_READY_EOF,                   /* disconnect */
    STK_READY_RESET,                 /* abort */
    0,                               /* local close: the request is aborted */
    STK_READY_CONN,                  /* connect */
    STK_READY_ACCEPT,                /* accept */
    STK_READY_FAIL,                  /* connect fail */
};

static uint32_t ready_arm(uint32_t wanted)
{
    uint32_t arm = 0;

    for (size_t bit = 0; bit < sizeof ready_arms / sizeof ready_arms[0]; bit++)
        if (wanted & (1u << bit))
            arm |= ready_arms[bit];
    return arm;
}

static uint32_t ready_connect_code(struct wsp_socket *sock, const struct stk_sock_status *status)
{
    uint32_t code = (uint32_t)atomic_load(&sock->connect_error);

    if (code == 0 && status->error != 0)
        code = (uint32_t)wsp_error_of(WSP_OP_CONNECT, status->error);
    return code != 0 ? code : WSAECONNREFUSED; /* it was read as SO_ERROR: it failed all the same */
}

/*
 * IN is set by the end of data, too, and by SD_RECEIVE; only then the bytes tell. Otherwise IN must: the bytes are of a later
 * moment, when another thread may have read them, and a bit that is set is not armed: the next data would not be noticed.
 */
static bool ready_has_data(const struct stk_sock_status *status, uint32_t shut)
{
    if ((status->ready & (STK_READY_EOF | STK_READY_RESET)) || (shut & (STK_SHUT_RD | STK_SHUT_RD_QUIET)))
        return status->rx_bytes > 0;
    return (status->ready & STK_READY_IN) != 0;
}

static uint32_t ready_stream(struct wsp_socket *sock, const struct stk_sock_status *status, uint32_t *code)
{
    uint32_t ready = status->ready, shut = atomic_load_explicit(&sock->shut, memory_order_relaxed);
    uint32_t events = WSP_READY_CONNECT;

    if (ready & STK_READY_FAIL) {
        *code = ready_connect_code(sock, status);
        return WSP_READY_CONNECT_FAIL;
    }
    if (!(ready & (STK_READY_CONN | STK_READY_RESET)))
        return 0; /* no connection yet */
    if (ready_has_data(status, shut))
        events |= WSP_READY_RECEIVE;
    if (ready & STK_READY_OOB)
        events |= WSP_READY_EXPEDITED;
    /* A send after shutdown fails at once. */
    if ((ready & STK_READY_OUT) || (shut & STK_SHUT_WR))
        events |= WSP_READY_SEND;
    if (ready & STK_READY_RESET)
        return events | WSP_READY_ABORT;
    return ready & STK_READY_EOF ? events | WSP_READY_DISCONNECT : events;
}

static uint32_t ready_datagram(uint32_t ready)
{
    uint32_t events = ready & STK_READY_CONN ? WSP_READY_CONNECT : 0;

    if (ready & (STK_READY_IN | STK_READY_ERROR)) /* a receive takes the error */
        events |= WSP_READY_RECEIVE;
    return ready & STK_READY_OUT ? events | WSP_READY_SEND : events;
}

/* Of what is wanted. Lock held. */
static uint32_t ready_now(struct wsp_socket *sock, uint32_t wanted, const struct stk_sock_status *status,
                          uint32_t *code)
{
    uint32_t events;

    *code = 0;
    if (atomic_load(&sock->listening))
        events = (status->ready & STK_READY_ACCEPT) || sock->deferred ? WSP_READY_ACCEPT : 0;
    else if (wsp_socket_is_stream(sock))
        events = ready_stream(sock, status, code);
    else
        events = ready_datagram(status->ready);
    return events & wanted;
}

bool wsp_ready_step(struct wsp_socket *sock, struct wsp_request *request)
{
    struct stk_sock_status status;
    uint32_t arm, code;

    stk_sock_status(sock->stk, &status);
    request->bytes = ready_now(sock, request->mark, &status, &code);
    request->flags = code;
    if (request->bytes != 0)
        return true;
    /* A bit that is set already has another reason (end of data): arming it would fire for ever. */
    arm = ready_arm(request->mark) & ~status.ready;
    if (arm != 0)
        (void)stk_sock_arm(sock->stk, arm);
    return false;
}

/* The request is on its way to the queue: from here on its end is told. */
static int ready_begin(struct wsp_socket *sock, struct wsp_request *request, const void *arg)
{
    const struct wsp_ready_abi *given = arg;

    (void)sock;
    request->mark = given->wanted;
    request->quiet = true;
    request->notify = (wsp_ready_fn)(uintptr_t)given->notify;
    /* Whoever asked cares for threads that end and for CancelIo. */
    atomic_store_explicit(&request->thread, 0, memory_order_relaxed);
    return 0;
}

int wsp_ready_ask(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct wsp_ready_abi given;
    struct wsp_ready_told_abi told;
    struct stk_sock_status status;

    /* Our ws2_32's own memory: its pointers are good, and no question for them is worth its time. */
    if (call->in_bytes < sizeof given || call->out_bytes < sizeof told)
        return WSAEFAULT;
    memcpy(&given, call->in, sizeof given);
    if (call->pend->overlapped) {
        const struct wsp_pend pend = {.notice = WSP_NOTICE_READY, .begin = ready_begin, .arg = &given};

        return given.notify == 0 || call->pend->routine ? WSAEINVAL : wsp_request_begin(call->pend, &pend);
    }
    wsp_mutex_lock(&sock->lock);
    stk_sock_status(sock->stk, &status);
    told.events = ready_now(sock, given.wanted, &status, &told.code);
    wsp_mutex_unlock(&sock->lock);
    return wsp_ioctl_put(call, &told, sizeof told);
}
