/*
 * A provider for tests of the Winsock DLL alone: TCP and UDP over IPv4 between sockets of one process. It moves real
 * bytes under one lock, pends overlapped receives and completes them from a thread of its own, and says what the DLL
 * did to it through fake_counters(). FAKE_PROVIDER=fail|version|slot in the environment makes WSPStartup misbehave,
 * nested makes it use Winsock from a thread of its own, as the libraries of a provider may; extensions makes it have
 * extension functions, poll a WSAPoll that waits.
 */
#include "fake_provider_priv.h"

#include <mswsock.h>
#include <stdlib.h>
#include <string.h>

pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t fake_changed = PTHREAD_COND_INITIALIZER;
WSPUPCALLTABLE fake_up;
struct fake_counters fake_count;
struct fake_socket *fake_sockets;
static u_short next_port = 49152;
static unsigned starts;

int fake_fail(LPINT error, int code)
{
    *error = code;
    return SOCKET_ERROR;
}

struct fake_socket *fake_lookup(SOCKET s, LPINT error)
{
    DWORD_PTR context = 0;
    if (fake_up.lpWPUQuerySocketHandleContext(s, &context, error) == SOCKET_ERROR) {
        return NULL;
    }
    return (struct fake_socket *)context;
}

/* ---- fake_sockets ---- */

static struct fake_socket *sock_new(const WSAPROTOCOL_INFOW *info, LPINT error)
{
    struct fake_socket *sock = (struct fake_socket *)calloc(1, sizeof *sock);
    if (sock == NULL) {
        *error = WSAENOBUFS;
        return NULL;
    }
    sock->info = *info;
    sock->pipe = (char *)malloc(PIPE_BYTES);
    sock->datagrams = (struct datagram *)calloc(DATAGRAMS, sizeof *sock->datagrams);
    sock->open = true;
    sock->handle = fake_up.lpWPUCreateSocketHandle(info->dwCatalogEntryId, (DWORD_PTR)sock, error);
    if (sock->handle == INVALID_SOCKET || sock->pipe == NULL || sock->datagrams == NULL) {
        free(sock->pipe);
        free(sock->datagrams);
        free(sock);
        return NULL;
    }
    pthread_mutex_lock(&fake_lock);
    sock->next = fake_sockets;
    fake_sockets = sock;
    pthread_mutex_unlock(&fake_lock);
    return sock;
}

static SOCKET WSPAPI fake_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags,
                                 LPINT error)
{
    struct fake_socket *sock;
    (void)g;
    fake_count.last_af = af;
    fake_count.last_type = type;
    fake_count.last_protocol = protocol;
    fake_count.last_flags = flags;
    fake_count.last_entry = info->dwCatalogEntryId;
    if (info->iSocketType == SOCK_RAW) {
        *error = WSAEACCES;
        return INVALID_SOCKET;
    }
    sock = sock_new(info, error);
    return sock == NULL ? INVALID_SOCKET : sock->handle;
}

void fake_auto_bind(struct fake_socket *sock)
{
    if (!sock->bound) {
        sock->local.sin_family = AF_INET;
        sock->local.sin_port = htons(next_port++);
        sock->bound = true;
    }
}

static int WSPAPI fake_bind(SOCKET s, const struct sockaddr *name, int namelen, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (name == NULL || namelen < (int)sizeof(SOCKADDR_IN)) {
        return fake_fail(error, WSAEFAULT);
    }
    if (sock->bound) {
        return fake_fail(error, WSAEINVAL);
    }
    memcpy(&sock->local, name, sizeof sock->local);
    if (sock->local.sin_port == 0) {
        sock->local.sin_port = htons(next_port++);
    }
    sock->bound = true;
    return 0;
}

static int WSPAPI fake_listen(SOCKET s, int backlog, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    (void)backlog;
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (!sock->bound) {
        return fake_fail(error, WSAEINVAL);
    }
    sock->listening = true;
    return 0;
}

int fake_copy_name(const SOCKADDR_IN *from, struct sockaddr *name, LPINT namelen, LPINT error)
{
    if (name == NULL || namelen == NULL || *namelen < (int)sizeof *from) {
        return fake_fail(error, WSAEFAULT);
    }
    memcpy(name, from, sizeof *from);
    *namelen = sizeof *from;
    return 0;
}

static SOCKET WSPAPI fake_accept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition,
                                 DWORD_PTR data, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    struct fake_socket *got;
    (void)condition;
    (void)data;
    if (sock == NULL) {
        return INVALID_SOCKET;
    }
    pthread_mutex_lock(&fake_lock);
    while (sock->open && sock->listening && sock->backlog_count == 0 && !sock->nonblocking) {
        pthread_cond_wait(&fake_changed, &fake_lock);
    }
    if (!sock->listening || !sock->open || sock->backlog_count == 0) {
        *error = !sock->open ? WSAEINTR : !sock->listening ? WSAEINVAL : WSAEWOULDBLOCK;
        pthread_mutex_unlock(&fake_lock);
        return INVALID_SOCKET;
    }
    got = sock->backlog[0];
    memmove(sock->backlog, sock->backlog + 1, --sock->backlog_count * sizeof sock->backlog[0]);
    pthread_mutex_unlock(&fake_lock);
    if (addr != NULL && addrlen != NULL) {
        (void)fake_copy_name(&got->remote, addr, addrlen, error);
    }
    return got->handle;
}

static int connect_stream(struct fake_socket *sock, struct fake_socket *listener, LPINT error)
{
    struct fake_socket *there = sock_new(&listener->info, error);
    if (there == NULL) {
        return SOCKET_ERROR;
    }
    pthread_mutex_lock(&fake_lock);
    there->local = listener->local;
    there->remote = sock->local;
    there->bound = there->connected = true;
    there->peer = sock;
    sock->peer = there;
    sock->connected = true;
    listener->backlog[listener->backlog_count++] = there;
    fake_notify(listener, FD_ACCEPT);
    fake_notify(sock, FD_CONNECT);
    pthread_mutex_unlock(&fake_lock);
    return 0;
}

struct fake_socket *fake_find_bound(const SOCKADDR_IN *to, int type)
{
    struct fake_socket *at;
    for (at = fake_sockets; at != NULL; at = at->next) {
        if (at->open && at->bound && at->info.iSocketType == type && at->local.sin_port == to->sin_port &&
            (type == SOCK_DGRAM || at->listening)) {
            return at;
        }
    }
    return NULL;
}

static int WSPAPI fake_connect(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller, LPWSABUF callee,
                               LPQOS sqos, LPQOS gqos, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    struct fake_socket *listener;
    (void)caller;
    (void)callee;
    (void)sqos;
    (void)gqos;
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (name == NULL || namelen < (int)sizeof(SOCKADDR_IN)) {
        return fake_fail(error, WSAEFAULT);
    }
    if (sock->connected && sock->info.iSocketType == SOCK_STREAM) {
        return fake_fail(error, WSAEISCONN);
    }
    memcpy(&sock->remote, name, sizeof sock->remote);
    if (ntohs(sock->remote.sin_port) == FAKE_PORT_ALREADY) {
        return fake_fail(error, WSAEALREADY);
    }
    pthread_mutex_lock(&fake_lock);
    fake_auto_bind(sock);
    sock->connected = sock->info.iSocketType == SOCK_DGRAM;
    listener = fake_find_bound(&sock->remote, SOCK_STREAM);
    pthread_mutex_unlock(&fake_lock);
    if (sock->connected) {
        return 0;
    }
    if (listener == NULL || listener->backlog_count == BACKLOG) {
        return fake_fail(error, WSAECONNREFUSED);
    }
    return connect_stream(sock, listener, error);
}

/* Ends one direction; the peer reads 0 bytes when it has read the rest. */
static void stop_sending(struct fake_socket *sock)
{
    sock->send_shut = true;
    if (sock->peer != NULL) {
        sock->peer->peer_gone = true;
        fake_serve_reads(sock->peer);
        fake_notify(sock->peer, FD_CLOSE);
    }
}

static int WSPAPI fake_shutdown(SOCKET s, int how, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (how < SD_RECEIVE || how > SD_BOTH) {
        return fake_fail(error, WSAEINVAL);
    }
    if (!sock->connected) {
        return fake_fail(error, WSAENOTCONN);
    }
    pthread_mutex_lock(&fake_lock);
    if (how != SD_RECEIVE) {
        stop_sending(sock);
    }
    sock->recv_shut = sock->recv_shut || how != SD_SEND;
    pthread_mutex_unlock(&fake_lock);
    return 0;
}

static int WSPAPI fake_closesocket(SOCKET s, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    struct pending *request;
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    pthread_mutex_lock(&fake_lock);
    sock->open = sock->listening = false;
    stop_sending(sock);
    if (sock->peer != NULL) {
        sock->peer->peer = NULL;
        sock->peer = NULL;
    }
    request = sock->reads;
    sock->reads = NULL;
    pthread_cond_broadcast(&fake_changed);
    pthread_mutex_unlock(&fake_lock);
    while (request != NULL) {
        struct pending *next = request->next;
        request->error = WSA_OPERATION_ABORTED;
        request->transferred = 0;
        fake_deliver(request);
        request = next;
    }
    return fake_up.lpWPUCloseSocketHandle(s, error);
}

/* ---- options, names, the rest ---- */

static int WSPAPI fake_getsockopt(SOCKET s, int level, int optname, char *optval, LPINT optlen, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (level != SOL_SOCKET || optname != SO_TYPE) {
        return fake_fail(error, WSAENOPROTOOPT);
    }
    if (optval == NULL || optlen == NULL || *optlen < (int)sizeof(int)) {
        return fake_fail(error, WSAEFAULT);
    }
    memcpy(optval, &sock->info.iSocketType, sizeof(int));
    *optlen = sizeof(int);
    return 0;
}

static int WSPAPI fake_setsockopt(SOCKET s, int level, int optname, const char *optval, int optlen, LPINT error)
{
    (void)level;
    (void)optname;
    (void)optval;
    (void)optlen;
    return fake_lookup(s, error) == NULL ? SOCKET_ERROR
                                         : fake_fail(error, 0); /* fails without saying why: rule WS2-9 */
}

/* What one socket has to tell. */
static SHORT poll_one(const WSAPOLLFD *entry)
{
    int unused;
    struct fake_socket *sock = fake_lookup(entry->fd, &unused);
    SHORT told = POLLWRNORM;
    if (sock == NULL) {
        return POLLNVAL;
    }
    if (sock->pipe_len > 0 || sock->datagram_count > 0) {
        told |= POLLRDNORM;
    }
    return (SHORT)(told & entry->events);
}

/* FAKE_PROVIDER=poll: by the sockets' state, looked at again and again. */
static INT WSAAPI fake_poll_really(LPWSAPOLLFD array, ULONG count, INT timeout_ms)
{
    int told = 0;
    int waited = 0;
    ULONG i;
    for (;;) {
        pthread_mutex_lock(&fake_lock);
        for (i = 0; i < count; i++) {
            array[i].revents = poll_one(&array[i]);
            told += array[i].revents != 0;
        }
        pthread_mutex_unlock(&fake_lock);
        if (told > 0 || (timeout_ms >= 0 && waited >= timeout_ms)) {
            return told;
        }
        Sleep(1);
        waited++;
    }
}

/* Everything can be written to; a message is sent as its first buffer would be. */
static INT WSAAPI fake_poll(LPWSAPOLLFD array, ULONG count, INT timeout_ms)
{
    ULONG i;
    for (i = 0; i < count; i++) {
        array[i].revents = POLLWRNORM;
    }
    return (INT)count + timeout_ms;
}

static INT PASCAL fake_send_message(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
                                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    (void)s;
    (void)flags;
    (void)overlapped;
    (void)routine;
    *sent = message->lpBuffers[0].len;
    return 0;
}

static int extension_give(const void *id, void *out, DWORD out_bytes, LPDWORD returned, LPINT error)
{
    static const GUID poll_id = WSAID_WSAPOLL;
    static const GUID send_id = WSAID_WSASENDMSG;
    LPFN_WSAPOLL poll_function = fake_poll;
    LPFN_WSASENDMSG send_function = fake_send_message;
    const char *mode = getenv("FAKE_PROVIDER");
    bool really = mode != NULL && strcmp(mode, "poll") == 0;
    if (out_bytes < sizeof poll_function || mode == NULL || (!really && strcmp(mode, "extensions") != 0)) {
        return fake_fail(error, WSAEOPNOTSUPP);
    }
    if (really) {
        poll_function = fake_poll_really;
    }
    if (memcmp(id, &poll_id, sizeof poll_id) == 0) {
        memcpy(out, &poll_function, sizeof poll_function);
    } else if (memcmp(id, &send_id, sizeof send_id) == 0) {
        memcpy(out, &send_function, sizeof send_function);
    } else {
        return fake_fail(error, WSAEOPNOTSUPP);
    }
    *returned = sizeof poll_function;
    return 0;
}

static int WSPAPI fake_ioctl(SOCKET s, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                             LPDWORD returned, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                             LPWSATHREADID thread, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    ULONG value;
    fake_count.ioctl_code = code;
    fake_count.ioctl_in_bytes = in_bytes;
    fake_count.ioctl_out_bytes = out_bytes;
    fake_count.ioctl_one_buffer = in == out;
    fake_count.ioctl_synchronous = overlapped == NULL && routine == NULL && thread == NULL;
    fake_count.ioctl_with_thread = thread != NULL;
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (in_bytes < 4 || out_bytes < 4 || in == NULL || out == NULL) {
        return fake_fail(error, WSAEFAULT);
    }
    if (code == SIO_GET_EXTENSION_FUNCTION_POINTER && in_bytes == sizeof(GUID)) {
        return extension_give(in, out, out_bytes, returned, error);
    }
    if (code == FIONBIO) {
        memcpy(&value, in, 4);
        sock->nonblocking = value != 0;
        *returned = 0;
        return 0;
    }
    if (code == FIONREAD) {
        value = sock->pipe_len;
        memcpy(out, &value, 4);
        *returned = 4;
        return 0;
    }
    return fake_fail(error, WSAEOPNOTSUPP);
}

static int WSPAPI fake_getsockname(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    return sock->bound ? fake_copy_name(&sock->local, name, namelen, error) : fake_fail(error, WSAEINVAL);
}

static int WSPAPI fake_getpeername(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    return sock->connected ? fake_copy_name(&sock->remote, name, namelen, error) : fake_fail(error, WSAENOTCONN);
}

static INT WSPAPI fake_address_to_string(LPSOCKADDR addr, DWORD bytes, LPWSAPROTOCOL_INFOW info, LPWSTR text,
                                         LPDWORD chars, LPINT error)
{
    static const WCHAR words[] = L"192.0.2.7:80";
    (void)bytes;
    fake_count.last_entry = info->dwCatalogEntryId;
    if (addr->sa_family != info->iAddressFamily) {
        return fake_fail(error, WSAEINVAL);
    }
    if (*chars < sizeof words / sizeof words[0]) {
        *chars = sizeof words / sizeof words[0];
        return fake_fail(error, WSAEFAULT);
    }
    memcpy(text, words, sizeof words);
    *chars = sizeof words / sizeof words[0];
    return 0;
}

static INT WSPAPI fake_string_to_address(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW info, LPSOCKADDR addr,
                                         LPINT bytes, LPINT error)
{
    SOCKADDR_IN sin = {.sin_family = AF_INET};
    (void)family;
    (void)info;
    sin.sin_addr.s_addr = htonl((ULONG)text[0]);
    return fake_copy_name(&sin, addr, bytes, error);
}

static int WSPAPI fake_async_select(SOCKET s, HWND window, unsigned int message, LONG events, LPINT error)
{
    (void)message;
    (void)events;
    if (fake_lookup(s, error) == NULL) {
        return SOCKET_ERROR;
    }
    return fake_fail(error, fake_up.lpWPUPostMessage(window, 0, 0, 0) ? WSAEOPNOTSUPP : WSAEINVAL);
}

static int WSPAPI fake_cancel_blocking_call(LPINT error)
{
    return fake_fail(error, WSAEINVAL);
}

static int WSPAPI fake_duplicate(SOCKET s, DWORD pid, LPWSAPROTOCOL_INFOW info, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    (void)pid;
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    *info = sock->info;
    info->dwProviderReserved = 77;
    return 0;
}

static BOOL WSPAPI fake_qos(SOCKET s, LPWSABUF name, LPQOS qos, LPINT error)
{
    (void)name;
    (void)qos;
    if (fake_lookup(s, error) != NULL) {
        *error = WSAEINVAL;
    }
    return FALSE;
}

static SOCKET WSPAPI fake_join_leaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller,
                                    LPWSABUF callee, LPQOS sqos, LPQOS gqos, DWORD flags, LPINT error)
{
    (void)name;
    (void)namelen;
    (void)caller;
    (void)callee;
    (void)sqos;
    (void)gqos;
    (void)flags;
    if (fake_lookup(s, error) != NULL) {
        *error = WSAEOPNOTSUPP;
    }
    return INVALID_SOCKET;
}

static int WSPAPI fake_disconnect(SOCKET s, LPWSABUF data, LPINT error)
{
    if (data != NULL) {
        return fake_fail(error, WSAENOPROTOOPT);
    }
    return fake_shutdown(s, SD_SEND, error);
}

static int WSPAPI fake_cleanup(LPINT error)
{
    (void)error;
    if (--starts > 0) {
        return 0;
    }
    fake_count.cleanups++;
    fake_dispatcher_end();
    while (fake_sockets != NULL) {
        struct fake_socket *next = fake_sockets->next;
        free(fake_sockets->pipe);
        free(fake_sockets->datagrams);
        free(fake_sockets);
        fake_sockets = next;
    }
    return 0;
}

static const WSPPROC_TABLE table = {
    .lpWSPAccept = fake_accept,
    .lpWSPAddressToString = fake_address_to_string,
    .lpWSPAsyncSelect = fake_async_select,
    .lpWSPBind = fake_bind,
    .lpWSPCancelBlockingCall = fake_cancel_blocking_call,
    .lpWSPCleanup = fake_cleanup,
    .lpWSPCloseSocket = fake_closesocket,
    .lpWSPConnect = fake_connect,
    .lpWSPDuplicateSocket = fake_duplicate,
    .lpWSPEnumNetworkEvents = fake_enum_network_events,
    .lpWSPEventSelect = fake_event_select,
    .lpWSPGetOverlappedResult = fake_get_overlapped_result,
    .lpWSPGetPeerName = fake_getpeername,
    .lpWSPGetSockName = fake_getsockname,
    .lpWSPGetSockOpt = fake_getsockopt,
    .lpWSPGetQOSByName = fake_qos,
    .lpWSPIoctl = fake_ioctl,
    .lpWSPJoinLeaf = fake_join_leaf,
    .lpWSPListen = fake_listen,
    .lpWSPRecv = fake_recv,
    .lpWSPRecvDisconnect = fake_disconnect,
    .lpWSPRecvFrom = fake_recvfrom,
    .lpWSPSelect = (LPWSPSELECT)fake_select, /* the headers differ in a const */
    .lpWSPSend = fake_send,
    .lpWSPSendDisconnect = fake_disconnect,
    .lpWSPSendTo = fake_sendto,
    .lpWSPSetSockOpt = fake_setsockopt,
    .lpWSPShutdown = fake_shutdown,
    .lpWSPSocket = fake_socket,
    .lpWSPStringToAddress = fake_string_to_address,
};

static void *use_winsock(void *failed)
{
    WSADATA data;
    *(bool *)failed = WSAStartup(MAKEWORD(2, 2), &data) != 0 || htons(1) != 0x100 ||
                      inet_addr("1.0.0.0") != htonl(0x01000000) || WSACleanup() != 0;
    return NULL;
}

static bool nested_use(void)
{
    pthread_t thread;
    bool failed = true;
    return pthread_create(&thread, NULL, use_winsock, &failed) == 0 && pthread_join(thread, NULL) == 0 && !failed;
}

int WSPAPI WSPStartup(WORD version, LPWSPDATA data, LPWSAPROTOCOL_INFOW info, WSPUPCALLTABLE upcalls,
                      LPWSPPROC_TABLE out)
{
    const char *mode = getenv("FAKE_PROVIDER");
    mode = mode == NULL ? "" : mode;
    fake_count.starts++;
    fake_count.last_version = version;
    fake_count.last_entry = info->dwCatalogEntryId;
    if (strcmp(mode, "fail") == 0) {
        return WSASYSNOTREADY;
    }
    if (strcmp(mode, "nested") == 0 && !nested_use()) {
        return WSASYSNOTREADY;
    }
    fake_up = upcalls;
    memset(data, 0, sizeof *data);
    data->wVersion = strcmp(mode, "version") == 0 ? MAKEWORD(1, 1) : MAKEWORD(2, 2);
    data->wHighVersion = MAKEWORD(2, 2);
    *out = table;
    if (strcmp(mode, "slot") == 0) {
        out->lpWSPJoinLeaf = NULL;
    }
    if (starts++ == 0 && !fake_dispatcher_start()) {
        starts--;
        return WSASYSNOTREADY;
    }
    return 0;
}

struct fake_counters *fake_counters(void)
{
    return &fake_count;
}

const WSPUPCALLTABLE *fake_upcalls(void)
{
    return &fake_up;
}
