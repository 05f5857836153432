/** @file Control codes of TCP: figures, timers of SYNs, buffers. */
#include "wsp_ioctl_priv.h"

#include "wsp_error.h"
#include "wsp_notice.h"
#include "wsp_sdk.h"

#define VISTA 0x06000000u /* TargetOsVersion */

/* --- SIO_TCP_INFO ---------------------------------------------------------------- */

/* TCP_INFO_v2; v0 and v1 are its first bytes. */
struct ioctl_tcp_info {
    int32_t state;
    uint32_t mss;
    uint64_t connection_ms;
    uint8_t timestamps;
    uint32_t rtt_us;
    uint32_t rtt_min_us;
    uint32_t bytes_in_flight;
    uint32_t cwnd;
    uint32_t snd_wnd;
    uint32_t rcv_wnd;
    uint32_t rcv_buf;
    uint64_t bytes_out;
    uint64_t bytes_in;
    uint32_t bytes_reordered;
    uint32_t bytes_resent;
    uint32_t fast_resends;
    uint32_t dup_acks;
    uint32_t timeouts;
    uint8_t syn_resent;
    struct {
        uint32_t begun;
        uint32_t ms;
        uint64_t bytes;
    } limits[3]; /* the peer's window, the congestion window, the sender */
    uint32_t segments_reordered;
    uint8_t ecn;
    uint32_t ece_acks;
    uint32_t tail_probes;
};
_Static_assert(sizeof(struct ioctl_tcp_info) == 152, "layout");
_Static_assert(offsetof(struct ioctl_tcp_info, bytes_out) == 48, "layout");
_Static_assert(offsetof(struct ioctl_tcp_info, syn_resent) == 84, "layout");
_Static_assert(offsetof(struct ioctl_tcp_info, limits) == 88, "layout");
_Static_assert(offsetof(struct ioctl_tcp_info, segments_reordered) == 136, "layout");

static void tcp_info_make(const struct stk_tcp_info *from, struct ioctl_tcp_info *to)
{
    static const int order[3] = {STK_TCP_LIM_RWIN, STK_TCP_LIM_CWND, STK_TCP_LIM_SND};

    memset(to, 0, sizeof *to);
    to->state = (int32_t)from->state;
    to->mss = from->mss;
    to->connection_ms = from->connected_ms;
    to->timestamps = from->timestamps != 0;
    to->rtt_us = from->rtt_us;
    to->rtt_min_us = from->rtt_min_us;
    to->bytes_in_flight = from->bytes_in_flight;
    to->cwnd = from->cwnd;
    to->snd_wnd = from->snd_wnd;
    to->rcv_wnd = from->rcv_wnd;
    to->rcv_buf = from->rcv_buf;
    to->bytes_out = from->bytes_out;
    to->bytes_in = from->bytes_in;
    to->bytes_reordered = from->bytes_reordered;
    to->bytes_resent = from->bytes_resent;
    to->fast_resends = from->fast_resends;
    to->dup_acks = from->dup_acks;
    to->timeouts = from->timeouts;
    to->syn_resent = from->syn_resent < UINT8_MAX ? (uint8_t)from->syn_resent : UINT8_MAX;
    to->segments_reordered = from->segments_reordered;
    for (int i = 0; i < 3; i++) {
        to->limits[i].begun = from->lim_begun[order[i]];
        to->limits[i].ms = (uint32_t)from->lim_ms[order[i]];
        to->limits[i].bytes = from->lim_bytes[order[i]];
    }
}

/* The codes are the reference page's: WSAEMSGSIZE for the version's argument, WSAEINVAL for too little room. */
static int ioctl_tcp_info(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    static const DWORD sizes[] = {88, 136, 152};
    struct ioctl_tcp_info out;
    struct stk_tcp_info info;
    uint32_t version;
    int code;

    call->report = true; /* 0 on failure */
    if (!call->in || call->in_bytes != sizeof version)
        return WSAEMSGSIZE;
    version = wsp_ioctl_in32(call);
    if (version >= sizeof sizes / sizeof sizes[0])
        return WSAEINVAL;
    if (!call->out || call->out_bytes < sizes[version])
        return WSAEINVAL;
    code = wsp_error_of(WSP_OP_ANY, stk_sock_tcp_info(sock->stk, &info));
    if (code != 0)
        return code;
    tcp_info_make(&info, &out);
    return wsp_ioctl_put(call, &out, sizes[version]);
}

/* --- SIO_TCP_INITIAL_RTO ------------------------------------------------------------ */

#define RTO_KEEP 0xffffu
#define SYNS_KEEP 0xffu
#define SYNS_NONE 0xfeu

/* TM-3. 0 asks for the defaults. */
static int ioctl_initial_rto(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint16_t rtt_ms;
    uint8_t given;
    int32_t repetitions;
    int code = 0;

    memcpy(&rtt_ms, call->in, sizeof rtt_ms);
    given = (uint8_t)call->in[2];
    repetitions = given == 0 ? -1 : given == SYNS_NONE ? 0 : given;
    if (rtt_ms != RTO_KEEP)
        code = wsp_option_stack_set(sock, STK_OPT_SYN_RTO_MS, rtt_ms);
    if (code == 0 && given != SYNS_KEEP)
        code = wsp_option_stack_set(sock, STK_OPT_SYN_RETRIES, repetitions);
    return code;
}

/* --- Buffers ----------------------------------------------------------------------- */

enum compat_behaviour { COMPAT_ALL, COMPAT_RECEIVE_BUFFERING, COMPAT_AUTO_TUNING };

/* BUF-2, BUF-4: WSA_COMPATIBILITY_MODE, what an older Windows did with receive buffers. */
static int ioctl_compatibility(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint32_t given[2]; /* the behaviour, the version of Windows */
    int32_t bits = 0;
    int code;

    if (!call->in || call->in_bytes < sizeof given)
        return WSAEINVAL;
    memcpy(given, call->in, sizeof given);
    if (given[0] > COMPAT_AUTO_TUNING)
        return WSAEINVAL;
    code = wsp_error_of(WSP_OP_OPTION, stk_sock_opt_get(sock->stk, STK_OPT_RCV_COMPAT, &bits));
    if (code != 0)
        return code;
    if (given[0] != COMPAT_AUTO_TUNING) {
        bits &= ~(int32_t)STK_RCV_MAY_SHRINK;
        bits |= given[1] >= VISTA ? (int32_t)STK_RCV_MAY_SHRINK : 0;
    }
    if (given[0] != COMPAT_RECEIVE_BUFFERING) {
        bits &= ~(int32_t)(STK_RCV_NO_TUNING | STK_RCV_SMALL);
        bits |= given[1] >= VISTA ? (int32_t)STK_RCV_SMALL : (int32_t)STK_RCV_NO_TUNING;
    }
    return wsp_option_stack_set(sock, STK_OPT_RCV_COMPAT, bits);
}

static int ioctl_backlog_query(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint32_t bytes = 0;
    int err;

    call->report = true;
    if (!call->out || call->out_bytes < sizeof bytes)
        return WSAEINVAL;
    err = stk_sock_isb(sock->stk, &bytes);
    if (err != STK_OK && err != STK_ESHUTDOWN)
        return wsp_error_of(WSP_OP_ANY, err); /* X7 */
    return wsp_ioctl_put(call, &bytes, sizeof bytes);
}

static int ioctl_backlog_change(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    (void)sock;
    return call->out_bytes != 0 ? WSAEINVAL : wsp_notice_backlog(call->pend, call->overlapped);
}

/* A.7.32, OVL2-13: what was not handed on is given up. Bytes of completed sends are the stack's to deliver. */
static int ioctl_flush(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    (void)call;
    wsp_requests_flush(sock);
    return 0;
}

#define STREAMS WSP_OPT_STREAM

static const struct wsp_ioctl_row ioctl_tcp_rows[] = {
    {SIO_TCP_INFO, 0, 0, STREAMS, WSAEOPNOTSUPP, ioctl_tcp_info, 0},
    {SIO_TCP_INITIAL_RTO, 4, 0, STREAMS, WSAEOPNOTSUPP, ioctl_initial_rto, 0},
    {SIO_SET_COMPATIBILITY_MODE, 0, 0, STREAMS, WSAEOPNOTSUPP, ioctl_compatibility, 0},
    {SIO_IDEAL_SEND_BACKLOG_QUERY, 0, 0, STREAMS, WSAEOPNOTSUPP, ioctl_backlog_query, 0},
    {SIO_IDEAL_SEND_BACKLOG_CHANGE, 0, 0, STREAMS, WSAEOPNOTSUPP, ioctl_backlog_change, 0},
    {SIO_FLUSH, 0, 0, 0, 0, ioctl_flush, 0},
    {SIO_LOOPBACK_FAST_PATH, 0, 0, 0, 0, NULL, WSAEOPNOTSUPP},
};
const struct wsp_ioctl_group wsp_ioctl_tcp = WSP_IOCTL_GROUP(ioctl_tcp_rows);
