/*
 * AcceptEx, ConnectEx and DisconnectEx with completion ports. Rules AEX, CEX, DEX; IOCP-1, IOCP-14, IOCP-22.
 */
#include "kernel.h"

#define T_PART (sizeof(SOCKADDR_STORAGE) + 16) /* of an address */
#define T_ROOM 32                              /* of data */

/* An AcceptEx or ConnectEx that is posted. */
struct t_extended {
    OVERLAPPED overlapped;
    char bytes[T_ROOM + 2 * T_PART];
};

static bool t_function(struct t_run *t, SOCKET s, GUID id, void *out, DWORD out_bytes)
{
    DWORD bytes = 0;
    if (WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, out, out_bytes, &bytes, NULL, NULL) != 0) {
        t_note(t, __FILE__, __LINE__, "no such function: %d", WSAGetLastError());
        return false;
    }
    return true;
}

/* 0, or the code. */
static int t_accept_ex(struct t_run *t, SOCKET listener, SOCKET s, struct t_extended *op, DWORD room)
{
    LPFN_ACCEPTEX function = NULL;
    DWORD got = 0;
    memset(op, 0, sizeof *op);
    if (!t_function(t, listener, (GUID)WSAID_ACCEPTEX, &function, sizeof function)) {
        return -1;
    }
    return function(listener, s, op->bytes, room, T_PART, T_PART, &got, &op->overlapped) ? 0 : WSAGetLastError();
}

static int t_connect_ex(struct t_run *t, SOCKET s, const struct t_addr *to, struct t_extended *op, const char *text)
{
    LPFN_CONNECTEX function = NULL;
    memset(op, 0, sizeof *op);
    memcpy(op->bytes, text, strlen(text));
    if (!t_function(t, s, (GUID)WSAID_CONNECTEX, &function, sizeof function)) {
        return -1;
    }
    return function(s, &to->u.any, to->bytes, op->bytes, (DWORD)strlen(text), NULL, &op->overlapped)
               ? 0
               : WSAGetLastError();
}

static int t_disconnect_ex(struct t_run *t, SOCKET s, struct t_extended *op)
{
    LPFN_DISCONNECTEX function = NULL;
    memset(op, 0, sizeof *op);
    if (!t_function(t, s, (GUID)WSAID_DISCONNECTEX, &function, sizeof function)) {
        return -1;
    }
    return function(s, &op->overlapped, TF_REUSE_SOCKET, 0) ? 0 : WSAGetLastError();
}

static void t_names(struct t_run *t, struct t_extended *op, DWORD room, struct t_addr *local, struct t_addr *remote)
{
    LPFN_GETACCEPTEXSOCKADDRS function = NULL;
    struct sockaddr *mine = NULL, *theirs = NULL;
    int mine_bytes = 0, theirs_bytes = 0;
    memset(local, 0, sizeof *local);
    memset(remote, 0, sizeof *remote);
    if (!t_function(t, t->sockets[0], (GUID)WSAID_GETACCEPTEXSOCKADDRS, &function, sizeof function)) {
        return;
    }
    function(op->bytes, room, T_PART, T_PART, &mine, &mine_bytes, &theirs, &theirs_bytes);
    T_TRUE(mine != NULL && theirs != NULL);
    T_EQ(mine_bytes, sizeof(SOCKADDR_IN));
    T_EQ(theirs_bytes, sizeof(SOCKADDR_IN));
    memcpy(&local->u, mine, (size_t)mine_bytes);
    memcpy(&remote->u, theirs, (size_t)theirs_bytes);
    local->bytes = mine_bytes;
    remote->bytes = theirs_bytes;
}

static int t_update_accept(SOCKET s, SOCKET listener)
{
    return setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener, sizeof listener);
}

/* A listener with the key 1 and a socket to accept with, whose key is 2. */
struct t_accepting {
    HANDLE port;
    SOCKET listener;
    struct t_addr at;
    SOCKET s;
};

static bool t_accepting_make(struct t_run *t, struct t_accepting *a)
{
    a->port = t_port_make(t);
    if (a->port == NULL || !t_listener(t, AF_INET, &a->listener, &a->at)) {
        return false;
    }
    a->s = t_socket(t, AF_INET, SOCK_STREAM);
    return a->s != INVALID_SOCKET && CreateIoCompletionPort((HANDLE)a->listener, a->port, 1, 0) == a->port &&
           CreateIoCompletionPort((HANDLE)a->s, a->port, 2, 0) == a->port;
}

static SOCKET t_client(struct t_run *t, const struct t_addr *to)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    if (s != INVALID_SOCKET && connect(s, &to->u.any, to->bytes) != 0) {
        t_note(t, __FILE__, __LINE__, "connect fails: %d", WSAGetLastError());
    }
    return s;
}

/* AEX-8, AEX-13, AEX-21. */
static void accept__on_a_port__packet_of_the_listener(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op;
    struct t_post post;
    SOCKET client;
    T_DO(t_accepting_make(t, &a));
    T_EQ(t_accept_ex(t, a.listener, a.s, &op, 0), WSA_IO_PENDING);
    T_NO_PACKET(a.port);
    client = t_client(t, &a.at);
    T_PACKET(a.port, 1, &op.overlapped, 0);
    T_OK(t_update_accept(a.s, a.listener));
    T_EQ(t_post_recv(a.s, &post, 8, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, client, "abc", 3));
    T_PACKET(a.port, 2, &post.overlapped, 3);
    T_NO_PACKET(a.port);
}

/* AEX-9, AEX-27: the names are those that the socket has once it is whole. */
static void accept__first_data__names_of_both_ends(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op;
    struct t_addr local, remote, name = {.bytes = sizeof name.u};
    SOCKET client;
    T_DO(t_accepting_make(t, &a));
    T_EQ(t_accept_ex(t, a.listener, a.s, &op, T_ROOM), WSA_IO_PENDING);
    client = t_client(t, &a.at);
    T_NO_PACKET(a.port); /* a connection alone is not enough */
    T_DO(t_send_all(t, client, "hello", 5));
    T_PACKET(a.port, 1, &op.overlapped, 5);
    T_SAME(op.bytes, "hello", 5);
    t_names(t, &op, T_ROOM, &local, &remote);
    T_TRUE(t_same_addr(&local, &a.at));
    T_OK(t_update_accept(a.s, a.listener));
    T_OK(getpeername(a.s, &name.u.any, &name.bytes));
    T_TRUE(t_same_addr(&name, &remote));
    T_OK(getsockname(client, &name.u.any, &name.bytes));
    T_TRUE(t_same_addr(&name, &remote));
}

/* AEX-20, AEX-22. */
static void accept__before_the_context__no_names_and_no_shutdown(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op;
    struct t_addr name = {.bytes = sizeof name.u};
    int yes = 1;
    T_DO(t_accepting_make(t, &a));
    T_EQ(t_accept_ex(t, a.listener, a.s, &op, 0), WSA_IO_PENDING);
    T_TRUE(t_client(t, &a.at) != INVALID_SOCKET);
    T_PACKET(a.port, 1, &op.overlapped, 0);
    T_FAILS(getpeername(a.s, &name.u.any, &name.bytes), WSAENOTCONN);
    T_FAILS(shutdown(a.s, SD_SEND), WSAENOTCONN);
    T_EQ(setsockopt(a.s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&yes, sizeof yes), SOCKET_ERROR);
    T_FAILS(shutdown(a.s, SD_SEND), WSAENOTCONN);
    T_OK(t_update_accept(a.s, a.listener));
    T_OK(getpeername(a.s, &name.u.any, &name.bytes));
    T_OK(shutdown(a.s, SD_SEND));
}

/* AEX-17, AEX-19. */
static void accept__cancelled_or_listener_closed__aborted(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op, other;
    SOCKET second;
    T_DO(t_accepting_make(t, &a));
    T_EQ(t_accept_ex(t, a.listener, a.s, &op, 0), WSA_IO_PENDING);
    T_TRUE(CancelIoEx((HANDLE)a.listener, &op.overlapped));
    T_FAILED_PACKET(a.port, 1, &op.overlapped, WSA_OPERATION_ABORTED);
    T_EQ(t_accept_ex(t, a.listener, a.s, &op, 0), WSA_IO_PENDING);
    second = t_socket(t, AF_INET, SOCK_STREAM);
    T_EQ(t_accept_ex(t, a.listener, second, &other, T_ROOM), WSA_IO_PENDING);
    T_OK(t_close(t, a.listener));
    for (int i = 0; i < 2; i++) {
        struct t_packet packet = t_packet_take(a.port, T_WAIT_MS);
        T_TRUE(packet.overlapped == &op.overlapped || packet.overlapped == &other.overlapped);
        T_EQ(packet.ok, FALSE);
        T_EQ(packet.key, 1);
        T_EQ(packet.error, WSA_OPERATION_ABORTED);
    }
    T_NO_PACKET(a.port);
}

/* AEX-16. */
static void accept__reset_before_data__netname_deleted(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op;
    SOCKET client;
    T_DO(t_accepting_make(t, &a));
    T_EQ(t_accept_ex(t, a.listener, a.s, &op, T_ROOM), WSA_IO_PENDING);
    client = t_client(t, &a.at);
    T_NO_PACKET(a.port);
    t_reset(t, client);
    T_FAILED_PACKET(a.port, 1, &op.overlapped, ERROR_NETNAME_DELETED);
}

/* AEX-18. */
static void accept__accepting_socket_closed__listener_goes_on(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op;
    struct t_packet packet;
    SOCKET client, s;
    T_DO(t_accepting_make(t, &a));
    T_EQ(t_accept_ex(t, a.listener, a.s, &op, 0), WSA_IO_PENDING);
    T_OK(t_close(t, a.s));
    packet = t_packet_take(a.port, T_WAIT_MS);
    T_TRUE(packet.overlapped == &op.overlapped);
    T_EQ(packet.ok, FALSE);
    client = t_client(t, &a.at);
    s = t_keep(t, accept(a.listener, NULL, NULL));
    T_TRUE(s != INVALID_SOCKET);
    T_DO(t_send_all(t, client, "x", 1));
}

/* CEX-1, CEX-4, CEX-6, CEX-12. */
static void connect__with_data__packet_with_its_bytes(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    struct t_addr at, any = t_wildcard(AF_INET, 0), name = {.bytes = sizeof name.u};
    struct t_extended op;
    SOCKET listener, s, peer;
    char text[5];
    T_DO(port != NULL && t_listener(t, AF_INET, &listener, &at));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_TRUE(CreateIoCompletionPort((HANDLE)s, port, 5, 0) == port);
    T_EQ(t_connect_ex(t, s, &at, &op, "hello"), WSAEINVAL);
    T_OK(bind(s, &any.u.any, any.bytes));
    T_EQ(t_connect_ex(t, s, &at, &op, "hello"), WSA_IO_PENDING);
    T_PACKET(port, 5, &op.overlapped, 5);
    peer = t_keep(t, accept(listener, NULL, NULL));
    T_DO(t_recv_all(t, peer, text, 5));
    T_SAME(text, "hello", 5);
    T_OK(setsockopt(s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0));
    T_OK(getpeername(s, &name.u.any, &name.bytes));
    T_TRUE(t_same_addr(&name, &at));
    T_NO_PACKET(port);
}

/* CEX-8, CEX-9: the port shows the system's code, the result Winsock's. */
static void connect__nobody__connection_refused_and_again(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    struct t_addr nobody, at, any = t_wildcard(AF_INET, 0);
    struct t_extended op;
    SOCKET listener, s;
    DWORD bytes, flags;
    T_DO(port != NULL && t_nobody(t, AF_INET, SOCK_STREAM, &nobody));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_TRUE(CreateIoCompletionPort((HANDLE)s, port, 5, 0) == port);
    T_OK(bind(s, &any.u.any, any.bytes));
    T_EQ(t_connect_ex(t, s, &nobody, &op, ""), WSA_IO_PENDING);
    T_FAILED_PACKET(port, 5, &op.overlapped, ERROR_CONNECTION_REFUSED);
    T_EQ(WSAGetOverlappedResult(s, &op.overlapped, &bytes, FALSE, &flags), FALSE);
    T_EQ(WSAGetLastError(), WSAECONNREFUSED);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_EQ(t_connect_ex(t, s, &at, &op, ""), WSA_IO_PENDING);
    T_PACKET(port, 5, &op.overlapped, 0);
}

/* DEX-5, DEX-8, DEX-13, DEX-14, IOCP-14: the association is for the life of the handle. */
static void disconnect__reuse__association_and_modes_stay(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op;
    struct t_addr any = t_wildcard(AF_INET, 0);
    struct t_post post;
    SOCKET client;
    T_DO(t_accepting_make(t, &a));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)a.s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    for (int i = 0; i < 5; i++) {
        T_EQ(t_accept_ex(t, a.listener, a.s, &op, 0), WSA_IO_PENDING);
        client = t_client(t, &a.at);
        T_PACKET(a.port, 1, &op.overlapped, 0);
        T_OK(t_update_accept(a.s, a.listener));
        T_EQ(t_post_recv(a.s, &post, 8, NULL), WSA_IO_PENDING);
        T_DO(t_send_all(t, client, "abc", 3));
        T_PACKET(a.port, 2, &post.overlapped, 3);
        T_DO(t_send_all(t, client, "de", 2));
        T_EQ(t_select(a.s, 'r', T_WAIT_MS), 1);
        T_EQ(t_post_recv(a.s, &post, 8, NULL), 0); /* at once: no packet, each time */
        T_OK(t_close(t, client));
        T_EQ(t_disconnect_ex(t, a.s, &op), WSA_IO_PENDING);
        T_PACKET(a.port, 2, &op.overlapped, 0);
        T_FAILS(bind(a.s, &any.u.any, any.bytes), WSAEINVAL);
    }
    T_TRUE(CreateIoCompletionPort((HANDLE)a.s, a.port, 3, 0) == NULL);
    T_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
    T_NO_PACKET(a.port);
}

/* DEX-9: a connection that was reset is disconnected at once. */
static void disconnect__after_a_reset__accepts_again(struct t_run *t)
{
    struct t_accepting a;
    struct t_extended op;
    struct t_post post;
    T_DO(t_accepting_make(t, &a));
    for (int i = 0; i < 3; i++) {
        SOCKET client;
        T_EQ(t_accept_ex(t, a.listener, a.s, &op, 0), WSA_IO_PENDING);
        client = t_client(t, &a.at);
        T_PACKET(a.port, 1, &op.overlapped, 0);
        T_OK(t_update_accept(a.s, a.listener));
        T_EQ(t_post_recv(a.s, &post, 8, NULL), WSA_IO_PENDING);
        t_reset(t, client);
        T_FAILED_PACKET(a.port, 2, &post.overlapped, ERROR_NETNAME_DELETED);
        T_EQ(t_disconnect_ex(t, a.s, &op), WSA_IO_PENDING);
        T_PACKET(a.port, 2, &op.overlapped, 0);
    }
}

/* CEX-16, DEX-8: it is not bound again. */
static void disconnect__reuse__connects_again_from_the_same_port(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    struct t_addr at[2], any = t_wildcard(AF_INET, 0), name = {.bytes = sizeof name.u}, first;
    struct t_extended op;
    SOCKET listeners[2], s, peer;
    T_DO(port != NULL && t_listener(t, AF_INET, &listeners[0], &at[0]) &&
         t_listener(t, AF_INET, &listeners[1], &at[1]));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_TRUE(CreateIoCompletionPort((HANDLE)s, port, 5, 0) == port);
    T_OK(bind(s, &any.u.any, any.bytes));
    memset(&first, 0, sizeof first);
    for (int i = 0; i < 2; i++) {
        T_EQ(t_connect_ex(t, s, &at[i], &op, ""), WSA_IO_PENDING);
        T_PACKET(port, 5, &op.overlapped, 0);
        T_OK(setsockopt(s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0));
        T_OK(getsockname(s, &name.u.any, &name.bytes));
        if (i == 0) {
            first = name;
        }
        T_EQ(t_port(&name), t_port(&first));
        peer = t_keep(t, accept(listeners[i], NULL, NULL));
        T_OK(t_close(t, peer));
        T_EQ(t_disconnect_ex(t, s, &op), WSA_IO_PENDING);
        T_PACKET(port, 5, &op.overlapped, 0);
        T_FAILS(bind(s, &any.u.any, any.bytes), WSAEINVAL);
    }
}

static const struct t_cases cases[] = {
    T_CASE(accept__on_a_port__packet_of_the_listener),
    T_CASE(accept__first_data__names_of_both_ends),
    T_CASE(accept__before_the_context__no_names_and_no_shutdown),
    T_CASE(accept__cancelled_or_listener_closed__aborted),
    T_CASE(accept__reset_before_data__netname_deleted),
    T_CASE(accept__accepting_socket_closed__listener_goes_on),
    T_CASE(connect__with_data__packet_with_its_bytes),
    T_CASE(connect__nobody__connection_refused_and_again),
    T_CASE(disconnect__reuse__association_and_modes_stay),
    T_CASE(disconnect__after_a_reset__accepts_again),
    T_CASE(disconnect__reuse__connects_again_from_the_same_port),
};

const struct t_group t_group_kernel_accept = {"kernel_accept", cases, T_COUNT(cases), false};
