/**
 * @file
 * The in-memory stack: registered I/O. Requests wait in lists, completions in rings; data moves when it comes or when a
 * request is posted. All under the one lock.
 */
#include "fake_priv.h"

#include "stack/rio.h"

#include <stdlib.h>
#include <string.h>

#define FAKE_TAKE 64u

struct stk_rio_mem {
    unsigned refs; /* the caller's and the requests' */
    char *base;
    size_t len;
};

struct fake_req {
    struct fake_req *next;
    struct stk_rio_req req;
    uint32_t done; /* bytes, so far */
    bool deferred;
};

struct fake_done {
    struct stk_rio_done done;
    struct stk_msg_info info;
    struct stk_rio_rq *rq;
    struct stk_rio_mem *mem;
    bool ordinary;
};

struct stk_rio_cq {
    struct stk_rio_cq *next; /* of all */
    uint64_t cookie;
    uint32_t entries, charged, head, count, ordinary;
    bool armed, due, damaged, closed; /* due: something ordinary came since it was armed, or was there */
    unsigned users;                   /* request queues */
    struct fake_done *ring;
    struct stk_msg_info infos[FAKE_TAKE];
};

struct stk_rio_rq {
    struct stk_sock *sock; /* NULL: closed */
    uint64_t cookie;
    uint32_t max[STK_RIO_DIRS], outstanding[STK_RIO_DIRS];
    struct stk_rio_cq *cq[STK_RIO_DIRS];
    struct fake_req *head[STK_RIO_DIRS], **tail[STK_RIO_DIRS];
    bool pumping, again;
};

static struct stk_rio_cq *fake_cqs;
static unsigned fake_mems, fake_rqs, fake_posters;
static bool fake_post_held;

/* --- Memory ------------------------------------------------------------- */

int stk_rio_mem_add(struct stk_client *client, void *base, size_t len, struct stk_rio_mem **out)
{
    struct stk_rio_mem *mem = calloc(1, sizeof *mem);

    (void)client;
    if (!mem)
        return STK_ENOMEM;
    mem->refs = 1;
    mem->base = base;
    mem->len = len;
    fake_lock();
    fake_mems++;
    fake_unlock();
    *out = mem;
    return STK_OK;
}

static void fake_mem_put(struct stk_rio_mem *mem)
{
    if (mem && --mem->refs == 0) {
        fake_mems--;
        free(mem);
    }
}

void stk_rio_mem_remove(struct stk_rio_mem *mem)
{
    fake_lock();
    fake_mem_put(mem);
    fake_unlock();
}

unsigned fake_rio_mems_count(void)
{
    unsigned count;

    fake_lock();
    count = fake_mems;
    fake_unlock();
    return count;
}

unsigned fake_rio_queues_count(void)
{
    unsigned count;

    fake_lock();
    count = fake_rqs;
    for (const struct stk_rio_cq *cq = fake_cqs; cq; cq = cq->next)
        count++;
    fake_unlock();
    return count;
}

/* --- Completion queues ----------------------------------------------------- */

int stk_rio_cq_open(struct stk_client *client, uint32_t entries, uint64_t cookie, struct stk_rio_cq **out)
{
    struct stk_rio_cq *cq;

    (void)client;
    if (entries == 0 || entries > STK_RIO_CQ_ENTRIES_MAX)
        return STK_EINVAL;
    cq = calloc(1, sizeof *cq);
    if (!cq)
        return STK_ENOMEM;
    cq->ring = calloc(entries, sizeof *cq->ring);
    if (!cq->ring) {
        free(cq);
        return STK_ENOMEM;
    }
    cq->entries = entries;
    cq->cookie = cookie;
    fake_lock();
    cq->next = fake_cqs;
    fake_cqs = cq;
    fake_unlock();
    *out = cq;
    return STK_OK;
}

int stk_rio_cq_resize(struct stk_rio_cq *cq, uint32_t entries)
{
    struct fake_done *ring;
    int err = STK_OK;

    if (entries == 0 || entries > STK_RIO_CQ_ENTRIES_MAX)
        return STK_EINVAL;
    ring = calloc(entries, sizeof *ring);
    if (!ring)
        return STK_ENOMEM;
    fake_lock();
    if (entries < cq->charged) {
        err = STK_ETOOMANYREFS;
        free(ring);
    } else {
        for (uint32_t i = 0; i < cq->count; i++)
            ring[i] = cq->ring[(cq->head + i) % cq->entries];
        free(cq->ring);
        cq->ring = ring;
        cq->entries = entries;
        cq->head = 0;
    }
    fake_unlock();
    return err;
}

/* A request queue goes with its last completion. */
static void fake_rq_settle(struct stk_rio_rq *rq)
{
    if (rq->sock || rq->outstanding[STK_RIO_RECV] + rq->outstanding[STK_RIO_SEND] > 0)
        return;
    for (unsigned dir = 0; dir < STK_RIO_DIRS; dir++) {
        rq->cq[dir]->charged -= rq->max[dir];
        if (--rq->cq[dir]->users == 0 && rq->cq[dir]->closed)
            free(rq->cq[dir]);
    }
    fake_rqs--;
    free(rq);
}

/* The first completion leaves its ring. */
static void fake_cq_drop(struct stk_rio_cq *cq)
{
    struct fake_done *first = &cq->ring[cq->head];
    struct stk_rio_rq *rq = first->rq;

    cq->head = (cq->head + 1) % cq->entries;
    cq->count--;
    cq->ordinary -= first->ordinary;
    fake_mem_put(first->mem);
    rq->outstanding[first->done.dir]--;
    fake_rq_settle(rq);
}

void stk_rio_cq_close(struct stk_rio_cq *cq)
{
    struct stk_rio_cq **link = &fake_cqs;

    fake_lock();
    while (*link != cq)
        link = &(*link)->next;
    *link = cq->next;
    cq->users++; /* until here is done */
    while (cq->count > 0)
        fake_cq_drop(cq);
    cq->closed = true;
    free(cq->ring);
    cq->ring = NULL;
    if (--cq->users == 0)
        free(cq);
    fake_unlock();
}

uint32_t stk_rio_cq_take(struct stk_rio_cq *cq, struct stk_rio_done *out, uint32_t count)
{
    uint32_t taken = 0;

    fake_lock();
    for (; taken < count && taken < FAKE_TAKE && cq->count > 0; taken++) {
        const struct fake_done *first = &cq->ring[cq->head];

        out[taken] = first->done;
        if (first->done.info) {
            cq->infos[taken] = first->info;
            out[taken].info = &cq->infos[taken];
        }
        fake_cq_drop(cq);
    }
    if (cq->damaged)
        taken = UINT32_MAX;
    fake_unlock();
    return taken;
}

/* Nothing is plain here: all comes the long way. */
uint32_t stk_rio_cq_take_plain(struct stk_rio_cq *cq, struct stk_rio_plain *out, uint32_t count)
{
    (void)cq;
    (void)out;
    (void)count;
    return 0;
}

int stk_rio_cq_arm(struct stk_rio_cq *cq)
{
    int err = STK_EALREADY;

    fake_lock();
    if (!cq->armed) {
        err = STK_OK;
        cq->armed = true;
        cq->due = cq->ordinary > 0;
        t_cond_wake(&fake.changed);
    }
    fake_unlock();
    return err;
}

size_t fake_rio_events(struct stk_event *events, size_t count)
{
    size_t taken = 0;

    for (struct stk_rio_cq *cq = fake_cqs; cq && taken < count; cq = cq->next)
        if (cq->armed && cq->due) {
            cq->armed = false;
            events[taken++] = (struct stk_event){.cookie = cq->cookie, .fired = STK_READY_RIO};
        }
    return taken;
}

void fake_rio_damage(void)
{
    fake_lock();
    for (struct stk_rio_cq *cq = fake_cqs; cq; cq = cq->next)
        cq->damaged = true;
    fake_unlock();
}

/* --- Requests ------------------------------------------------------------- */

/* The first request of a direction is done. */
static void fake_complete(struct stk_rio_rq *rq, enum stk_rio_dir dir, int status, uint32_t bytes,
                          const struct stk_msg_info *info)
{
    struct fake_req *first = rq->head[dir];
    struct stk_rio_cq *cq = rq->cq[dir];
    struct fake_done *entry;

    rq->head[dir] = first->next;
    if (!first->next)
        rq->tail[dir] = &rq->head[dir];
    if (cq->closed) {
        fake_mem_put(first->req.mem);
        rq->outstanding[dir]--;
    } else {
        entry = &cq->ring[(cq->head + cq->count++) % cq->entries];
        *entry = (struct fake_done){
            .rq = rq, .mem = first->req.mem, .ordinary = !(first->req.flags & STK_RIO_DONT_NOTIFY)};
        entry->done = (struct stk_rio_done){.status = status,
                                            .bytes = bytes,
                                            .rq_cookie = rq->cookie,
                                            .context = first->req.context,
                                            .cookie = first->req.cookie,
                                            .dir = dir};
        if (info && (first->req.flags & STK_RIO_INFO)) {
            entry->info = *info;
            entry->done.info = &entry->info;
        }
        cq->ordinary += entry->ordinary;
        cq->due = cq->due || entry->ordinary;
        t_cond_wake(&fake.changed);
    }
    free(first);
}

/* false: it has to wait. */
static bool fake_receive_dgram(struct stk_rio_rq *rq, const struct fake_req *first)
{
    struct stk_iov iov = {.base = first->req.base, .len = first->req.len};
    bool discard = (first->req.flags & STK_RIO_DISCARD) != 0;
    struct stk_sock *sock = rq->sock;
    int error = sock->end_error;
    struct stk_msg_info info;
    int64_t got;

    sock->end_error = 0; /* RIOX-109: not these receives' */
    got = fake_recvfrom(sock, &iov, 1, 0, &info);
    sock->end_error = error;
    if (got == STK_EAGAIN)
        return false;
    if (got < 0)
        fake_complete(rq, STK_RIO_RECV, (int)got, 0, NULL);
    else
        fake_complete(rq, STK_RIO_RECV, info.truncated && !discard ? STK_EMSGSIZE : STK_OK, (uint32_t)got, &info);
    return true;
}

static bool fake_receive_stream(struct stk_rio_rq *rq, struct fake_req *first)
{
    struct stk_sock *sock = rq->sock;
    struct stk_iov iov = {.base = first->req.base ? (char *)first->req.base + first->done : NULL,
                          .len = first->req.len - first->done};
    int64_t got = fake_recv(sock, &iov, 1, 0);

    if (got == STK_EAGAIN)
        return false;
    if (got < 0 && first->done == 0) {
        fake_complete(rq, STK_RIO_RECV, (int)got, 0, NULL);
        return true;
    }
    first->done += got > 0 ? (uint32_t)got : 0;
    if (got > 0 && (first->req.flags & STK_RIO_WAITALL) && first->done < first->req.len)
        return false;
    fake_complete(rq, STK_RIO_RECV, STK_OK, first->done, NULL);
    return true;
}

static bool fake_send_first(struct stk_rio_rq *rq, struct fake_req *first)
{
    struct stk_sock *sock = rq->sock;
    struct stk_iov iov = {.base = first->req.base ? (char *)first->req.base + first->done : NULL,
                          .len = first->req.len - first->done};
    int64_t sent;

    if (sock->type == STK_SOCK_STREAM)
        sent = fake_send(sock, &iov, 1);
    else
        sent = fake_sendto(sock, &iov, 1, first->req.to.family == STK_AF_NONE ? NULL : &first->req.to);
    if (sent == STK_EAGAIN)
        return false;
    if (sent >= 0)
        first->done += (uint32_t)sent;
    if (sent >= 0 && first->done < first->req.len)
        return false;
    fake_complete(rq, STK_RIO_SEND, sent < 0 ? (int)sent : STK_OK, sent < 0 ? 0 : first->req.len, NULL);
    return true;
}

static bool fake_step(struct stk_rio_rq *rq, enum stk_rio_dir dir)
{
    struct fake_req *first = rq->head[dir];

    if (!first || first->deferred)
        return false;
    if (dir == STK_RIO_SEND)
        return fake_send_first(rq, first);
    return rq->sock->type == STK_SOCK_STREAM ? fake_receive_stream(rq, first) : fake_receive_dgram(rq, first);
}

void fake_rio_pump(struct stk_sock *sock)
{
    struct stk_rio_rq *rq = sock->rio;

    if (!rq)
        return;
    rq->again = true;
    if (rq->pumping)
        return;
    rq->pumping = true;
    while (rq->again) {
        rq->again = false;
        for (unsigned dir = 0; dir < STK_RIO_DIRS; dir++)
            while (fake_step(rq, (enum stk_rio_dir)dir))
                ;
    }
    rq->pumping = false;
}

void fake_rio_close(struct stk_sock *sock)
{
    struct stk_rio_rq *rq = sock->rio;

    if (!rq)
        return;
    for (unsigned dir = 0; dir < STK_RIO_DIRS; dir++)
        while (rq->head[dir])
            fake_complete(rq, (enum stk_rio_dir)dir, STK_ECANCELED, rq->head[dir]->done, NULL);
    sock->rio = NULL;
    rq->sock = NULL;
    fake_rq_settle(rq);
}

static int fake_rq_check(const struct stk_sock *sock, const uint32_t max[STK_RIO_DIRS],
                         struct stk_rio_cq *const cq[STK_RIO_DIRS])
{
    bool shared = cq[0] == cq[1];

    if (sock->type == STK_SOCK_RAW)
        return STK_EOPNOTSUPP;
    if (sock->listening || sock->rio || (max[0] == 0 && max[1] == 0) || cq[0]->closed || cq[1]->closed)
        return STK_EINVAL;
    for (unsigned dir = 0; dir < STK_RIO_DIRS; dir++)
        if (cq[dir]->entries - cq[dir]->charged < (shared ? (uint64_t)max[0] + max[1] : max[dir]))
            return STK_EFULL;
    return STK_OK;
}

int stk_rio_rq_open(struct stk_sock *sock, const uint32_t max[STK_RIO_DIRS], struct stk_rio_cq *const cq[STK_RIO_DIRS],
                    uint64_t cookie, struct stk_rio_rq **out)
{
    struct stk_rio_rq *rq = calloc(1, sizeof *rq);
    int err;

    if (!rq)
        return STK_EFULL;
    fake_lock();
    err = fake_rq_check(sock, max, cq);
    if (err == STK_OK) {
        rq->sock = sock;
        rq->cookie = cookie;
        for (unsigned dir = 0; dir < STK_RIO_DIRS; dir++) {
            rq->max[dir] = max[dir];
            rq->cq[dir] = cq[dir];
            rq->tail[dir] = &rq->head[dir];
            cq[dir]->charged += max[dir];
            cq[dir]->users++;
        }
        sock->rio = rq;
        fake_rqs++;
        *out = rq;
    } else {
        free(rq);
    }
    fake_unlock();
    return err;
}

int stk_rio_rq_resize(struct stk_rio_rq *rq, const uint32_t max[STK_RIO_DIRS])
{
    bool shared = rq->cq[0] == rq->cq[1];
    int err = STK_OK;

    fake_lock();
    if (!rq->sock || (max[0] == 0 && max[1] == 0))
        err = STK_EINVAL;
    else if (max[0] < rq->outstanding[0] || max[1] < rq->outstanding[1])
        err = STK_ETOOMANYREFS;
    for (unsigned dir = 0; err == STK_OK && dir < STK_RIO_DIRS; dir++) {
        uint64_t others = rq->cq[dir]->charged - rq->max[dir] - (shared ? rq->max[!dir] : 0);

        if (others + max[dir] + (shared ? max[!dir] : 0) > rq->cq[dir]->entries)
            err = STK_EFULL;
    }
    for (unsigned dir = 0; err == STK_OK && dir < STK_RIO_DIRS; dir++) {
        rq->cq[dir]->charged += max[dir] - rq->max[dir];
        rq->max[dir] = max[dir];
    }
    fake_unlock();
    return err;
}

/* What a request is refused for at once. */
static int fake_post_check(const struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req)
{
    const struct stk_sock *sock = rq->sock;

    if (!sock || rq->cq[dir]->closed)
        return STK_EINVAL;
    if (rq->outstanding[dir] >= rq->max[dir])
        return STK_EFULL;
    if (sock->type == STK_SOCK_STREAM)
        return sock->connected || sock->ended ? STK_OK : STK_ENOTCONN;
    if (dir == STK_RIO_RECV)
        return sock->bound ? STK_OK : STK_EINVAL;
    if (req->to.family == STK_AF_NONE)
        return sock->connected ? STK_OK : STK_ENOTCONN;
    if (req->to.family != sock->family)
        return STK_EAFNOSUPPORT;
    if (req->to.port == 0)
        return STK_EADDRNOTAVAIL;
    if (req->len > (sock->family == STK_AF_INET ? 65507u : 65487u))
        return STK_EMSGSIZE;
    return fake_routed(&req->to) ? STK_OK : STK_ENETUNREACH;
}

static void fake_start(struct stk_rio_rq *rq, enum stk_rio_dir dir)
{
    for (struct fake_req *one = rq->head[dir]; one; one = one->next)
        one->deferred = false;
    fake_rio_pump(rq->sock);
}

static int fake_post(struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req)
{
    int err = fake_post_check(rq, dir, req);
    struct fake_req *one;

    if (err != STK_OK)
        return err;
    one = calloc(1, sizeof *one);
    if (!one)
        return STK_EFULL;
    one->req = *req;
    one->deferred = (req->flags & STK_RIO_DEFER) != 0;
    *rq->tail[dir] = one;
    rq->tail[dir] = &one->next;
    rq->outstanding[dir]++;
    if (req->mem)
        req->mem->refs++;
    if (!one->deferred)
        fake_start(rq, dir);
    return STK_OK;
}

int stk_rio_post(struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req)
{
    int err;

    fake_lock();
    fake_posters++;
    while (fake_post_held)
        (void)t_cond_wait(&fake.changed, &fake.lock, UINT64_MAX);
    fake_posters--;
    err = fake_post(rq, dir, req);
    fake_unlock();
    return err;
}

int stk_rio_receive_plain(struct stk_rio_rq *rq, struct stk_rio_mem *mem, void *base, uint32_t len, uint32_t flags,
                          uint64_t context)
{
    const struct stk_rio_req req = {.mem = mem, .base = base, .len = len, .flags = flags, .context = context};

    return stk_rio_post(rq, STK_RIO_RECV, &req);
}

int stk_rio_send_plain(struct stk_rio_rq *rq, struct stk_rio_mem *mem, void *base, uint32_t len, uint32_t flags,
                       uint64_t context)
{
    const struct stk_rio_req req = {.mem = mem, .base = base, .len = len, .flags = flags, .context = context};

    return stk_rio_post(rq, STK_RIO_SEND, &req);
}

void fake_rio_post_hold(bool hold)
{
    fake_lock();
    fake_post_held = hold;
    t_cond_wake(&fake.changed);
    fake_unlock();
}

unsigned fake_rio_posters(void)
{
    unsigned count;

    fake_lock();
    count = fake_posters;
    fake_unlock();
    return count;
}

int stk_rio_commit(struct stk_rio_rq *rq, enum stk_rio_dir dir)
{
    int err = STK_OK;

    fake_lock();
    if (!rq->sock || rq->cq[dir]->closed)
        err = STK_EINVAL;
    else
        fake_start(rq, dir);
    fake_unlock();
    return err;
}
