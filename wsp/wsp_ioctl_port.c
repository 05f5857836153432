/**
 * @file
 * Control codes: reservations of ports. A reservation is a block of TCP or UDP ports that lives as long as the socket
 * which acquired it, or until it is released; sockets that are associated with it before they bind get its ports.
 *
 * Source: rules PT-2, PT-3, BND-13 and section 5.7 of the options' list. There are no persistent reservations: the calls
 * that make them are not Winsock's.
 */
#include "wsp_ioctl_priv.h"

#include "wsp_addr.h"

#include "wsp_error.h"
#include "wsp_sdk.h"

/* INET_PORT_RANGE, and INET_PORT_RESERVATION_INSTANCE: a range, then a token. Not all headers have them. */
struct port_range {
    uint16_t start_be; /* 0: any */
    uint16_t count;
};

struct port_instance {
    struct port_range range;
    uint32_t unused;
    uint64_t token;
};

_Static_assert(sizeof(struct port_range) == 4 && sizeof(struct port_instance) == 16, "as in the headers of the system");

static int ioctl_acquire(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct port_instance instance = {.unused = 0};
    uint16_t first = 0;
    int err;

    if (!call->out || call->out_bytes < sizeof instance) {
        call->report = true; /* so the page says: a code of its own, and 0 */
        return WSAEINVAL;
    }
    memcpy(&instance.range, call->in, sizeof instance.range);
    err = stk_sock_ports_acquire(sock->stk, wsp_swap16(instance.range.start_be), instance.range.count, &first,
                                 &instance.token);
    if (err != STK_OK)
        return wsp_error_of(WSP_OP_OPTION, err);
    instance.range.start_be = wsp_swap16(first);
    return wsp_ioctl_put(call, &instance, sizeof instance);
}

static int ioctl_token(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint64_t token;

    memcpy(&token, call->in, sizeof token);
    return wsp_error_of(WSP_OP_OPTION, call->code == SIO_RELEASE_PORT_RESERVATION
                                           ? stk_sock_ports_release(sock->stk, token)
                                           : stk_sock_ports_associate(sock->stk, token));
}

#define PORTS (WSP_OPT_STREAM | WSP_OPT_DGRAM)

static const struct wsp_ioctl_row ioctl_rows[] = {
    {SIO_ACQUIRE_PORT_RESERVATION, sizeof(struct port_range), 0, PORTS, WSAEOPNOTSUPP, ioctl_acquire, 0},
    {SIO_ASSOCIATE_PORT_RESERVATION, sizeof(uint64_t), 0, PORTS, WSAEOPNOTSUPP, ioctl_token, 0},
    {SIO_RELEASE_PORT_RESERVATION, sizeof(uint64_t), 0, PORTS, WSAEOPNOTSUPP, ioctl_token, 0},
};
const struct wsp_ioctl_group wsp_ioctl_port = WSP_IOCTL_GROUP(ioctl_rows);
