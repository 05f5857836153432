/*
 * The fake provider's data path: bytes, datagrams, overlapped receives, readiness.
 */
#include "fake_provider_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct pending *done_head, *done_tail;
static pthread_t dispatcher;
static bool dispatcher_runs, dispatcher_stop;

void fake_notify(struct fake_socket *sock, LONG bit)
{
    int unused;
    if ((sock->event_mask & bit) != 0 && (sock->event_record & bit) == 0) {
        sock->event_record |= bit;
        fake_up.lpWPUSetEvent(sock->event, &unused);
    }
    pthread_cond_broadcast(&fake_changed);
}

/* ---- overlapped ---- */

static void CALLBACK run_routine(DWORD_PTR context)
{
    struct pending *request = (struct pending *)context;
    struct pending copy = *request;
    free(request);
    copy.routine(copy.error, copy.transferred, copy.overlapped, 0);
}

void fake_deliver(struct pending *request)
{
    LPWSAOVERLAPPED overlapped = request->overlapped;
    int error;
    overlapped->Offset = 0;
    overlapped->OffsetHigh = request->error;
    if (request->routine != NULL) {
        overlapped->InternalHigh = request->transferred;
        __atomic_store_n(&overlapped->Internal, (ULONG_PTR)request->error, __ATOMIC_RELEASE);
        if (fake_up.lpWPUQueueApc(&request->thread, run_routine, (DWORD_PTR)request, &error) == SOCKET_ERROR) {
            free(request);
        }
        return;
    }
    WPUCompleteOverlappedRequest(request->sock->handle, overlapped, request->error, request->transferred, &error);
    free(request);
}

static void *dispatch(void *unused)
{
    pthread_mutex_lock(&fake_lock);
    while (!dispatcher_stop || done_head != NULL) {
        struct pending *request = done_head;
        if (request == NULL) {
            pthread_cond_wait(&fake_changed, &fake_lock);
            continue;
        }
        done_head = request->next;
        if (done_head == NULL) {
            done_tail = NULL;
        }
        pthread_mutex_unlock(&fake_lock);
        fake_deliver(request);
        pthread_mutex_lock(&fake_lock);
    }
    pthread_mutex_unlock(&fake_lock);
    return unused;
}

bool fake_dispatcher_start(void)
{
    dispatcher_stop = false;
    dispatcher_runs = pthread_create(&dispatcher, NULL, dispatch, NULL) == 0;
    return dispatcher_runs;
}

void fake_dispatcher_end(void)
{
    pthread_mutex_lock(&fake_lock);
    dispatcher_stop = true;
    pthread_cond_broadcast(&fake_changed);
    pthread_mutex_unlock(&fake_lock);
    if (dispatcher_runs) {
        pthread_join(dispatcher, NULL);
    }
    dispatcher_runs = false;
}

static void finish_pending(struct pending *request, DWORD error, DWORD transferred)
{
    request->error = error;
    request->transferred = transferred;
    request->next = NULL;
    if (done_tail != NULL) {
        done_tail->next = request;
    } else {
        done_head = request;
    }
    done_tail = request;
    pthread_cond_broadcast(&fake_changed);
}

static unsigned pipe_take(struct fake_socket *sock, char *out, unsigned max, bool peek)
{
    unsigned n = sock->pipe_len < max ? sock->pipe_len : max;
    memcpy(out, sock->pipe, n);
    if (!peek) {
        memmove(sock->pipe, sock->pipe + n, sock->pipe_len - n);
        sock->pipe_len -= n;
    }
    pthread_cond_broadcast(&fake_changed);
    return n;
}

/* Gives what has arrived to the receives that wait. */
void fake_serve_reads(struct fake_socket *sock)
{
    while (sock->reads != NULL && (sock->pipe_len > 0 || sock->peer_gone)) {
        struct pending *request = sock->reads;
        sock->reads = request->next;
        finish_pending(request, 0, pipe_take(sock, request->buffer.buf, request->buffer.len, false));
    }
}

/* ---- data ---- */

static int send_stream(struct fake_socket *sock, const WSABUF *buffer, DWORD *sent, LPINT error)
{
    ULONG done = 0;
    pthread_mutex_lock(&fake_lock);
    while (done < buffer->len) {
        unsigned room;
        ULONG n;
        if (sock->peer == NULL || sock->send_shut) {
            pthread_mutex_unlock(&fake_lock);
            return fake_fail(error, sock->send_shut ? WSAESHUTDOWN : WSAECONNRESET);
        }
        room = PIPE_BYTES - sock->peer->pipe_len;
        n = buffer->len - done < room ? buffer->len - done : room;
        memcpy(sock->peer->pipe + sock->peer->pipe_len, buffer->buf + done, n);
        sock->peer->pipe_len += n;
        done += n;
        fake_serve_reads(sock->peer);
        if (n > 0) {
            fake_notify(sock->peer, FD_READ);
        } else if (sock->nonblocking) {
            break;
        } else {
            pthread_cond_wait(&fake_changed, &fake_lock);
        }
    }
    pthread_mutex_unlock(&fake_lock);
    *sent += done;
    return done == 0 && buffer->len > 0 ? fake_fail(error, WSAEWOULDBLOCK) : 0;
}

static int send_datagram(struct fake_socket *sock, const WSABUF *buffer, const SOCKADDR_IN *to, DWORD *sent,
                         LPINT error)
{
    struct fake_socket *there;
    if (buffer->len > DATAGRAM_BYTES) {
        return fake_fail(error, WSAEMSGSIZE);
    }
    pthread_mutex_lock(&fake_lock);
    fake_auto_bind(sock);
    there = fake_find_bound(to, SOCK_DGRAM);
    if (there != NULL && there->datagram_count < DATAGRAMS) {
        struct datagram *slot = &there->datagrams[there->datagram_count++];
        slot->from = sock->local;
        slot->len = buffer->len;
        memcpy(slot->bytes, buffer->buf, buffer->len);
        fake_notify(there, FD_READ);
    }
    pthread_mutex_unlock(&fake_lock);
    *sent = buffer->len;
    return 0;
}

int WSPAPI fake_sendto(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, const struct sockaddr *to,
                       int tolen, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                       LPWSATHREADID thread, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    SOCKADDR_IN where;
    DWORD total = 0;
    DWORD i;
    (void)flags;
    fake_count.last_thread = thread;
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (buffers == NULL || (sent == NULL && overlapped == NULL)) {
        return fake_fail(error, WSAEFAULT);
    }
    if (overlapped != NULL || routine != NULL) {
        return fake_fail(error, WSAEOPNOTSUPP);
    }
    if (!sock->connected && (sock->info.iSocketType == SOCK_STREAM || to == NULL)) {
        return fake_fail(error, WSAENOTCONN);
    }
    where = sock->remote;
    if (to != NULL && tolen >= (int)sizeof where) {
        memcpy(&where, to, sizeof where);
    }
    for (i = 0; i < count; i++) {
        int rc = sock->info.iSocketType == SOCK_STREAM ? send_stream(sock, &buffers[i], &total, error)
                                                       : send_datagram(sock, &buffers[i], &where, &total, error);
        if (rc == SOCKET_ERROR && total == 0) {
            return SOCKET_ERROR;
        }
    }
    *sent = total;
    return 0;
}

int WSPAPI fake_send(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, LPWSAOVERLAPPED overlapped,
                     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error)
{
    return fake_sendto(s, buffers, count, sent, flags, NULL, 0, overlapped, routine, thread, error);
}

static int pend_read(struct fake_socket *sock, const WSABUF *buffer, LPWSAOVERLAPPED overlapped,
                     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error)
{
    struct pending *request = (struct pending *)calloc(1, sizeof *request);
    struct pending **tail = &sock->reads;
    if (request == NULL) {
        return fake_fail(error, WSAENOBUFS);
    }
    request->buffer = *buffer;
    request->overlapped = overlapped;
    request->routine = routine;
    request->sock = sock;
    if (routine != NULL) {
        request->thread = *thread;
    }
    overlapped->Internal = WSS_OPERATION_IN_PROGRESS;
    pthread_mutex_lock(&fake_lock);
    while (*tail != NULL) {
        tail = &(*tail)->next;
    }
    *tail = request;
    fake_serve_reads(sock);
    pthread_mutex_unlock(&fake_lock);
    return fake_fail(error, WSA_IO_PENDING);
}

static int recv_datagram(struct fake_socket *sock, const WSABUF *buffer, DWORD *received, DWORD *flags,
                         struct sockaddr *from, LPINT fromlen)
{
    struct datagram *first = &sock->datagrams[0];
    unsigned n = first->len < buffer->len ? first->len : buffer->len;
    int unused;
    memcpy(buffer->buf, first->bytes, n);
    *received = n;
    if (n < first->len) {
        *flags |= MSG_PARTIAL;
    }
    if (from != NULL) {
        (void)fake_copy_name(&first->from, from, fromlen, &unused);
    }
    sock->datagram_count--;
    memmove(first, first + 1, sock->datagram_count * sizeof *first);
    return 0;
}

int WSPAPI fake_recvfrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                         struct sockaddr *from, LPINT fromlen, LPWSAOVERLAPPED overlapped,
                         LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    bool stream;
    int rc = 0;
    fake_count.last_thread = thread;
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    if (buffers == NULL || count == 0 || flags == NULL || (received == NULL && overlapped == NULL)) {
        return fake_fail(error, WSAEFAULT);
    }
    stream = sock->info.iSocketType == SOCK_STREAM;
    if (stream && !sock->connected) {
        return fake_fail(error, WSAENOTCONN);
    }
    if (overlapped != NULL) {
        return pend_read(sock, &buffers[0], overlapped, routine, thread, error);
    }
    pthread_mutex_lock(&fake_lock);
    while (sock->open && (stream ? sock->pipe_len == 0 && !sock->peer_gone : sock->datagram_count == 0) &&
           !sock->nonblocking && !sock->recv_shut) {
        pthread_cond_wait(&fake_changed, &fake_lock);
    }
    if (!sock->open || sock->recv_shut) {
        rc = fake_fail(error, sock->open ? WSAESHUTDOWN : WSAEINTR);
    } else if (!stream && sock->datagram_count > 0) {
        rc = recv_datagram(sock, &buffers[0], received, flags, from, fromlen);
    } else if (stream && (sock->pipe_len > 0 || sock->peer_gone)) {
        *received = pipe_take(sock, buffers[0].buf, buffers[0].len, (*flags & MSG_PEEK) != 0);
    } else {
        rc = fake_fail(error, WSAEWOULDBLOCK);
    }
    pthread_mutex_unlock(&fake_lock);
    return rc;
}

int WSPAPI fake_recv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                     LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
                     LPINT error)
{
    return fake_recvfrom(s, buffers, count, received, flags, NULL, NULL, overlapped, routine, thread, error);
}

BOOL WSPAPI fake_get_overlapped_result(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred, BOOL wait,
                                       LPDWORD flags, LPINT error)
{
    static const struct timespec nap = {0, 1000000};
    if (fake_lookup(s, error) == NULL) {
        return FALSE;
    }
    while (__atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE) == WSS_OPERATION_IN_PROGRESS) {
        if (!wait) {
            *error = WSA_IO_INCOMPLETE;
            return FALSE;
        }
        nanosleep(&nap, NULL);
    }
    *transferred = (DWORD)overlapped->InternalHigh;
    *flags = overlapped->Offset;
    *error = (int)overlapped->OffsetHigh;
    return *error == 0;
}

/* ---- readiness ---- */

static unsigned filter(fd_set *set, bool (*ready)(const struct fake_socket *), bool keep, LPINT error)
{
    unsigned kept = 0;
    unsigned i;
    for (i = 0; set != NULL && i < set->fd_count; i++) {
        SOCKET *member = set->fd_array;
        struct fake_socket *sock = fake_lookup(member[i], error);
        if (sock == NULL) {
            return UINT32_MAX;
        }
        if (ready(sock)) {
            if (keep) {
                member[kept] = member[i];
            }
            kept++;
        }
    }
    if (keep && set != NULL) {
        set->fd_count = kept;
    }
    return kept;
}

static bool can_read(const struct fake_socket *sock)
{
    return sock->pipe_len > 0 || sock->peer_gone || sock->backlog_count > 0 || sock->datagram_count > 0;
}

static bool can_write(const struct fake_socket *sock)
{
    return sock->info.iSocketType == SOCK_DGRAM || (sock->peer != NULL && sock->peer->pipe_len < PIPE_BYTES);
}

static bool never(const struct fake_socket *sock)
{
    (void)sock;
    return false;
}

int WSPAPI fake_select(int nfds, fd_set *r, fd_set *w, fd_set *e, const struct timeval *timeout, LPINT error)
{
    struct timespec until;
    int late = 0;
    unsigned count = 0;
    (void)nfds;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout == NULL ? 3600 : timeout->tv_sec;
    until.tv_nsec += timeout == NULL ? 0 : timeout->tv_usec * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&fake_lock);
    for (;;) {
        unsigned a = filter(r, can_read, false, error);
        unsigned b = filter(w, can_write, false, error);
        if (a == UINT32_MAX || b == UINT32_MAX || filter(e, never, false, error) == UINT32_MAX) {
            pthread_mutex_unlock(&fake_lock);
            return SOCKET_ERROR;
        }
        count = a + b;
        if (count > 0 || late != 0) {
            break;
        }
        late = pthread_cond_timedwait(&fake_changed, &fake_lock, &until);
    }
    filter(r, can_read, true, error);
    filter(w, can_write, true, error);
    filter(e, never, true, error);
    pthread_mutex_unlock(&fake_lock);
    return (int)count;
}

int WSPAPI fake_event_select(SOCKET s, WSAEVENT event, LONG events, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    pthread_mutex_lock(&fake_lock);
    sock->nonblocking = true;
    sock->event = event;
    sock->event_mask = events;
    sock->event_record = 0;
    if (can_read(sock)) {
        fake_notify(sock, FD_READ);
    }
    pthread_mutex_unlock(&fake_lock);
    return 0;
}

int WSPAPI fake_enum_network_events(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS record, LPINT error)
{
    struct fake_socket *sock = fake_lookup(s, error);
    if (sock == NULL) {
        return SOCKET_ERROR;
    }
    pthread_mutex_lock(&fake_lock);
    record->lNetworkEvents = sock->event_record;
    memset(record->iErrorCode, 0, sizeof record->iErrorCode);
    sock->event_record = 0;
    if (event != NULL) {
        fake_up.lpWPUResetEvent(event, error);
    }
    pthread_mutex_unlock(&fake_lock);
    return 0;
}
