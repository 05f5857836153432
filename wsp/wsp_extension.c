/** @file Functions that programs ask for by identifier. */
#include "wsp_extension.h"

#include "wsp_acceptex.h"
#include "wsp_connectex.h"
#include "wsp_disconnectex.h"
#include "wsp_message.h"
#include "wsp_poll.h"
#include "wsp_transmit.h"

#include <mswsock.h>

struct extension {
    GUID id;
    void (*function)(void);
};

static const struct extension extensions[] = {
    {WSAID_ACCEPTEX, (void (*)(void))wsp_accept_ex},
    {WSAID_CONNECTEX, (void (*)(void))wsp_connect_ex},
    {WSAID_DISCONNECTEX, (void (*)(void))wsp_disconnect_ex},
    {WSAID_GETACCEPTEXSOCKADDRS, (void (*)(void))wsp_get_accept_ex_sockaddrs},
    {WSAID_TRANSMITFILE, (void (*)(void))wsp_transmit_file},
    {WSAID_TRANSMITPACKETS, (void (*)(void))wsp_transmit_packets},
    {WSAID_WSAPOLL, (void (*)(void))wsp_poll},
    {WSAID_WSARECVMSG, (void (*)(void))wsp_recv_msg},
    {WSAID_WSASENDMSG, (void (*)(void))wsp_send_msg},
};

int wsp_extension_get(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    (void)sock;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (memcmp(&extensions[i].id, call->in, sizeof(GUID)) == 0)
            return wsp_ioctl_put(call, &extensions[i].function, sizeof extensions[i].function);
    return WSAEINVAL;
}
