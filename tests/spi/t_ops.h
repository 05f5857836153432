/** @file Overlapped extension functions as tests call them. Functions are those of the provider under test after t_ops_start. */
#ifndef T_OPS_H
#define T_OPS_H

#include "t_ext.h"

#include "wsp_private_abi.h"

#include <string.h>

#define PART (sizeof(SOCKADDR_STORAGE) + 16) /* of an address */
#define ROOM 64u                             /* of data */

static LPFN_CONNECTEX connect_ex;
static LPFN_ACCEPTEX accept_ex;
static LPFN_GETACCEPTEXSOCKADDRS get_sockaddrs;
static LPFN_DISCONNECTEX disconnect_ex;

static inline int t_ops_start(void **state)
{
    SOCKET s;

    if (t_host_start(state) != 0)
        return -1;
    s = t_socket(AF_INET, SOCK_STREAM);
    connect_ex = (LPFN_CONNECTEX)t_ext_get(s, (GUID)WSAID_CONNECTEX);
    accept_ex = (LPFN_ACCEPTEX)t_ext_get(s, (GUID)WSAID_ACCEPTEX);
    get_sockaddrs = (LPFN_GETACCEPTEXSOCKADDRS)t_ext_get(s, (GUID)WSAID_GETACCEPTEXSOCKADDRS);
    disconnect_ex = (LPFN_DISCONNECTEX)t_ext_get(s, (GUID)WSAID_DISCONNECTEX);
    t_close(s);
    return 0;
}

static inline uint16_t net_port(uint16_t port)
{
    unsigned char bytes[2] = {(unsigned char)(port >> 8), (unsigned char)port};

    memcpy(&port, bytes, sizeof port);
    return port;
}

/* A request is given back just after its completion was told. */
static inline void no_requests(void)
{
    t_sleep_ms(20);
    t_requests_are(0);
}

/* One overlapped operation. */
struct op {
    WSAOVERLAPPED ov;
    SOCKET s;           /* whose completion it is */
    unsigned completed; /* completions before it */
    char bytes[ROOM + 2 * PART];
};

static inline void op_begin(struct op *op, SOCKET s)
{
    memset(op, 0, sizeof *op);
    op->ov.hEvent = t_event_new();
    op->s = s;
    op->completed = t_completions();
}

/* The code of its completion: it came, and it came once. */
static inline int op_end(struct op *op, DWORD *bytes)
{
    DWORD got = 0, flags;
    BOOL ok;

    assert_true(t_event_wait(op->ov.hEvent, 5000));
    ok = t_spi.lpWSPGetOverlappedResult(op->s, &op->ov, &got, FALSE, &flags, &t_err);
    assert_int_equal(t_completions(), op->completed + 1);
    t_event_free(op->ov.hEvent);
    if (bytes)
        *bytes = got;
    return ok ? 0 : t_err;
}

/* A call that was refused has no completion. */
static inline void op_refused(struct op *op)
{
    assert_int_equal(t_completions(), op->completed);
    assert_false(t_event_is_set(op->ov.hEvent));
    t_event_free(op->ov.hEvent);
}

#define EX_FAILS(call, code)                      \
    do {                                          \
        assert_false(call);                       \
        assert_int_equal(t_last_error(), (code)); \
    } while (0)

static inline void op_accept(struct op *op, SOCKET listener, SOCKET s, DWORD room)
{
    DWORD untouched = 77;

    op_begin(op, listener);
    EX_FAILS(accept_ex(listener, s, op->bytes, room, PART, PART, &untouched, (LPOVERLAPPED)&op->ov), WSA_IO_PENDING);
    assert_int_equal(untouched, 77); /* AEX-12 */
}

static inline void op_connect(struct op *op, SOCKET s, uint16_t port, const char *text)
{
    op_begin(op, s);
    memcpy(op->bytes, text, strlen(text));
    EX_FAILS(connect_ex(s, t_addr(AF_INET, port), t_addr_size(AF_INET), text[0] ? op->bytes : NULL, (DWORD)strlen(text),
                        NULL, (LPOVERLAPPED)&op->ov),
             WSA_IO_PENDING);
}

static inline SOCKET plain_connect(SOCKET listener)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    assert_int_equal(
        t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), t_addr_size(AF_INET), NULL, NULL, NULL, NULL, &t_err),
        0);
    return s;
}

static inline uint32_t cancel(SOCKET s, const WSAOVERLAPPED *ov)
{
    struct wsp_cancel_abi in = {.overlapped = (uintptr_t)ov, .scope = WSP_CANCEL_ONE};
    uint32_t taken = 0;
    DWORD returned;

    assert_int_equal(t_spi.lpWSPIoctl(s, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, sizeof taken, &returned, NULL, NULL,
                                      NULL, &t_err),
                     0);
    return taken;
}

static inline int update_accept(SOCKET s, SOCKET listener)
{
    return t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener, sizeof listener,
                                 &t_err);
}

static inline int update_connect(SOCKET s)
{
    return t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0, &t_err);
}

static inline int peer_name(SOCKET s, SOCKADDR_STORAGE *name)
{
    INT size = sizeof *name;

    return t_spi.lpWSPGetPeerName(s, (struct sockaddr *)name, &size, &t_err);
}

/* What works only on a whole socket. */
static inline void assert_partial(SOCKET s)
{
    SOCKADDR_STORAGE name;
    INT size = sizeof name;
    int value = 1;

    t_fails(peer_name(s, &name), WSAENOTCONN);
    t_fails(t_spi.lpWSPGetSockName(s, (struct sockaddr *)&name, &size, &t_err), WSAENOTCONN);
    t_fails(t_spi.lpWSPShutdown(s, SD_SEND, &t_err), WSAENOTCONN);
    t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_KEEPALIVE, (const char *)&value, sizeof value, &t_err),
            WSAENOTCONN);
    size = sizeof value;
    t_fails(t_spi.lpWSPGetSockOpt(s, IPPROTO_TCP, TCP_NODELAY, (char *)&value, &size, &t_err), WSAENOTCONN);
}

static inline void assert_talk(SOCKET a, SOCKET b)
{
    char text[8] = {0};

    assert_int_equal(t_send(a, "ping", 4), 4);
    assert_int_equal(t_recv(b, text, sizeof text), 4);
    assert_memory_equal(text, "ping", 4);
    assert_int_equal(t_send(b, "pong!", 5), 5);
    assert_int_equal(t_recv(a, text, sizeof text), 5);
    assert_memory_equal(text, "pong!", 5);
}

#endif
