/** @file Socket option SO_BSP_STATE: what a socket is, and the addresses of its two ends. */
#include "wsp_addr.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

/* Puts an address behind what is there already; none, or the stack's STK_AF_NONE: no pointer and no length. */
static int state_put_end(const struct wsp_socket *sock, int err, const struct stk_addr *addr, SOCKET_ADDRESS *end,
                         char *value, int room, int *used)
{
    struct sockaddr *at = (struct sockaddr *)(void *)(value + *used);
    int bytes = room - *used;
    int code;

    end->lpSockaddr = NULL;
    end->iSockaddrLength = 0;
    if (err != STK_OK || addr->family == STK_AF_NONE)
        return 0;
    code = wsp_addr_write(addr, sock->family, at, &bytes);
    if (code != 0)
        return code;
    end->lpSockaddr = at;
    end->iSockaddrLength = bytes;
    *used += bytes;
    return 0;
}

int wsp_option_get_state(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    _Alignas(CSADDR_INFO) char whole[sizeof(CSADDR_INFO) + 2 * sizeof(SOCKADDR_IN6)];
    int protocol = sock->protocol != 0 ? sock->protocol : wsp_provider.infos[sock->info].iProtocol;
    CSADDR_INFO info = {.iSocketType = sock->type, .iProtocol = protocol};
    struct stk_addr local = {0};
    struct stk_addr peer = {0};
    int local_err = stk_sock_local(sock->stk, &local);
    int peer_err = stk_sock_peer(sock->stk, &peer);
    int room = *len < (int)sizeof whole ? *len : (int)sizeof whole;
    int used = row->size;
    int code = state_put_end(sock, local_err, &local, &info.LocalAddr, whole, room, &used);

    if (code == 0)
        code = state_put_end(sock, peer_err, &peer, &info.RemoteAddr, whole, room, &used);
    if (code != 0)
        return code;
    /* Pointers of the copy become pointers into the caller's room. */
    if (info.LocalAddr.lpSockaddr)
        info.LocalAddr.lpSockaddr = (struct sockaddr *)(void *)(value + row->size);
    if (info.RemoteAddr.lpSockaddr)
        info.RemoteAddr.lpSockaddr = (struct sockaddr *)(void *)(value + used - info.RemoteAddr.iSockaddrLength);
    memcpy(whole, &info, sizeof info);
    memcpy(value, whole, (size_t)used);
    *len = used;
    return 0;
}
