/** @file WSARecvMsg and WSASendMsg. */
#include "wsp_message.h"

#include "wsp_addr.h"
#include "wsp_cmsg.h"
#include "wsp_sdk.h"
#include "wsp_upcall.h"

#define MESSAGE_RESULTS (MSG_TRUNC | MSG_CTRUNC | MSG_BCAST | MSG_MCAST)

int wsp_message_received(const struct wsp_socket *sock, LPWSAMSG message, const struct stk_msg_info *info)
{
    DWORD flags = 0;
    INT size = message->namelen;
    bool whole;

    if (message->name && wsp_addr_write(&info->from, sock->family, message->name, &size) == 0)
        message->namelen = size;
    whole = wsp_cmsg_write(sock, info, &message->Control);
    if (!whole || info->more) /* USO-16 */
        flags |= MSG_CTRUNC;
    if (info->truncated)
        flags |= MSG_TRUNC;
    if (info->flags & STK_MSG_BCAST)
        flags |= MSG_BCAST;
    if (info->flags & STK_MSG_MCAST)
        flags |= MSG_MCAST;
    message->dwFlags = flags;
    /* MSG-9; Windows, as conformance suites observe. */
    return info->truncated || (!whole && !info->more) ? WSAEMSGSIZE : 0;
}

bool wsp_message_tells_merge(const struct wsp_socket *sock, const WSAMSG *message)
{
    return message->Control.buf && message->Control.len >= wsp_cmsg_space(sock);
}

/* What both have in common; the socket is got on success. */
static int message_begin(SOCKET s, LPWSAMSG message, struct wsp_call *call, struct wsp_socket **out)
{
    INT err = WSAENOTSOCK;
    struct wsp_socket *sock = wsp_socket_get(s, &err);
    int code = 0;

    if (!sock)
        return err;
    if (!message)
        code = WSAEFAULT;
    else if (wsp_socket_is_stream(sock))
        code = WSAEOPNOTSUPP; /* MSG-1, MSG-18 */
    if (code != 0) {
        wsp_socket_put(sock);
        return code;
    }
    call->sock = sock;
    call->handle = s;
    call->buffers = message->lpBuffers;
    call->buffers_count = message->dwBufferCount;
    *out = sock;
    return 0;
}

static int message_end(struct wsp_socket *sock, int code)
{
    if (sock)
        wsp_socket_put(sock);
    if (code == 0)
        return 0;
    wsp_upcall_last_error(code);
    return SOCKET_ERROR;
}

static int message_check_recv(const struct wsp_call *call, const WSAMSG *message)
{
    if (message->dwFlags & ~(DWORD)MSG_PEEK)
        return WSAEOPNOTSUPP; /* MSG-11, MSG-12 */
    if (message->dwFlags != 0 && call->overlapped)
        return WSAEOPNOTSUPP;
    if (message->name && message->namelen < wsp_addr_size(call->sock->family))
        return WSAEFAULT;
    return message->Control.len > 0 && !message->Control.buf ? WSAEFAULT : 0;
}

int WSPAPI wsp_recv_msg(SOCKET s, LPWSAMSG message, LPDWORD received, LPWSAOVERLAPPED overlapped,
                        LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct wsp_call call = {.direction = WSP_READING,
                            .bytes = received,
                            .named = true,
                            .message = message,
                            .overlapped = overlapped,
                            .routine = routine,
                            .own_thread = true};
    struct wsp_socket *sock = NULL;
    DWORD unused = 0;
    int code = message_begin(s, message, &call, &sock);

    if (code == 0)
        code = message_check_recv(&call, message);
    if (code == 0) {
        call.flags_out = &message->dwFlags;
        call.bytes = received ? received : overlapped ? &unused : NULL; /* MSG-14 */
        code = wsp_io_receive(&call);
    }
    return message_end(sock, code);
}

int WSPAPI wsp_send_msg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
                        LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct wsp_call call = {.direction = WSP_SENDING,
                            .bytes = sent,
                            .flags = flags,
                            .overlapped = overlapped,
                            .routine = routine,
                            .own_thread = true};
    struct stk_send_info wish;
    struct wsp_socket *sock = NULL;
    bool any = false;
    int code = message_begin(s, message, &call, &sock);

    if (code == 0 && (flags & MESSAGE_RESULTS))
        code = WSAEINVAL; /* MSG-23 */
    if (code == 0)
        code = wsp_cmsg_read(sock, &message->Control, &wish, &any);
    if (code == 0) {
        call.to = message->namelen > 0 ? message->name : NULL; /* MSG-19 */
        call.tolen = message->namelen;
        call.named = call.to != NULL;
        call.wish = any ? &wish : NULL;
        code = wsp_io_transmit(&call);
    }
    return message_end(sock, code);
}
