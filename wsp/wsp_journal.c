/* Each call is the provider's own one, and what came of it is written down behind it. Connections and datagram sockets are
 * numbered in the order in which they are accepted, asked for, or used first. */
#include "wsp_journal.h"

#include "stack/log.h"
#include "wsp_os.h"
#include "wsp_provider.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A socket that has a number. */
struct known {
    SOCKET s;
    unsigned number;
    bool dgram;
    bool connecting;
    bool up; /**< accepted, or connected */
    bool in_over;
    bool out_over;
};

/** One per process, as the provider is. */
static struct {
    struct wsp_mutex lock;
    FILE *file;
    struct known *known;
    size_t count;
    size_t room;
    unsigned numbers;
} journal;

/* The record's end takes the network down: that is the replay's doing, not the peer's. */
static bool is_event(int code)
{
    return code != 0 && code != WSAEWOULDBLOCK && code != WSA_IO_PENDING && code != WSAENETDOWN &&
           code != WSAEINPROGRESS && code != WSAEALREADY;
}

static void line_put(const char *word, unsigned number, long long value)
{
    if (value < 0)
        (void)fprintf(journal.file, "%s %u\n", word, number);
    else
        (void)fprintf(journal.file, "%s %u %u\n", word, number, (unsigned)value);
    (void)fflush(journal.file); /* a program may end in any way */
}

static struct known *known_find(SOCKET s)
{
    for (size_t i = journal.count; i-- > 0;) {
        if (journal.known[i].s == s)
            return &journal.known[i];
    }
    return NULL;
}

static struct known *known_add(SOCKET s)
{
    struct known *moved;
    int type = SOCK_STREAM, bytes = (int)sizeof(type), code = 0;

    if (journal.count == journal.room) {
        moved = realloc(journal.known, (journal.room + 64) * sizeof(*moved));
        if (moved == NULL)
            return NULL;
        journal.known = moved;
        journal.room += 64;
    }
    (void)wsp_proc_table.lpWSPGetSockOpt(s, SOL_SOCKET, SO_TYPE, (char *)&type, &bytes, &code);
    journal.known[journal.count] = (struct known){.s = s, .number = ++journal.numbers, .dgram = type != SOCK_STREAM};
    return &journal.known[journal.count++];
}

static struct known *known_or_add(SOCKET s)
{
    struct known *known = known_find(s);

    return known != NULL ? known : known_add(s);
}

static void connected(struct known *known)
{
    if (known->connecting)
        line_put("connect", known->number, -1);
    known->up = known->up || known->connecting;
    known->connecting = false;
}

static void error_note(SOCKET s, int code)
{
    const struct known *known;

    wsp_mutex_lock(&journal.lock);
    known = known_find(s);
    if (known != NULL && is_event(code))
        line_put("error", known->number, code);
    wsp_mutex_unlock(&journal.lock);
}

static void received_note(SOCKET s, DWORD bytes)
{
    struct known *known;

    wsp_mutex_lock(&journal.lock);
    known = known_or_add(s);
    if (known != NULL) {
        connected(known);
        if (bytes > 0 || known->dgram)
            line_put("data", known->number, (long long)bytes);
        else if (!known->in_over)
            line_put("eof", known->number, -1);
        known->in_over = bytes == 0 && !known->dgram;
    }
    wsp_mutex_unlock(&journal.lock);
}

static void sent_note(SOCKET s)
{
    struct known *known;

    wsp_mutex_lock(&journal.lock);
    known = known_or_add(s);
    if (known != NULL)
        connected(known);
    wsp_mutex_unlock(&journal.lock);
}

static int code_of(const INT *error)
{
    return error != NULL ? *error : 0;
}

/* --- The calls ------------------------------------------------------------------------------ */

static SOCKET WSPAPI journal_accept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition,
                                    DWORD_PTR data, LPINT error)
{
    const SOCKET got = wsp_proc_table.lpWSPAccept(s, addr, addrlen, condition, data, error);

    if (got != INVALID_SOCKET) {
        wsp_mutex_lock(&journal.lock);
        struct known *known = known_add(got);
        if (known != NULL) {
            known->up = true;
            line_put("accept", known->number, -1);
        }
        wsp_mutex_unlock(&journal.lock);
    }
    return got;
}

static int WSPAPI journal_connect(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller_data,
                                  LPWSABUF callee_data, LPQOS sqos, LPQOS gqos, LPINT error)
{
    struct known *known;
    int result;

    wsp_mutex_lock(&journal.lock);
    known = known_or_add(s);
    if (known != NULL)
        known->connecting = !known->dgram && !known->up;
    wsp_mutex_unlock(&journal.lock);
    result = wsp_proc_table.lpWSPConnect(s, name, namelen, caller_data, callee_data, sqos, gqos, error);
    if (result == 0 || code_of(error) == WSAEISCONN)
        sent_note(s);
    else
        error_note(s, code_of(error));
    return result;
}

static int WSPAPI journal_recv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                               LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                               LPWSATHREADID thread, LPINT error)
{
    const bool peek = flags != NULL && (*flags & MSG_PEEK) != 0;
    const int result = wsp_proc_table.lpWSPRecv(s, buffers, count, received, flags, overlapped, routine, thread, error);

    if (result != 0)
        error_note(s, code_of(error));
    else if (!peek && received != NULL)
        received_note(s, *received);
    return result;
}

static int WSPAPI journal_recv_from(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                                    struct sockaddr *from, LPINT fromlen, LPWSAOVERLAPPED overlapped,
                                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error)
{
    const bool peek = flags != NULL && (*flags & MSG_PEEK) != 0;
    const int result = wsp_proc_table.lpWSPRecvFrom(s, buffers, count, received, flags, from, fromlen, overlapped,
                                                    routine, thread, error);

    if (result != 0)
        error_note(s, code_of(error));
    else if (!peek && received != NULL)
        received_note(s, *received);
    return result;
}

static int WSPAPI journal_send(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
                               LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                               LPWSATHREADID thread, LPINT error)
{
    const int result = wsp_proc_table.lpWSPSend(s, buffers, count, sent, flags, overlapped, routine, thread, error);

    if (result != 0)
        error_note(s, code_of(error));
    else
        sent_note(s);
    return result;
}

static int WSPAPI journal_send_to(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags,
                                  const struct sockaddr *to, int tolen, LPWSAOVERLAPPED overlapped,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error)
{
    const int result = wsp_proc_table.lpWSPSendTo(s, buffers, count, sent, flags, to, tolen, overlapped, routine,
                                                  thread, error);

    if (result != 0)
        error_note(s, code_of(error));
    else
        sent_note(s);
    return result;
}

static void shut_note(SOCKET s)
{
    struct known *known;

    wsp_mutex_lock(&journal.lock);
    known = known_find(s);
    if (known != NULL && !known->out_over)
        line_put("shutdown", known->number, -1);
    if (known != NULL)
        known->out_over = true;
    wsp_mutex_unlock(&journal.lock);
}

static int WSPAPI journal_shutdown(SOCKET s, int how, LPINT error)
{
    const int result = wsp_proc_table.lpWSPShutdown(s, how, error);

    if (result == 0 && how != SD_RECEIVE)
        shut_note(s);
    else if (result != 0)
        error_note(s, code_of(error));
    return result;
}

static int WSPAPI journal_send_disconnect(SOCKET s, LPWSABUF data, LPINT error)
{
    const int result = wsp_proc_table.lpWSPSendDisconnect(s, data, error);

    if (result == 0)
        shut_note(s);
    else
        error_note(s, code_of(error));
    return result;
}

static int WSPAPI journal_close_socket(SOCKET s, LPINT error)
{
    struct linger linger = {0};
    int bytes = (int)sizeof(linger), code = 0, result;
    struct known *known;

    (void)wsp_proc_table.lpWSPGetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, &bytes, &code);
    wsp_mutex_lock(&journal.lock); /* before the number of the socket is somebody else's */
    result = wsp_proc_table.lpWSPCloseSocket(s, error);
    known = result == 0 ? known_find(s) : NULL;
    if (known != NULL) {
        if (!known->dgram)
            line_put(linger.l_onoff != 0 && linger.l_linger == 0 ? "abort" : "close", known->number, -1);
        *known = journal.known[--journal.count];
    }
    wsp_mutex_unlock(&journal.lock);
    return result;
}

static int WSPAPI journal_get_sock_opt(SOCKET s, int level, int optname, char *optval, LPINT optlen, LPINT error)
{
    const int result = wsp_proc_table.lpWSPGetSockOpt(s, level, optname, optval, optlen, error);
    int code = 0;

    if (result == 0 && level == SOL_SOCKET && optname == SO_ERROR && *optlen >= (int)sizeof(code)) {
        memcpy(&code, optval, sizeof(code));
        error_note(s, code);
    }
    return result;
}

static int WSPAPI journal_enum_network_events(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS record, LPINT error)
{
    const int result = wsp_proc_table.lpWSPEnumNetworkEvents(s, event, record, error);

    if (result == 0 && (record->lNetworkEvents & FD_CONNECT) != 0 && record->iErrorCode[FD_CONNECT_BIT] == 0)
        sent_note(s);
    for (int bit = 0; result == 0 && bit < FD_MAX_EVENTS; bit++) {
        if ((record->lNetworkEvents & 1L << bit) != 0)
            error_note(s, record->iErrorCode[bit]);
    }
    return result;
}

void wsp_journal_lead(LPWSPPROC_TABLE table)
{
    const char *path = getenv(WSP_JOURNAL_VARIABLE);

    if (path == NULL || *path == '\0')
        return;
    if (journal.file == NULL)
        journal.file = wsp_os_file_append(path);
    if (journal.file == NULL) {
        stk_log(STK_LOG_ERROR, "provider: %s: %s: no events are written", path, strerror(errno));
        return;
    }
    table->lpWSPAccept = journal_accept;
    table->lpWSPCloseSocket = journal_close_socket;
    table->lpWSPConnect = journal_connect;
    table->lpWSPEnumNetworkEvents = journal_enum_network_events;
    table->lpWSPGetSockOpt = journal_get_sock_opt;
    table->lpWSPRecv = journal_recv;
    table->lpWSPRecvFrom = journal_recv_from;
    table->lpWSPSend = journal_send;
    table->lpWSPSendDisconnect = journal_send_disconnect;
    table->lpWSPSendTo = journal_send_to;
    table->lpWSPShutdown = journal_shutdown;
}
