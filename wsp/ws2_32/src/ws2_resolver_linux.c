/*
 * Asking DNS, Linux: c-ares over our own sockets. A channel lives for one question, in the thread that asks, so each question
 * has a socket and a port of its own. Source: rules NSPX-18, NSPX-20 (nothing here asks for a name).
 */
#include "ws2_cares_priv.h"
#include "ws2_hosts_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct asking {
    HANDLE events[2]; /* the sockets'; the one that cancels, or NULL */
    struct ws2_host_result *result;
    bool reached; /* a server is there to be asked */
    bool refused; /* the last one that answered would not, or could not (RFC 1035 4.1.1: NOTIMP, REFUSED) */
};

/* ---- the wire ---- */

static int errno_of(int code)
{
    switch (code) {
    case WSAEWOULDBLOCK:
        return EWOULDBLOCK;
    case WSAECONNRESET: /* a datagram that nobody took */
    case WSAECONNREFUSED:
        return ECONNREFUSED;
    case WSAENETUNREACH:
        return ENETUNREACH;
    case WSAEHOSTUNREACH:
        return EHOSTUNREACH;
    case WSAEAFNOSUPPORT:
        return EAFNOSUPPORT;
    case WSAEMSGSIZE:
        return EMSGSIZE;
    default:
        return EIO;
    }
}

static int failed(void)
{
    errno = errno_of(WSAGetLastError());
    return -1;
}

/** A socket that does not block and tells of itself by the question's event. */
int ws2_wire_open(void *user, bool six, bool stream)
{
    const struct asking *asking = (const struct asking *)user;
    BOOL on = TRUE;
    SOCKET s = WSASocketW(six ? AF_INET6 : AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (s == INVALID_SOCKET) {
        return failed();
    }
    /* A port that nobody can guess; a provider that does not know the option chooses as it does. */
    (void)setsockopt(s, SOL_SOCKET, SO_RANDOMIZE_PORT, (const char *)&on, sizeof on);
    if (WSAEventSelect(s, asking->events[0], FD_READ | FD_WRITE | FD_CONNECT | FD_CLOSE) != 0) {
        (void)failed();
        closesocket(s);
        return -1;
    }
    return (int)s;
}

int ws2_wire_close(int s)
{
    return closesocket((SOCKET)s);
}

int ws2_wire_connect(void *user, int s, const struct ws2_cares_address *to)
{
    struct asking *asking = (struct asking *)user;
    SOCKADDR_IN6 six = {.sin6_family = AF_INET6, .sin6_port = to->port_be};
    SOCKADDR_IN four = {.sin_family = AF_INET, .sin_port = to->port_be};
    const struct sockaddr *name = to->six ? (const struct sockaddr *)&six : (const struct sockaddr *)&four;
    memcpy(&six.sin6_addr, to->addr, 16);
    memcpy(&four.sin_addr, to->addr, 4);
    if (connect((SOCKET)s, name, to->six ? (int)sizeof six : (int)sizeof four) == 0) {
        asking->reached = true;
        return 0;
    }
    if (WSAGetLastError() == WSAEWOULDBLOCK) {
        asking->reached = true;
        errno = EINPROGRESS;
        return -1;
    }
    return failed();
}

long ws2_wire_receive(void *user, int s, void *buffer, size_t bytes, struct ws2_cares_address *from)
{
    struct asking *asking = (struct asking *)user;
    SOCKADDR_STORAGE source;
    int source_bytes = sizeof source;
    int room = bytes > INT32_MAX ? INT32_MAX : (int)bytes;
    int got;
    memset(&source, 0, sizeof source);
    if (from == NULL) {
        got = recv((SOCKET)s, (char *)buffer, room, 0);
        return got < 0 ? failed() : got;
    }
    got = recvfrom((SOCKET)s, (char *)buffer, room, 0, (struct sockaddr *)&source, &source_bytes);
    if (got < 0) {
        return failed();
    }
    if (got >= 4) {
        unsigned rcode = ((const uint8_t *)buffer)[3] & 0xfu;
        asking->refused = rcode == 4 || rcode == 5;
    }
    memset(from, 0, sizeof *from);
    from->six = source.ss_family == AF_INET6;
    if (from->six) {
        const SOCKADDR_IN6 *sin6 = (const SOCKADDR_IN6 *)&source;
        from->port_be = sin6->sin6_port;
        memcpy(from->addr, &sin6->sin6_addr, 16);
    } else {
        const SOCKADDR_IN *sin = (const SOCKADDR_IN *)&source;
        from->port_be = sin->sin_port;
        memcpy(from->addr, &sin->sin_addr, 4);
    }
    return got;
}

/* A stream that does not say yet whether it is connected is to be tried again, else another server. */
static int not_connected(SOCKET s)
{
    int code = 0;
    int bytes = sizeof code;
    errno = getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&code, &bytes) == 0 && code == 0 ? EWOULDBLOCK : ECONNREFUSED;
    return -1;
}

long ws2_wire_send(int s, const void *buffer, size_t bytes)
{
    int sent = send((SOCKET)s, (const char *)buffer, bytes > INT32_MAX ? INT32_MAX : (int)bytes, 0);
    if (sent >= 0) {
        return sent;
    }
    return WSAGetLastError() == WSAENOTCONN ? not_connected((SOCKET)s) : failed();
}

/* ---- the answer ---- */

static void ttl_lower(struct ws2_host_result *result, uint32_t ttl_seconds)
{
    result->ttl_seconds = ttl_seconds < result->ttl_seconds ? ttl_seconds : result->ttl_seconds;
}

void ws2_wire_address(void *user, bool six, const void *addr, uint32_t ttl_seconds)
{
    const struct asking *asking = (const struct asking *)user;
    (void)ws2_host_add(asking->result, six ? AF_INET6 : AF_INET, addr, 0);
    ttl_lower(asking->result, ttl_seconds);
}

void ws2_wire_alias(void *user, const char *name, uint32_t ttl_seconds)
{
    const struct asking *asking = (const struct asking *)user;
    ws2_host_add_alias(asking->result, name);
    ttl_lower(asking->result, ttl_seconds);
}

void ws2_wire_canonical(void *user, const char *name)
{
    const struct asking *asking = (const struct asking *)user;
    snprintf(asking->result->canonical, sizeof asking->result->canonical, "%s", name);
}

/* ---- a question ---- */

static int code_of(enum ws2_cares_status status)
{
    switch (status) {
    case WS2_CARES_OK:
        return 0;
    case WS2_CARES_NO_DATA:
        return WSANO_DATA;
    case WS2_CARES_NOT_FOUND:
        return WSAHOST_NOT_FOUND;
    case WS2_CARES_REFUSED:
        return WSANO_RECOVERY;
    case WS2_CARES_CANCELLED:
        return WSA_E_CANCELLED;
    case WS2_CARES_NO_MEMORY:
        return WSA_NOT_ENOUGH_MEMORY;
    case WS2_CARES_PENDING:
    case WS2_CARES_TRY_AGAIN:
        break;
    }
    return WSATRY_AGAIN;
}

static bool library_ready(void)
{
    static atomic_bool ready;
    if (!atomic_load_explicit(&ready, memory_order_acquire)) {
        ws2_os_lock(ws2_os_names_mutex());
        if (!atomic_load_explicit(&ready, memory_order_relaxed) && ws2_cares_library()) {
            atomic_store_explicit(&ready, true, memory_order_release);
        }
        ws2_os_unlock(ws2_os_names_mutex());
    }
    return atomic_load_explicit(&ready, memory_order_acquire);
}

/* Until it is answered, or somebody cancels, or Winsock ends. */
static int wait_answer(struct asking *asking, struct ws2_cares *cares)
{
    DWORD events = asking->events[1] == NULL ? 1 : 2;
    enum ws2_cares_status status = ws2_cares_status(cares);
    while (status == WS2_CARES_PENDING) {
        DWORD got = WSAWaitForMultipleEvents(events, asking->events, FALSE, ws2_cares_wait_ms(cares), FALSE);
        if ((asking->events[1] != NULL && WaitForSingleObject(asking->events[1], 0) == WAIT_OBJECT_0) ||
            got == WSA_WAIT_FAILED || !ws2_started()) {
            ws2_cares_cancel(cares);
            return WSA_E_CANCELLED;
        }
        WSAResetEvent(asking->events[0]);
        status = ws2_cares_process(cares);
    }
    return code_of(status);
}

static int ask(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    struct asking asking = {{NULL, question->cancel}, result, false, false};
    struct ws2_resolv *resolv = (struct ws2_resolv *)malloc(sizeof *resolv);
    struct ws2_cares *cares = NULL;
    int code = resolv == NULL ? WSA_NOT_ENOUGH_MEMORY : ws2_resolv_read(resolv) ? 0 : WSAHOST_NOT_FOUND;
    result->ttl_seconds = UINT32_MAX;
    asking.events[0] = code == 0 ? WSACreateEvent() : NULL;
    if (asking.events[0] != NULL && library_ready()) {
        cares = ws2_cares_open(resolv, &asking);
    }
    free(resolv);
    if (cares != NULL) {
        if (question->name != NULL) {
            ws2_cares_ask_name(cares, question->name, question->family != AF_INET6, question->family != AF_INET);
        } else {
            ws2_cares_ask_address(cares, question->family == AF_INET6, question->addr);
        }
        code = wait_answer(&asking, cares);
        /* Without a way to any server there is no DNS here, which trying again would not change. */
        code = code == WSATRY_AGAIN && !asking.reached ? WSAHOST_NOT_FOUND : code;
        /* c-ares goes on to the next server, and in the end does not say what the last one said. */
        code = code == WSATRY_AGAIN && asking.refused ? WSANO_RECOVERY : code;
        ws2_cares_close(cares);
    } else if (code == 0) {
        code = WSATRY_AGAIN;
    }
    if (asking.events[0] != NULL) {
        WSACloseEvent(asking.events[0]);
    }
    return code;
}

int ws2_resolver_by_name(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    int code;
    snprintf(result->canonical, sizeof result->canonical, "%s", question->name);
    code = ask(question, result);
    return code == 0 && result->count == 0 ? WSANO_DATA : code;
}

int ws2_resolver_by_address(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    struct ws2_host_question reverse = *question;
    reverse.name = NULL;
    return ask(&reverse, result);
}
