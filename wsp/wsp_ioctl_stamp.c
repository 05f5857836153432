/** @file Control codes: times of datagrams. Source: rules TS, TSTAMP. */
#include "wsp_error.h"
#include "wsp_ioctl_priv.h"
#include "wsp_sdk.h"

/* TSTAMP-1: what is not named is off. The part that may fail comes first. */
static int ioctl_stamping(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    TIMESTAMPING_CONFIG config;
    uint32_t sent = WSP_STAMP_TX_OFF;
    uint32_t kept = 0;
    bool received;
    int code;

    memcpy(&config, call->in, sizeof config);
    if (config.Flags & ~(ULONG)(TIMESTAMPING_FLAG_RX | TIMESTAMPING_FLAG_TX))
        return WSAEINVAL; /* TSTAMP-3 */
    received = (config.Flags & TIMESTAMPING_FLAG_RX) != 0;
    if (config.Flags & TIMESTAMPING_FLAG_TX) {
        kept = config.TxTimestampsBuffered;
        sent = kept > 0 ? WSP_STAMP_TX_KEPT : WSP_STAMP_TX_LOST;
    }
    code = wsp_error_of(WSP_OP_ANY, stk_sock_stamps_keep(sock->stk, kept));
    if (code == WSAENOBUFS && atomic_load(&sock->values[WSP_VALUE_STAMP_TX]) == WSP_STAMP_TX_KEPT)
        atomic_store(&sock->values[WSP_VALUE_STAMP_TX], (uint32_t)WSP_STAMP_TX_LOST); /* those before are gone */
    if (code == 0)
        atomic_store(&sock->values[WSP_VALUE_STAMP_TX], sent);
    if (code == 0)
        code = wsp_option_stack_set(sock, STK_OPT_UDP_STAMP_RX, received);
    if (code == 0)
        atomic_store(&sock->values[WSP_VALUE_STAMP_RX], received);
    return code;
}

/* TS-5, TS-6: never waits, whatever the form of the call. */
static int ioctl_stamp_take(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint64_t stamp = 0;
    bool by_port = false;
    int err = stk_sock_stamp_take(sock->stk, wsp_ioctl_in32(call), &stamp, &by_port);

    if (err == STK_EAGAIN)
        return WSAEWOULDBLOCK;
    if (err != STK_OK)
        return wsp_error_of(WSP_OP_ANY, err);
    if (!by_port)
        stamp = wsp_os_ticks(stamp); /* TSTAMP-10 */
    return wsp_ioctl_put(call, &stamp, sizeof stamp);
}

static const struct wsp_ioctl_row ioctl_stamp_rows[] = {
    {SIO_TIMESTAMPING, sizeof(TIMESTAMPING_CONFIG), 0, WSP_OPT_DGRAM, WSAEOPNOTSUPP, ioctl_stamping, 0},
    {SIO_GET_TX_TIMESTAMP, sizeof(UINT32), sizeof(UINT64), WSP_OPT_DGRAM, WSAEOPNOTSUPP, ioctl_stamp_take, 0},
};
const struct wsp_ioctl_group wsp_ioctl_stamp = WSP_IOCTL_GROUP(ioctl_stamp_rows);
