#include "actor.h"

#include "actor_parts.h"
#include "actor_ready.h"
#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (64u * 1024)
#define ECHO_MAX (256u * 1024)
#define ABORT_WAITS_MAX 50u
#define ABORT_WAIT_NS (10 * STK_MS_NS)
/** A sender without room looks again after such times, each twice as long as the one before. */
#define RETRY_MIN_NS UINT64_C(10000)
#define RETRY_MAX_NS STK_MS_NS
#define EVENTS_MAX 256u
/** Cookies of listeners; those of connections are their places. */
#define COOKIE_LISTENER UINT64_MAX

/** A connection, or a datagram conversation. */
struct conn {
    struct stk_sock *sock; /**< NULL: gone, or not there yet. Datagrams: the listener's */
    uint32_t number;       /**< from 1 */
    const struct stk_scene_conv *conv;
    bool dgram;
    bool connecting;
    bool in_over;   /**< the peer's FIN was read, or the end */
    bool out_over;  /**< FIN was sent */
    uint64_t taken; /**< bytes, or datagrams */
    uint64_t given;
    uint64_t given_bytes; /**< datagrams: bytes of them */
    uint32_t step;
    uint64_t step_taken; /**< bytes of this step */
    uint64_t not_before_ns;
    uint32_t abort_waits;
    uint64_t retry_ns; /**< how long it waited for room last; 0: it had some */
    struct stk_addr peer;
    uint8_t *echo; /**< bytes to be sent back */
    uint32_t echo_len;
};

struct listener {
    struct stk_sock *sock;
    uint8_t proto;
    uint16_t port;
};

struct actor {
    struct stk_client *client;
    const struct stk_case *of;
    const struct stk_scene *scene;
    struct stk_actor_result *out;
    struct stk_script script;
    uint64_t begin_ns;
    struct conn **conns;
    uint32_t conns_count;
    uint32_t conns_room;
    uint32_t *turn; /**< those that are looked at in this turn */
    struct actor_ready ready;
    struct actor_index by_peer; /**< datagrams: connections by their peers */
    struct actor_parts parts;
    struct stk_event events[EVENTS_MAX];
    uint32_t next_call; /**< of the scene's conversations: those before it are not called any more */
    struct listener listeners[STK_SCENE_LISTENS_MAX];
    uint32_t listeners_count;
    uint32_t listened; /**< of the scene's */
    uint8_t buffer[BUFFER_BYTES];
};

static struct stk_actor_stream *stream_of(struct actor *self, const struct conn *conn)
{
    return &self->out->streams[conn->number - 1];
}

static bool array_grow(void **array, size_t bytes)
{
    void *moved = realloc(*array, bytes);
    if (moved == NULL) {
        return false;
    }
    *array = moved;
    return true;
}

/* Room for one more in all that is kept by connection. */
static bool conns_grow(struct actor *self)
{
    if (self->conns_count < self->conns_room) {
        return true;
    }
    const uint32_t room = self->conns_room == 0 ? 64 : self->conns_room * 2;
    if (!array_grow((void **)&self->conns, room * sizeof(struct conn *)) ||
        !array_grow((void **)&self->turn, room * sizeof(*self->turn)) || !actor_ready_room(&self->ready, room) ||
        !actor_index_room(&self->by_peer, room)) {
        return false;
    }
    self->conns_room = room;
    return true;
}

static struct conn *conn_add(struct actor *self, const struct stk_scene_conv *conv)
{
    if (self->conns_count == STK_ACTOR_CONNS_MAX) {
        (void)snprintf(self->out->fault, sizeof(self->out->fault), "more than %u connections",
                       (unsigned)STK_ACTOR_CONNS_MAX);
        return NULL;
    }
    struct stk_actor_stream *stream = stk_actor_stream(self->out, self->conns_count + 1);
    struct conn *conn = stream != NULL && conns_grow(self) ? calloc(1, sizeof(*conn)) : NULL;
    if (conn == NULL) {
        (void)snprintf(self->out->fault, sizeof(self->out->fault), "no memory for connections");
        return NULL;
    }
    actor_ready_now(&self->ready, self->conns_count);
    self->conns[self->conns_count++] = conn;
    *conn = (struct conn){.number = self->conns_count, .conv = conv};
    stream->in = stk_sha256_begin();
    stream->out = stk_sha256_begin();
    if (stream->in == NULL || stream->out == NULL) {
        (void)snprintf(self->out->fault, sizeof(self->out->fault), "no memory for digests");
        return NULL;
    }
    if (conv != NULL) {
        self->parts.used[conv - self->scene->convs] = 1;
    }
    return conn;
}

static void conn_close(struct actor *self, struct conn *conn, enum stk_close_mode mode)
{
    if (conn->sock != NULL && !conn->dgram) {
        (void)stk_sock_close(conn->sock, mode);
        stk_event_note(&self->out->events, mode == STK_CLOSE_ABORT ? "abort" : "close", conn->number, -1);
    }
    conn->sock = NULL;
    free(conn->echo);
    conn->echo = NULL;
}

static void conn_fail(struct actor *self, struct conn *conn, int err)
{
    stk_event_note(&self->out->events, "error", conn->number, stk_actor_wsae(err));
    conn_close(self, conn, STK_CLOSE_GRACEFUL);
}

/* --- Making connections -------------------------------------------------------- */

static void accept_all(struct actor *self, const struct listener *listener)
{
    struct stk_sock *sock = NULL;
    struct stk_addr peer;
    while (stk_sock_accept(listener->sock, 0, &sock, &peer) == STK_OK) {
        struct conn *conn = conn_add(self, actor_parts_take(&self->parts, listener->proto, listener->port, &peer));
        if (conn == NULL) {
            (void)stk_sock_close(sock, STK_CLOSE_ABORT);
            return;
        }
        conn->sock = sock;
        stk_sock_cookie_set(sock, conn->number - 1);
        stk_event_note(&self->out->events, "accept", conn->number, -1);
    }
}

/* The recorded port still serves the same peer, in TIME_WAIT perhaps. */
static int connect_elsewhere(struct actor *self, struct conn *conn)
{
    (void)stk_sock_close(conn->sock, STK_CLOSE_ABORT);
    conn->sock = NULL;
    const int err = stk_sock_open(self->client, conn->peer.family, STK_SOCK_STREAM, 0, conn->number - 1, &conn->sock);
    return err == STK_OK ? stk_sock_connect(conn->sock, &conn->peer) : err;
}

/* When is the next call? Conversations are in the order of their beginnings. STK_NEVER: no more. */
static uint64_t call_due(struct actor *self)
{
    const struct stk_scene *scene = self->scene;
    while (self->next_call < scene->convs_count &&
           (self->parts.used[self->next_call] || !scene->convs[self->next_call].live_began)) {
        self->next_call++;
    }
    return self->next_call == scene->convs_count
               ? STK_NEVER
               : self->begin_ns + self->of->start_ms * STK_MS_NS + scene->convs[self->next_call].begin_ns;
}

static void connect_due(struct actor *self)
{
    while (call_due(self) <= stk_clock_ns()) {
        const struct stk_scene_conv *conv = &self->scene->convs[self->next_call];
        struct stk_addr local = conv->live;
        struct conn *conn = conn_add(self, conv);
        if (conn == NULL) {
            return;
        }
        conn->dgram = conv->proto == 17;
        conn->peer = conv->peer;
        int err = stk_sock_open(self->client, conv->peer.family, conn->dgram ? STK_SOCK_DGRAM : STK_SOCK_STREAM, 0,
                                conn->number - 1, &conn->sock);
        if (conn->dgram) {
            actor_index_add(&self->by_peer, actor_end_hash(&conn->peer, 0), conn->number - 1);
        }
        if (err == STK_OK) {
            const int32_t yes = 1;
            (void)stk_sock_opt_set(conn->sock, STK_OPT_BROADCAST, &yes, sizeof(yes)); /* datagrams have it */
            (void)stk_sock_bind(conn->sock, &local); /* where it can be had: the recorded port */
            err = conn->dgram ? STK_OK : stk_sock_connect(conn->sock, &conv->peer);
        }
        if (err == STK_EADDRINUSE) {
            err = connect_elsewhere(self, conn);
        }
        conn->connecting = err == STK_EINPROGRESS;
        if (err != STK_OK && err != STK_EINPROGRESS) {
            conn_fail(self, conn, err);
        }
    }
}

static void connected(struct actor *self, struct conn *conn)
{
    const uint32_t ready = stk_sock_ready(conn->sock);
    if ((ready & STK_READY_FAIL) != 0) {
        conn_fail(self, conn, stk_sock_error_take(conn->sock));
    } else if ((ready & STK_READY_CONN) != 0) {
        conn->connecting = false;
        stk_event_note(&self->out->events, "connect", conn->number, -1);
    }
}

/* --- Bytes ----------------------------------------------------------------------- */

static void took(struct actor *self, struct conn *conn, const uint8_t *bytes, size_t len)
{
    struct stk_actor_stream *stream = stream_of(self, conn);
    stk_sha256_add(stream->in, bytes, len);
    stream->in_bytes += len;
    conn->taken += conn->dgram ? 1 : len;
    conn->step_taken += conn->dgram ? 1 : len;
    stk_event_note(&self->out->events, "data", conn->number, (int64_t)len);
}

/* @return  Bytes sent, 0: no room, or an error that has ended the connection. */
static int64_t give(struct actor *self, struct conn *conn, const uint8_t *bytes, size_t len)
{
    struct stk_iov iov = {.base = (void *)(uintptr_t)bytes, .len = len};
    const int64_t sent = conn->dgram ? stk_sock_sendto(conn->sock, &iov, 1, &conn->peer)
                                     : stk_sock_send(conn->sock, &iov, 1);
    if (sent == STK_EAGAIN) {
        return 0;
    }
    if (sent < 0) {
        conn_fail(self, conn, (int)sent);
        return sent;
    }
    struct stk_actor_stream *stream = stream_of(self, conn);
    stk_sha256_add(stream->out, bytes, (size_t)sent);
    stream->out_bytes += (uint64_t)sent;
    conn->given += conn->dgram ? 1 : (uint64_t)sent;
    conn->given_bytes += (uint64_t)sent;
    return sent;
}

static void shut(struct actor *self, struct conn *conn)
{
    if (!conn->out_over && !conn->dgram) {
        conn->out_over = true;
        (void)stk_sock_shutdown(conn->sock, STK_SHUT_WR);
        stk_event_note(&self->out->events, "shutdown", conn->number, -1);
    }
}

/* --- Parts ------------------------------------------------------------------------ */

static void echo_keep(struct conn *conn, const uint8_t *bytes, size_t len)
{
    uint8_t *moved = realloc(conn->echo, conn->echo_len + len);
    if (moved != NULL) {
        memcpy(moved + conn->echo_len, bytes, len);
        conn->echo = moved;
        conn->echo_len += (uint32_t)len;
    }
}

static bool echo_flush(struct actor *self, struct conn *conn)
{
    if (conn->echo_len > 0) {
        const int64_t sent = give(self, conn, conn->echo, conn->echo_len);
        if (sent <= 0) {
            return false;
        }
        conn->echo_len -= (uint32_t)sent;
        memmove(conn->echo, conn->echo + sent, conn->echo_len);
        return true;
    }
    if (conn->in_over && conn->sock != NULL) {
        conn_close(self, conn, STK_CLOSE_GRACEFUL);
    }
    return false;
}

/* What the recorded side sent up to this step. */
static bool recorded_give(struct actor *self, struct conn *conn, const struct stk_scene_step *step)
{
    const struct stk_scene_conv *conv = conn->conv;
    if (conn->given >= step->give) {
        return false;
    }
    const uint64_t at = conn->dgram ? conn->given_bytes : conn->given;
    const uint64_t len = conn->dgram ? conv->sizes[conn->given] : step->give - conn->given;
    if (at + len > conv->bytes_room[0]) {
        conn->given = step->give; /* not in the capture */
        return true;
    }
    static const uint8_t nothing[1];
    const uint8_t *bytes = len == 0 ? nothing : conv->bytes[0] + at; /* an empty datagram has none */
    const uint64_t before = conn->given;
    (void)give(self, conn, bytes, (size_t)len);
    return conn->given > before;
}

/* A reset throws away what waits to be sent; the recorded side had sent it. It goes as far as the peer lets it. */
static bool recorded_abort(struct actor *self, struct conn *conn, uint64_t now_ns)
{
    struct stk_sock_status status;
    stk_sock_status(conn->sock, &status);
    if (status.tx_unacked > 0 && conn->abort_waits++ < ABORT_WAITS_MAX) {
        conn->not_before_ns = now_ns + ABORT_WAIT_NS;
        return false;
    }
    conn_close(self, conn, STK_CLOSE_ABORT);
    return false;
}

static bool recorded_step(struct actor *self, struct conn *conn)
{
    const struct stk_scene_conv *conv = conn->conv;
    if (conv == NULL || conn->step >= conv->steps_count) {
        if (conn->in_over && conn->sock != NULL && !conn->dgram) {
            conn_close(self, conn, STK_CLOSE_GRACEFUL);
        }
        return false;
    }
    const struct stk_scene_step *step = &conv->steps[conn->step];
    if ((conn->taken < step->take || step->take_fin) && !conn->in_over) {
        conn->not_before_ns = 0;
        return false;
    }
    const uint64_t now_ns = stk_clock_ns();
    if (conn->not_before_ns == 0) {
        conn->not_before_ns = now_ns + step->delay_ns + (step->rst ? 1000 : 0); /* what was given leaves first */
    }
    if (now_ns < conn->not_before_ns) {
        return false;
    }
    if (conn->given < step->give) {
        return recorded_give(self, conn, step);
    }
    if (step->rst) {
        return recorded_abort(self, conn, now_ns);
    }
    if (step->fin) {
        shut(self, conn);
    }
    conn->step++;
    conn->not_before_ns = 0;
    return true;
}

static bool script_step(struct actor *self, struct conn *conn)
{
    if (conn->step >= self->script.count) {
        if (conn->in_over) {
            conn_close(self, conn, STK_CLOSE_GRACEFUL);
        }
        return false;
    }
    const struct stk_script_step *step = &self->script.steps[conn->step];
    bool done = true;
    switch (step->word) {
    case STK_SCRIPT_RECV:
        done = conn->step_taken >= step->number || conn->in_over;
        conn->step_taken = done && conn->step_taken > step->number ? conn->step_taken - step->number
                           : done                                  ? 0
                                                                   : conn->step_taken;
        break;
    case STK_SCRIPT_SEND:
        if (give(self, conn, step->bytes + conn->given_bytes, step->number - conn->given_bytes) <= 0) {
            return false;
        }
        done = conn->given_bytes >= step->number;
        break;
    case STK_SCRIPT_SLEEP:
        conn->not_before_ns = conn->not_before_ns == 0 ? stk_clock_ns() + step->number : conn->not_before_ns;
        done = stk_clock_ns() >= conn->not_before_ns;
        break;
    case STK_SCRIPT_SHUTDOWN:
        shut(self, conn);
        break;
    case STK_SCRIPT_CLOSE:
    case STK_SCRIPT_ABORT:
        conn_close(self, conn, step->word == STK_SCRIPT_ABORT ? STK_CLOSE_ABORT : STK_CLOSE_GRACEFUL);
        return false;
    }
    if (done) {
        conn->step++;
        conn->not_before_ns = 0;
        conn->given_bytes = 0;
    }
    return done;
}

static bool part_step(struct actor *self, struct conn *conn)
{
    if (conn->sock == NULL || conn->connecting) {
        return false;
    }
    switch (self->of->actor) {
    case STK_ACTOR_RECORDED:
        return recorded_step(self, conn);
    case STK_ACTOR_SCRIPT:
        return script_step(self, conn);
    case STK_ACTOR_ECHO:
        return echo_flush(self, conn);
    case STK_ACTOR_SINK:
        if (conn->in_over && !conn->dgram) {
            conn_close(self, conn, STK_CLOSE_GRACEFUL);
        }
        return false;
    case STK_ACTOR_PROGRAM:
    case STK_ACTOR_NONE:
        break;
    }
    return false;
}

/* --- Receiving ---------------------------------------------------------------------- */

static bool stream_read(struct actor *self, struct conn *conn)
{
    struct stk_iov iov = {.base = self->buffer, .len = sizeof(self->buffer)};
    if (conn->sock == NULL || conn->connecting || conn->in_over || conn->echo_len > ECHO_MAX) {
        return false;
    }
    const int64_t got = stk_sock_recv(conn->sock, &iov, 1, 0);
    if (got == STK_EAGAIN) {
        return false;
    }
    if (got < 0) {
        conn_fail(self, conn, (int)got);
        return false;
    }
    if (got == 0) {
        conn->in_over = true;
        stk_event_note(&self->out->events, "eof", conn->number, -1);
        return true;
    }
    took(self, conn, self->buffer, (size_t)got);
    if (self->of->actor == STK_ACTOR_ECHO) {
        echo_keep(conn, self->buffer, (size_t)got);
    }
    return true;
}

static struct conn *dgram_conn(struct actor *self, struct stk_sock *sock, const struct listener *listener,
                               const struct stk_addr *from)
{
    const uint32_t hash = actor_end_hash(from, 0);
    for (uint32_t *at = actor_index_first(&self->by_peer, hash); *at != 0; at = actor_index_next(&self->by_peer, at)) {
        struct conn *conn = self->conns[*at - 1];
        if (conn->dgram && conn->sock == sock && actor_end_same(&conn->peer, from)) {
            return conn;
        }
    }
    if (listener == NULL) {
        return NULL;
    }
    struct conn *conn = conn_add(self, actor_parts_take(&self->parts, 17, listener->port, from));
    if (conn != NULL) {
        conn->dgram = true;
        conn->sock = sock;
        conn->peer = *from;
        actor_index_add(&self->by_peer, hash, conn->number - 1);
    }
    return conn;
}

static bool dgram_read(struct actor *self, struct stk_sock *sock, const struct listener *listener)
{
    struct stk_iov iov = {.base = self->buffer, .len = sizeof(self->buffer)};
    struct stk_msg_info info;
    const int64_t got = stk_sock_recvfrom(sock, &iov, 1, 0, &info);
    if (got < 0) {
        return got != STK_EAGAIN && got != STK_ENETDOWN;
    }
    struct conn *conn = dgram_conn(self, sock, listener, &info.from);
    if (conn != NULL) {
        took(self, conn, self->buffer, (size_t)got);
        actor_ready_now(&self->ready, conn->number - 1);
        if (self->of->actor == STK_ACTOR_ECHO) {
            (void)give(self, conn, self->buffer, (size_t)got);
        }
    }
    return true;
}

/* --- Listening ------------------------------------------------------------------------ */

static int listen_at(struct actor *self, uint8_t proto, const struct stk_addr *addr)
{
    const bool group = addr->family == STK_AF_INET ? addr->ip[0] >= 224 && addr->ip[0] < 240 : addr->ip[0] == 0xff;
    struct stk_addr any = {.family = addr->family, .port = addr->port};
    struct stk_sock *sock = NULL;
    if (self->listeners_count == STK_SCENE_LISTENS_MAX) {
        return STK_EMFILE;
    }
    int err = stk_sock_open(self->client, addr->family, proto == 6 ? STK_SOCK_STREAM : STK_SOCK_DGRAM, 0,
                            COOKIE_LISTENER, &sock);
    if (err != STK_OK) {
        return err;
    }
    const int32_t yes = 1;
    if (proto == 17) { /* groups and hosts are called at the same port */
        (void)stk_sock_opt_set(sock, STK_OPT_REUSEADDR, &yes, sizeof(yes));
    }
    err = stk_sock_bind(sock, &any);
    if (err == STK_OK && proto == 6) {
        err = stk_sock_listen(sock, self->scene->convs_count > 128 ? self->scene->convs_count : 128);
    }
    if (err == STK_OK && group) {
        const struct stk_mcast_req req = {.group = *addr, .if_index = 2};
        err = stk_sock_opt_set(sock, STK_OPT_MCAST_JOIN, &req, sizeof(req));
    }
    if (err != STK_OK) {
        (void)stk_sock_close(sock, STK_CLOSE_ABORT);
        return err;
    }
    self->listeners[self->listeners_count++] = (struct listener){.sock = sock, .proto = proto, .port = addr->port};
    return STK_OK;
}

static int listen_words(struct actor *self)
{
    char words[STK_CASE_TEXT];
    (void)strcpy(words, self->of->listen);
    for (char *at = words; *at != '\0';) {
        struct stk_addr addr;
        uint8_t proto;
        at += strspn(at, " ,\t");
        const size_t len = strcspn(at, " ,\t");
        const bool last = at[len] == '\0';
        at[len] = '\0';
        if (len > 0) {
            if (!actor_listen_word(at, &proto, &addr)) {
                (void)snprintf(self->out->fault, sizeof(self->out->fault),
                               "listen: '%.100s' is not tcp:PORT, udp:PORT, tcp6:PORT or udp:GROUP:PORT", at);
                return STK_EINVAL;
            }
            const int err = listen_at(self, proto, &addr);
            if (err != STK_OK) {
                return err;
            }
        }
        at += len + (last ? 0 : 1);
    }
    return STK_OK;
}

static uint64_t listen_due(const struct actor *self, uint32_t index)
{
    const uint64_t from_ns = self->scene->listens_from_ns[index];
    return from_ns == 0 ? 0 : self->begin_ns + self->of->start_ms * STK_MS_NS + from_ns;
}

/* Opens what is due by now. */
static int listen_due_all(struct actor *self)
{
    int err = STK_OK;
    while (self->of->listen[0] == '\0' && err == STK_OK && self->listened < self->scene->listens_count &&
           stk_clock_ns() >= listen_due(self, self->listened)) {
        err = listen_at(self, self->scene->listens_proto[self->listened], &self->scene->listens[self->listened]);
        self->listened++;
    }
    return err;
}

/* --- The loop ------------------------------------------------------------------------- */

/* Has it something to send for which there is no room now? */
static bool is_full(const struct actor *self, const struct conn *conn, uint64_t now_ns)
{
    return conn->echo_len > 0 ||
           (self->of->actor == STK_ACTOR_RECORDED && conn->not_before_ns != 0 && conn->not_before_ns <= now_ns) ||
           (self->of->actor == STK_ACTOR_SCRIPT && conn->step < self->script.count &&
            self->script.steps[conn->step].word == STK_SCRIPT_SEND);
}

static uint32_t wanted_of(const struct conn *conn)
{
    if (conn->dgram && (conn->conv == NULL || !conn->conv->live_began)) {
        return 0; /* the listener's */
    }
    if (conn->connecting) {
        return (uint32_t)STK_READY_CONN | STK_READY_FAIL;
    }
    return conn->in_over || conn->echo_len > ECHO_MAX ? 0 : (uint32_t)STK_READY_IN | STK_READY_RESET;
}

/*
 * Nothing more of it can be done now: what is waited for? Room is looked for after a while, as the stack says that there is
 * some even where its pool is empty.
 */
static bool settle(struct actor *self, struct conn *conn)
{
    const uint64_t now_ns = stk_clock_ns();
    const uint32_t wanted = wanted_of(conn);
    const bool ready = wanted != 0 && (stk_sock_ready(conn->sock) & wanted) != 0;
    uint64_t due = conn->not_before_ns > now_ns ? conn->not_before_ns : 0;
    if (ready || (!conn->connecting && is_full(self, conn, now_ns))) {
        conn->retry_ns = conn->retry_ns == 0 ? RETRY_MIN_NS : conn->retry_ns * 2;
        conn->retry_ns = conn->retry_ns < RETRY_MAX_NS ? conn->retry_ns : RETRY_MAX_NS;
        due = due == 0 || now_ns + conn->retry_ns < due ? now_ns + conn->retry_ns : due;
    }
    if (wanted != 0 && !ready) {
        (void)stk_sock_arm(conn->sock, wanted);
    }
    return actor_ready_at(&self->ready, conn->number - 1, due);
}

/* @return  It moved, and is to be looked at again at once. */
static bool conn_turn(struct actor *self, struct conn *conn)
{
    bool moved = false;
    if (conn->connecting) {
        connected(self, conn);
    } else if (conn->dgram && conn->conv != NULL && conn->conv->live_began) {
        moved = dgram_read(self, conn->sock, NULL);
    } else if (!conn->dgram) {
        moved = stream_read(self, conn);
    }
    return part_step(self, conn) || moved;
}

static bool turn(struct actor *self)
{
    bool moved = false;
    connect_due(self);
    (void)listen_due_all(self);
    for (uint32_t i = 0; i < self->listeners_count; i++) {
        if (self->listeners[i].proto == 6) {
            accept_all(self, &self->listeners[i]);
        } else {
            moved = dgram_read(self, self->listeners[i].sock, &self->listeners[i]) || moved;
        }
    }
    const uint32_t count = actor_ready_take(&self->ready, stk_clock_ns(), self->turn);
    for (uint32_t i = 0; i < count; i++) {
        struct conn *conn = self->conns[self->turn[i]];
        if (conn->sock == NULL) {
            continue;
        }
        if (conn_turn(self, conn)) {
            conn->retry_ns = 0;
            actor_ready_now(&self->ready, conn->number - 1);
            moved = true;
        } else if (conn->sock != NULL && !settle(self, conn)) {
            (void)snprintf(self->out->fault, sizeof(self->out->fault), "no memory for connections");
        }
    }
    return moved;
}

static int64_t next_due(struct actor *self)
{
    const uint64_t now_ns = stk_clock_ns();
    const uint64_t timer = actor_ready_next_ns(&self->ready);
    uint64_t next = call_due(self);
    next = timer < next ? timer : next;
    if (self->of->listen[0] == '\0' && self->listened < self->scene->listens_count) {
        next = listen_due(self, self->listened) < next ? listen_due(self, self->listened) : next;
    }
    if (next == STK_NEVER) {
        return -1;
    }
    return next > now_ns ? (int64_t)(next - now_ns) : 0;
}

static int wait_all(struct actor *self)
{
    for (uint32_t i = 0; i < self->listeners_count; i++) {
        (void)stk_sock_arm(self->listeners[i].sock, STK_READY_ACCEPT | STK_READY_IN | STK_READY_ERROR);
    }
    const int count = stk_events_wait(self->client, self->events, EVENTS_MAX, next_due(self), NULL);
    for (int i = 0; i < count; i++) {
        if (self->events[i].cookie < self->conns_count) {
            actor_ready_now(&self->ready, (uint32_t)self->events[i].cookie);
        }
    }
    return count;
}

static void play(struct actor *self)
{
    int err = STK_OK;
    self->begin_ns = stk_clock_ns();
    if (self->of->actor != STK_ACTOR_NONE) {
        err = self->of->listen[0] != '\0' ? listen_words(self) : listen_due_all(self);
    }
    if (err != STK_OK && self->out->fault[0] == '\0') {
        (void)snprintf(self->out->fault, sizeof(self->out->fault), "the actor cannot listen: %s", stk_err_text(err));
    }
    while (err >= 0 && self->out->fault[0] == '\0') {
        if (self->of->actor != STK_ACTOR_NONE && turn(self)) {
            continue;
        }
        err = wait_all(self);
    }
    for (uint32_t i = 0; i < self->conns_count; i++) {
        struct conn *conn = self->conns[i];
        if (conn->sock != NULL && !conn->dgram) {
            stk_event_note(&self->out->events, "open", conn->number, -1);
        }
        free(conn->echo);
        free(conn);
    }
}

void stk_actor_run(struct stk_client *client, const struct stk_case *of, const struct stk_scene *scene,
                   struct stk_actor_result *out)
{
    struct actor *self = calloc(1, sizeof(*self));
    char error[STK_CASE_ERROR_SIZE] = "";
    memset(out, 0, sizeof(*out));
    if (self == NULL) {
        (void)snprintf(out->fault, sizeof(out->fault), "no memory for the actor");
        return;
    }
    self->client = client;
    self->of = of;
    self->scene = scene;
    self->out = out;
    if (!conns_grow(self) || !actor_parts_open(&self->parts, scene) ||
        !actor_index_make(&self->by_peer, scene->convs_count)) {
        (void)snprintf(out->fault, sizeof(out->fault), "no memory for the actor");
    } else if (of->actor == STK_ACTOR_SCRIPT && stk_script_load(of->script, &self->script, error) != STK_OK) {
        (void)snprintf(out->fault, sizeof(out->fault), "%.500s", error);
    } else {
        play(self);
    }
    stk_script_free(&self->script);
    free(self->conns);
    free(self->turn);
    actor_ready_free(&self->ready);
    actor_index_free(&self->by_peer);
    actor_parts_free(&self->parts);
    free(self);
}
