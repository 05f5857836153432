/** @file The in-memory stack: data and readiness. */
#include "fake_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t fake_iov_size(const struct stk_iov *iov, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += iov[i].len;
    return size;
}

static size_t fake_room(const struct stk_sock *sock)
{
    size_t limit = sock->opts[STK_OPT_RCVBUF] > 0 ? (size_t)sock->opts[STK_OPT_RCVBUF] : 1;

    if (limit > FAKE_RX_SIZE)
        limit = FAKE_RX_SIZE;
    return sock->rx_len < limit ? limit - sock->rx_len : 0;
}

/* As the stack does: of what is not empty, a quarter or two KiB. */
static bool fake_tells_room(const struct stk_sock *sock)
{
    size_t room = fake_room(sock), quarter = (room + sock->rx_len) / 4;

    return room > 0 && (sock->rx_len == 0 || room >= (quarter < 2048 ? quarter : 2048));
}

uint32_t fake_ready(const struct stk_sock *sock)
{
    uint32_t ready = sock->cancelled ? (uint32_t)STK_READY_CANCEL : 0;

    if (sock->listening)
        return ready | (sock->accept_head ? (uint32_t)(STK_READY_ACCEPT | STK_READY_IN) : 0);
    if (sock->type != STK_SOCK_STREAM) {
        if (sock->dgram_head || sock->end_error)
            ready |= STK_READY_IN;
        if (sock->end_error)
            ready |= STK_READY_ERROR;
        return ready | (fake.hold_send ? 0 : (uint32_t)STK_READY_OUT) | STK_READY_DRAINED;
    }
    if (sock->rx_len > 0 || sock->fin_rcvd || sock->ended || sock->shut_rd)
        ready |= STK_READY_IN;
    if (sock->connected && !fake.hold_send && sock->other && fake_tells_room(sock->other))
        ready |= STK_READY_OUT;
    if (sock->urgent_there && !sock->opts[STK_OPT_OOBINLINE])
        ready |= STK_READY_OOB;
    if (sock->connected || sock->ended)
        ready |= STK_READY_CONN;
    if (sock->connect_failed)
        ready |= STK_READY_FAIL;
    if (sock->fin_rcvd)
        ready |= STK_READY_EOF;
    if (sock->ended)
        ready |= STK_READY_RESET;
    if (sock->isb_seen != 0 && (sock->isb != sock->isb_seen || sock->fin_sent || sock->ended))
        ready |= STK_READY_ISB;
    if (!fake.hold_drain)
        ready |= STK_READY_DRAINED;
    return ready;
}

void fake_changed(struct stk_sock *sock)
{
    fake_rio_pump(sock);
    if ((sock->armed & fake_ready(sock)) && !sock->event_queued) {
        sock->event_queued = true;
        sock->event_next = NULL;
        *fake.event_tail = sock;
        fake.event_tail = &sock->event_next;
    }
    t_cond_wake(&fake.changed);
}

static void fake_all_changed(void)
{
    for (struct stk_sock *s = fake.socks; s; s = s->next)
        fake_changed(s);
}

void fake_reader_between(bool on)
{
    fake_lock();
    fake.reader_between = on;
    fake_unlock();
}

void fake_drain_hold(bool hold)
{
    fake_lock();
    fake.hold_drain = hold;
    fake_all_changed();
    fake_unlock();
}

void fake_send_hold(bool hold)
{
    fake_lock();
    fake.hold_send = hold;
    fake_all_changed();
    fake_unlock();
}

void fake_reset_streams(int err)
{
    fake_lock();
    for (struct stk_sock *s = fake.socks; s; s = s->next)
        if (s->type == STK_SOCK_STREAM && s->connected) {
            if (s->other)
                s->other->other = NULL;
            fake_end(s, err);
        }
    fake_unlock();
}

void fake_dgram_error(uint16_t port, int err)
{
    fake_lock();
    for (struct stk_sock *s = fake.socks; s; s = s->next)
        if (s->type == STK_SOCK_DGRAM && s->bound && s->local.port == port) {
            s->end_error = err;
            fake_changed(s);
        }
    fake_unlock();
}

/* --- Data --------------------------------------------------------------- */

int64_t fake_send(struct stk_sock *sock, const struct stk_iov *iov, size_t count)
{
    size_t room, done = 0;
    int err = fake_forced(FAKE_SEND);

    if (err != 0)
        return err;
    if (sock->ended)
        return sock->end_error;
    if (!sock->connected)
        return STK_ENOTCONN;
    if (sock->fin_sent)
        return STK_ESHUTDOWN;
    if (fake_iov_size(iov, count) == 0)
        return 0;
    if (!sock->other) { /* the peer is gone: what arrives there is answered by a reset */
        fake_end(sock, STK_ECONNRESET);
        return STK_ECONNRESET;
    }
    room = fake.hold_send ? 0 : fake_room(sock->other);
    if (room == 0)
        return STK_EAGAIN;
    for (size_t i = 0; i < count && room > 0; i++)
        for (size_t at = 0; at < iov[i].len && room > 0;) {
            struct stk_sock *to = sock->other;
            size_t pos = (to->rx_head + to->rx_len) % FAKE_RX_SIZE;
            size_t part = iov[i].len - at;

            if (part > room)
                part = room;
            if (part > FAKE_RX_SIZE - pos)
                part = FAKE_RX_SIZE - pos;
            if (!to->shut_rd) {
                memcpy(to->rx + pos, (const char *)iov[i].base + at, part);
                to->rx_len += part;
            }
            at += part;
            room -= part;
            done += part;
        }
    fake_changed(sock->other);
    return (int64_t)done;
}

int64_t stk_sock_send(struct stk_sock *sock, const struct stk_iov *iov, size_t count)
{
    int64_t got;

    fake_lock();
    got = fake_send(sock, iov, count);
    fake_unlock();
    return got;
}

/* All of it arrived, or none of it is urgent; one urgent byte waits beside the stream or is read with the rest. */
int64_t stk_sock_send_oob(struct stk_sock *sock, const struct stk_iov *iov, size_t count)
{
    size_t size = fake_iov_size(iov, count);
    struct stk_sock *to;
    int64_t got;

    fake_lock();
    got = sock->type == STK_SOCK_STREAM ? fake_send(sock, iov, count) : (int64_t)STK_EOPNOTSUPP;
    to = sock->other;
    if (got > 0 && (size_t)got == size && to && !to->opts[STK_OPT_OOBINLINE] && to->rx_len > 0) {
        to->rx_len--;
        to->urgent = to->rx[(to->rx_head + to->rx_len) % FAKE_RX_SIZE];
        to->urgent_there = true;
        fake_changed(to);
    }
    fake_unlock();
    return got;
}

static int64_t fake_recv_urgent(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags)
{
    if (sock->shut_rd)
        return STK_ESHUTDOWN;
    if (!sock->connected && !sock->ended)
        return STK_ENOTCONN;
    if (sock->opts[STK_OPT_OOBINLINE] || !sock->urgent_there)
        return STK_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (iov[i].len > 0) {
            *(uint8_t *)iov[i].base = sock->urgent;
            sock->urgent_there = (flags & STK_RECV_PEEK) != 0;
            return 1;
        }
    return 0;
}

enum stk_mark stk_sock_mark(const struct stk_sock *sock)
{
    (void)sock;
    return STK_MARK_NONE;
}

static size_t fake_take(struct stk_sock *sock, const struct stk_iov *iov, size_t count, bool peek)
{
    size_t head = sock->rx_head, left = sock->rx_len, done = 0;

    for (size_t i = 0; i < count && left > 0; i++)
        for (size_t at = 0; at < iov[i].len && left > 0;) {
            size_t part = iov[i].len - at;

            if (part > left)
                part = left;
            if (part > FAKE_RX_SIZE - head)
                part = FAKE_RX_SIZE - head;
            memcpy((char *)iov[i].base + at, sock->rx + head, part);
            head = (head + part) % FAKE_RX_SIZE;
            at += part;
            left -= part;
            done += part;
        }
    if (!peek) {
        sock->rx_head = head;
        sock->rx_len = left;
        if (sock->other && done > 0)
            fake_changed(sock->other);
    }
    return done;
}

int64_t fake_recv(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags)
{
    int err = fake_forced(FAKE_RECV);

    if (err != 0)
        return err;
    if (flags & STK_RECV_OOB)
        return fake_recv_urgent(sock, iov, count, flags);
    if (sock->shut_rd)
        return STK_ESHUTDOWN;
    if (sock->rx_len > 0)
        return (int64_t)fake_take(sock, iov, count, flags & STK_RECV_PEEK);
    if (sock->ended)
        return sock->end_error;
    if (!sock->connected)
        return STK_ENOTCONN;
    return sock->fin_rcvd ? 0 : STK_EAGAIN;
}

int64_t stk_sock_recv(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags)
{
    int64_t got;

    fake_lock();
    got = fake_recv(sock, iov, count, flags);
    fake_unlock();
    return got;
}

static int fake_dgram_put(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to)
{
    size_t size = fake_iov_size(iov, count), at = 0;
    struct stk_sock *distant = fake_find(STK_SOCK_DGRAM, to, false);
    struct fake_dgram *dgram;

    if (!distant) {
        if (sock->opts[STK_OPT_UDP_CONNRESET]) {
            sock->end_error = STK_ECONNRESET;
            fake_changed(sock);
        }
        return STK_OK;
    }
    if (distant->connected && (distant->peer.port != sock->local.port ||
                               memcmp(distant->peer.ip, sock->local.ip, sizeof distant->peer.ip) != 0))
        return STK_OK;
    dgram = malloc(sizeof *dgram + size);
    if (!dgram)
        return STK_ENOMEM;
    dgram->next = NULL;
    dgram->from = sock->local;
    dgram->to = *to;
    dgram->len = size;
    for (size_t i = 0; i < count; i++) {
        if (iov[i].len > 0)
            memcpy(dgram->data + at, iov[i].base, iov[i].len);
        at += iov[i].len;
    }
    *distant->dgram_tail = dgram;
    distant->dgram_tail = &dgram->next;
    distant->dgram_bytes += size;
    fake_changed(distant);
    return STK_OK;
}

int64_t fake_sendto(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to)
{
    size_t size = fake_iov_size(iov, count);
    int err = fake_forced(FAKE_SENDTO);

    if (err != 0)
        return err;
    if (!to && !sock->connected)
        return STK_ENOTCONN;
    if (!to)
        to = &sock->peer;
    if (sock->fin_sent)
        return STK_ESHUTDOWN;
    if (to->family != sock->family)
        return STK_EAFNOSUPPORT;
    if (size > (sock->family == STK_AF_INET ? 65507u : 65487u))
        return STK_EMSGSIZE;
    if (to->family == STK_AF_INET && memcmp(to->ip, "\377\377\377\377", 4) == 0 && !sock->opts[STK_OPT_BROADCAST])
        return STK_EACCES;
    if (to->port == 0 && sock->type == STK_SOCK_DGRAM)
        return STK_EADDRNOTAVAIL;
    if (!fake_routed(to))
        return STK_ENETUNREACH;
    if (fake.hold_send)
        return STK_EAGAIN;
    fake_autobind(sock, to);
    err = fake_dgram_put(sock, iov, count, to);
    return err != 0 ? err : (int64_t)size;
}

int64_t stk_sock_sendto(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to)
{
    int64_t got;

    fake_lock();
    got = fake_sendto(sock, iov, count, to);
    fake_unlock();
    return got;
}

int64_t stk_sock_sendmsg(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to,
                         const struct stk_send_info *info)
{
    (void)info; /* the double has one address and no packets */
    return stk_sock_sendto(sock, iov, count, to);
}

int64_t fake_recvfrom(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags,
                      struct stk_msg_info *info)
{
    struct fake_dgram *dgram = sock->dgram_head;
    size_t at = 0;
    int err = fake_forced(FAKE_RECVFROM);

    if (err == 0 && sock->end_error) {
        err = sock->end_error;
        sock->end_error = 0;
    }
    if (err != 0)
        return err;
    if (sock->shut_rd)
        return STK_ESHUTDOWN;
    if (!dgram)
        return STK_EAGAIN;
    for (size_t i = 0; i < count && at < dgram->len; i++) {
        size_t part = iov[i].len < dgram->len - at ? iov[i].len : dgram->len - at;

        if (part > 0)
            memcpy(iov[i].base, dgram->data + at, part);
        at += part;
    }
    if (info) {
        memset(info, 0, sizeof *info);
        info->from = dgram->from;
        info->to = dgram->to;
        info->if_index = 1;
        info->ttl = 128;
        info->truncated = at < dgram->len;
        info->full_size = (uint32_t)dgram->len;
    }
    if (!(flags & STK_RECV_PEEK)) {
        sock->dgram_bytes -= dgram->len;
        sock->dgram_head = dgram->next;
        if (!dgram->next)
            sock->dgram_tail = &sock->dgram_head;
        free(dgram);
    }
    return (int64_t)at;
}

int64_t stk_sock_recvfrom(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags,
                          struct stk_msg_info *info)
{
    int64_t got;

    fake_lock();
    got = fake_recvfrom(sock, iov, count, flags, info);
    fake_unlock();
    return got;
}

/* --- Readiness ---------------------------------------------------------- */

void stk_sock_status(const struct stk_sock *sock, struct stk_sock_status *out)
{
    fake_lock();
    memset(out, 0, sizeof *out);
    out->ready = fake_ready(sock);
    out->rx_bytes = sock->type != STK_SOCK_STREAM ? sock->dgram_bytes : fake.reader_between ? 0 : sock->rx_len;
    out->rx_next = sock->dgram_head ? (uint32_t)sock->dgram_head->len : 0;
    out->tx_room = sock->other ? fake_room(sock->other) : FAKE_RX_SIZE;
    out->tx_unacked = fake.hold_drain ? 1 : 0;
    out->error = sock->end_error;
    fake_unlock();
}

uint32_t stk_sock_ready(const struct stk_sock *sock)
{
    uint32_t ready;

    fake_lock();
    ready = fake_ready(sock);
    fake_unlock();
    return ready;
}

int stk_sock_error_take(struct stk_sock *sock)
{
    int err;

    fake_lock();
    err = sock->end_error;
    sock->end_error = sock->ended ? err : 0;
    fake_unlock();
    return err;
}

/* When a wait that begins now ends; UINT64_MAX: never. */
static uint64_t fake_until(int64_t timeout_ns)
{
    return timeout_ns < 0 ? UINT64_MAX : t_now_ms() + (uint64_t)(timeout_ns + 999999) / 1000000;
}

/* Sleep until something changes; false: the time is over. */
static bool fake_sleep(uint64_t until_ms, int64_t timeout_ns)
{
    return timeout_ns != 0 && t_cond_wait(&fake.changed, &fake.lock, until_ms);
}

static int fake_look(struct stk_wait_item *items, size_t count)
{
    int found = 0;

    for (size_t i = 0; i < count; i++) {
        items[i].ready = fake_ready(items[i].sock) & (items[i].wanted | STK_READY_CANCEL);
        found += items[i].ready != 0;
    }
    return found;
}

int stk_wait(struct stk_client *client, struct stk_wait_item *items, size_t count, int64_t timeout_ns,
             const _Atomic uint32_t *wake)
{
    const struct stk_wakes wakes = {.ending = wake};

    return stk_wait_words(client, items, count, timeout_ns, &wakes);
}

int stk_wait_words(struct stk_client *client, struct stk_wait_item *items, size_t count, int64_t timeout_ns,
                   const struct stk_wakes *wakes)
{
    uint64_t until = fake_until(timeout_ns);
    int found;

    (void)client;
    fake_lock();
    found = fake_forced(FAKE_WAIT);
    while (found == 0) {
        found = fake_look(items, count);
        if (found == 0 && ((wakes->ending && *wakes->ending != 0) || (wakes->alert && *wakes->alert != 0)))
            found = STK_EINTR;
        if (found == 0 && !fake_sleep(until, timeout_ns)) {
            found = fake_look(items, count);
            break;
        }
    }
    fake_unlock();
    return found;
}

void stk_client_wake(struct stk_client *client)
{
    (void)client;
    fake_lock();
    t_cond_wake(&fake.changed);
    fake_unlock();
}

void stk_sock_cancel(struct stk_sock *sock)
{
    fake_lock();
    sock->cancelled = true;
    fake_changed(sock);
    fake_unlock();
}

uint32_t stk_sock_arm(struct stk_sock *sock, uint32_t mask)
{
    uint32_t set;

    fake_lock();
    sock->armed |= mask;
    set = fake_ready(sock) & mask;
    fake_changed(sock);
    fake_unlock();
    return set;
}

void stk_sock_disarm(struct stk_sock *sock, uint32_t mask)
{
    fake_lock();
    sock->armed &= ~mask;
    fake_unlock();
}

static int fake_events_take(struct stk_event *events, size_t count)
{
    int taken = 0;

    while ((size_t)taken < count && fake.event_head) {
        struct stk_sock *sock = fake.event_head;

        fake.event_head = sock->event_next;
        if (!fake.event_head)
            fake.event_tail = &fake.event_head;
        sock->event_queued = false;
        events[taken].cookie = sock->cookie;
        events[taken].ready = fake_ready(sock);
        events[taken].fired = events[taken].ready & sock->armed;
        sock->armed &= ~events[taken].fired;
        if (events[taken].fired)
            taken++;
    }
    return taken + (int)fake_rio_events(events + taken, count - (size_t)taken);
}

/* There is nobody to help: the dispatcher takes all. */
int stk_events_poll(struct stk_client *client, struct stk_event *events, size_t count, bool attend)
{
    (void)client;
    (void)events;
    (void)count;
    (void)attend;
    return 0;
}

void stk_events_leave(struct stk_client *client)
{
    (void)client;
}

int64_t stk_client_spin_ns(const struct stk_client *client)
{
    (void)client;
    return 0;
}

int stk_events_wait(struct stk_client *client, struct stk_event *events, size_t count, int64_t timeout_ns,
                    const _Atomic uint32_t *wake)
{
    uint64_t until = fake_until(timeout_ns);
    int taken;

    (void)client;
    fake_lock();
    for (;;) {
        taken = fake_events_take(events, count);
        if (taken == 0 && wake && *wake != 0)
            taken = STK_EINTR;
        if (taken == 0 && fake.net_seen != fake.net_changes) {
            fake.net_seen = fake.net_changes;
            break;
        }
        if (taken != 0 || !fake_sleep(until, timeout_ns))
            break;
    }
    fake_unlock();
    return taken;
}
