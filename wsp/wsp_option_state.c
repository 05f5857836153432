/** @file Socket option SO_BSP_STATE: what a socket is, and the addresses of its two ends. */
#include "wsp_addr.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

/* The answer: a CSADDR_INFO, then the addresses. */
struct state_answer {
    _Alignas(CSADDR_INFO) char bytes[sizeof(CSADDR_INFO) + 2 * sizeof(SOCKADDR_IN6)];
    int room; /* of the caller */
    int used;
};

/* Puts an address behind what is there already. One that is not known has no pointer and no length. */
static int state_put_end(struct state_answer *answer, int family, const struct stk_addr *addr, SOCKET_ADDRESS *end)
{
    struct sockaddr *at = (struct sockaddr *)(void *)(answer->bytes + answer->used);
    int bytes = answer->room - answer->used;
    int code;

    end->lpSockaddr = NULL;
    end->iSockaddrLength = 0;
    if (addr->family == STK_AF_NONE)
        return 0;
    code = wsp_addr_write(addr, family, at, &bytes);
    if (code != 0)
        return code;
    end->iSockaddrLength = bytes;
    answer->used += bytes;
    return 0;
}

int wsp_option_get_state(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int protocol = sock->protocol != 0 ? sock->protocol : wsp_provider.infos[sock->info].iProtocol;
    CSADDR_INFO info = {.iSocketType = sock->type, .iProtocol = protocol};
    struct state_answer answer = {.used = row->size};
    struct stk_addr local;
    struct stk_addr peer;
    int code;

    answer.room = *len < (int)sizeof answer.bytes ? *len : (int)sizeof answer.bytes;
    if (stk_sock_local(sock->stk, &local) != STK_OK)
        local = (struct stk_addr){0};
    if (stk_sock_peer(sock->stk, &peer) != STK_OK)
        peer = (struct stk_addr){0};
    code = state_put_end(&answer, sock->family, &local, &info.LocalAddr);
    if (code == 0)
        code = state_put_end(&answer, sock->family, &peer, &info.RemoteAddr);
    if (code != 0)
        return code;
    /* Pointers into the caller's room: the peer's address is the last. */
    if (info.LocalAddr.iSockaddrLength > 0)
        info.LocalAddr.lpSockaddr = (struct sockaddr *)(void *)(value + row->size);
    if (info.RemoteAddr.iSockaddrLength > 0)
        info.RemoteAddr.lpSockaddr = (struct sockaddr *)(void *)(value + answer.used - info.RemoteAddr.iSockaddrLength);
    memcpy(answer.bytes, &info, sizeof info);
    memcpy(value, answer.bytes, (size_t)answer.used);
    /* *len stays what the room was, as conformance suites observe. */
    return 0;
}
