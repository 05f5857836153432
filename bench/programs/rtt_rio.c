/* The round trip of rtt by registered I/O: one polled completion queue for the receives of both sockets, one for their sends,
 * which is looked at now and then. */
#include "rio.h"
#include "rtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sends that may wait for their acknowledgement, and slices for as many; receives are posted half a queue at a time. */
#define SENDS 64u
#define RECEIVES 32u
#define SLICES (SENDS + RECEIVES)

struct rtt_end {
    RIO_RQ requests;
    uint64_t sent;
    uint64_t acknowledged;
    uint64_t posted;   /**< receives */
    uint64_t received; /**< of them, whole */
};

struct rtt_rio {
    RIO_EXTENSION_FUNCTION_TABLE fn;
    RIO_CQ receives;
    RIO_CQ sends;
    RIO_BUFFERID buffer;
    char *data; /**< SLICES of each end */
    size_t size;
    struct rtt_end ends[2];
};

static RIO_BUF slice_of(const struct rtt_rio *rio, size_t end, size_t number)
{
    RIO_BUF slice = {rio->buffer, (ULONG)((end * SLICES + number) * rio->size), (ULONG)rio->size};

    return slice;
}

/* Post count receives, which start together. */
static int receives_post(struct rtt_rio *rio, size_t end, uint32_t count)
{
    struct rtt_end *at = &rio->ends[end];

    for (uint32_t i = 0; i < count; i++) {
        RIO_BUF slice = slice_of(rio, end, SENDS + at->posted % RECEIVES);
        DWORD flags = RIO_MSG_WAITALL | (i + 1 < count ? RIO_MSG_DEFER : 0u);
        if (!rio->fn.RIOReceive(at->requests, &slice, 1, flags, NULL)) {
            return bench_fail("rtt", "RIOReceive");
        }
        at->posted++;
    }
    return 0;
}

static int completions_take(struct rtt_rio *rio, RIO_CQ queue)
{
    RIORESULT results[16];
    ULONG taken = rio->fn.RIODequeueCompletion(queue, results, 16);

    if (taken == RIO_CORRUPT_CQ) {
        (void)fprintf(stderr, "rtt: the completion queue is damaged\n");
        return -1;
    }
    for (ULONG i = 0; i < taken; i++) {
        struct rtt_end *end = &rio->ends[results[i].SocketContext];
        if (results[i].Status != 0 || results[i].BytesTransferred != rio->size) {
            (void)fprintf(stderr, "rtt: a request ended with %ld after %lu bytes\n", (long)results[i].Status,
                          (unsigned long)results[i].BytesTransferred);
            return -1;
        }
        if (queue == rio->receives) {
            end->received++;
        } else {
            end->acknowledged++;
        }
    }
    return 0;
}

/* One message from an end to the other, which has it in the slice that comes back. */
static int cross(struct rtt_rio *rio, size_t from, const char *data, const char **arrived)
{
    struct rtt_end *source = &rio->ends[from];
    struct rtt_end *target = &rio->ends[1 - from];
    uint64_t wanted = target->received + 1;
    RIO_BUF slice;

    while (source->sent - source->acknowledged == SENDS) {
        if (completions_take(rio, rio->sends) != 0) {
            return -1;
        }
    }
    slice = slice_of(rio, from, source->sent % SENDS);
    memcpy(rio->data + slice.Offset, data, rio->size);
    if (!rio->fn.RIOSend(source->requests, &slice, 1, 0, NULL)) {
        (void)bench_fail("rtt", "RIOSend");
        return -1;
    }
    source->sent++;
    while (target->received < wanted) {
        if (completions_take(rio, rio->receives) != 0) {
            return -1;
        }
    }
    slice = slice_of(rio, 1 - from, SENDS + (wanted - 1) % RECEIVES);
    *arrived = rio->data + slice.Offset;
    return 0;
}

int rtt_rio_round_trip(struct rtt *rtt)
{
    struct rtt_rio *rio = rtt->rio;
    const char *there;
    const char *back;

    if (cross(rio, 0, rtt->out, &there) != 0 || cross(rio, 1, there, &back) != 0) {
        return 1;
    }
    memcpy(rtt->in, back, rio->size);
    if (rio->ends[0].sent % (SENDS / 4) == 0 && completions_take(rio, rio->sends) != 0) {
        return 1;
    }
    for (size_t i = 0; i < 2; i++) {
        if (rio->ends[i].posted - rio->ends[i].received == RECEIVES / 2 && receives_post(rio, i, RECEIVES / 2) != 0) {
            return 1;
        }
    }
    return 0;
}

static SOCKET stream_make(const char *at, union bench_addr *addr, int *size)
{
    BOOL on = TRUE;
    SOCKET s = INVALID_SOCKET;

    *size = bench_addr_parse(at, addr);
    if (*size != 0) {
        s = WSASocketW(addr->any.sa_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                       WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
    }
    if (s == INVALID_SOCKET || setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, (int)sizeof(on)) != 0 ||
        bind(s, &addr->any, *size) != 0) {
        (void)bench_fail("rtt", at);
    }
    return s;
}

static int pair_connect(struct rtt *rtt)
{
    union bench_addr a;
    union bench_addr b;
    int size = 0;
    SOCKET listener = stream_make(rtt->b, &b, &size);

    if (listener == INVALID_SOCKET) {
        return -1;
    }
    rtt->sock_a = stream_make(rtt->a, &a, &size);
    if (rtt->sock_a != INVALID_SOCKET && listen(listener, 1) == 0 && connect(rtt->sock_a, &b.any, size) == 0) {
        rtt->sock_b = bench_accept(listener);
    }
    (void)closesocket(listener);
    if (rtt->sock_b == INVALID_SOCKET) {
        (void)bench_fail("rtt", "connect or accept");
        return -1;
    }
    return 0;
}

int rtt_rio_open(struct rtt *rtt)
{
    struct rtt_rio *rio = calloc(1, sizeof(*rio));
    const SOCKET *socks[2] = {&rtt->sock_a, &rtt->sock_b};

    if (rio == NULL) {
        return -1;
    }
    rtt->rio = rio;
    rio->size = (size_t)rtt->size;
    rio->buffer = RIO_INVALID_BUFFERID;
    rio->data = calloc(2u * SLICES, rio->size);
    if (rio->data == NULL || pair_connect(rtt) != 0 || bench_rio_table("rtt", rtt->sock_a, &rio->fn) != 0) {
        return -1;
    }
    rio->buffer = rio->fn.RIORegisterBuffer(rio->data, (DWORD)(2u * SLICES * rio->size));
    rio->receives = rio->fn.RIOCreateCompletionQueue(2u * RECEIVES, NULL);
    rio->sends = rio->fn.RIOCreateCompletionQueue(2u * SENDS, NULL);
    if (rio->buffer == RIO_INVALID_BUFFERID || rio->receives == RIO_INVALID_CQ || rio->sends == RIO_INVALID_CQ) {
        (void)bench_fail("rtt", "RIORegisterBuffer or RIOCreateCompletionQueue");
        return -1;
    }
    for (size_t i = 0; i < 2; i++) {
        rio->ends[i].requests = rio->fn.RIOCreateRequestQueue(*socks[i], RECEIVES, 1, SENDS, 1, rio->receives,
                                                              rio->sends, (PVOID)(uintptr_t)i);
        if (rio->ends[i].requests == RIO_INVALID_RQ) {
            (void)bench_fail("rtt", "RIOCreateRequestQueue");
            return -1;
        }
        if (receives_post(rio, i, RECEIVES) != 0) {
            return -1;
        }
    }
    return 0;
}

void rtt_rio_close(struct rtt *rtt)
{
    struct rtt_rio *rio = rtt->rio;

    if (rio == NULL) {
        return;
    }
    if (rio->receives != RIO_INVALID_CQ) {
        rio->fn.RIOCloseCompletionQueue(rio->receives);
    }
    if (rio->sends != RIO_INVALID_CQ) {
        rio->fn.RIOCloseCompletionQueue(rio->sends);
    }
    if (rio->buffer != RIO_INVALID_BUFFERID) {
        rio->fn.RIODeregisterBuffer(rio->buffer);
    }
    free(rio->data);
    free(rio);
    rtt->rio = NULL;
}
