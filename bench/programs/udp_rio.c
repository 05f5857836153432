/* Datagrams by registered I/O, polled: requests are deferred and committed a batch at a time. */
#include "rio.h"
#include "udp_rate.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

struct rio {
    RIO_EXTENSION_FUNCTION_TABLE fn;
    RIO_CQ queue;
    RIO_RQ requests;
    RIO_BUFFERID buffer;
    char *data; /* depth slices */
    uint64_t posted;
    uint64_t done;
    RIORESULT results[BENCH_RIO_TAKEN];
};

/* A slice is in use from its posting to its completion, and completions of one direction come in order. */
static RIO_BUF slice_of(const struct udp_end *end, const struct rio *rio, uint64_t number)
{
    RIO_BUF slice = {rio->buffer, (ULONG)(number % end->depth * end->size), (ULONG)end->size};

    return slice;
}

static int receives_post(struct udp_end *end, struct rio *rio, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        RIO_BUF slice = slice_of(end, rio, rio->posted);
        if (!rio->fn.RIOReceive(rio->requests, &slice, 1, i + 1 < count ? RIO_MSG_DEFER : 0, NULL)) {
            (void)bench_fail("udp_rate", "RIOReceive");
            return -1;
        }
        rio->posted++;
    }
    return 0;
}

static int rio_open(struct udp_end *end, const union bench_addr *at, const union bench_addr *to, int addr_size)
{
    struct rio *rio = calloc(1, sizeof(*rio));
    ULONG depth = (ULONG)end->depth;

    if (rio == NULL) {
        return -1;
    }
    end->own = rio;
    rio->buffer = RIO_INVALID_BUFFERID;
    rio->data = calloc((size_t)end->depth, (size_t)end->size);
    if (rio->data == NULL ||
        udp_end_socket(end, at, to, addr_size, WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED) != 0 ||
        bench_rio_table("udp_rate", end->sock, &rio->fn) != 0) {
        return -1;
    }
    rio->buffer = rio->fn.RIORegisterBuffer(rio->data, (DWORD)(end->depth * end->size));
    rio->queue = rio->fn.RIOCreateCompletionQueue(depth, NULL);
    if (rio->buffer == RIO_INVALID_BUFFERID || rio->queue == RIO_INVALID_CQ) {
        (void)bench_fail("udp_rate", "RIORegisterBuffer or RIOCreateCompletionQueue");
        return -1;
    }
    rio->requests = rio->fn.RIOCreateRequestQueue(end->sock, end->sends ? 0 : depth, 1, end->sends ? depth : 0, 1,
                                                  rio->queue, rio->queue, NULL);
    if (rio->requests == RIO_INVALID_RQ) {
        (void)bench_fail("udp_rate", "RIOCreateRequestQueue");
        return -1;
    }
    return end->sends ? 0 : receives_post(end, rio, end->depth);
}

static int completion_wrong(const RIORESULT *result)
{
    (void)fprintf(stderr, "udp_rate: a request ended with %ld\n", (long)result->Status);
    return -1;
}

/* Completions, at most count; negative: the queue is damaged. */
static int64_t completions_take(struct rio *rio, uint64_t count)
{
    ULONG taken = rio->fn.RIODequeueCompletion(rio->queue, rio->results,
                                               (ULONG)(count < BENCH_RIO_TAKEN ? count : BENCH_RIO_TAKEN));

    if (taken == RIO_CORRUPT_CQ) {
        (void)fprintf(stderr, "udp_rate: the completion queue is damaged\n");
        return -1;
    }
    if (taken == 0) {
        YieldProcessor(); /* a thread that shares the core has more of it */
    }
    return (int64_t)taken;
}

static int64_t rio_send(struct udp_end *end, uint64_t count)
{
    struct rio *rio = end->own;
    int64_t taken = completions_take(rio, BENCH_RIO_TAKEN);
    uint64_t room;

    if (taken < 0) {
        return -1;
    }
    for (int64_t i = 0; i < taken; i++) {
        if (rio->results[i].Status != 0) {
            return completion_wrong(&rio->results[i]);
        }
    }
    rio->done += (uint64_t)taken;
    room = end->depth - (rio->posted - rio->done);
    count = count < room ? count : room;
    for (uint64_t i = 0; i < count; i++) {
        RIO_BUF slice = slice_of(end, rio, rio->posted);
        udp_number_write(rio->data + slice.Offset, end->next++);
        if (!rio->fn.RIOSend(rio->requests, &slice, 1, i + 1 < count ? RIO_MSG_DEFER : 0, NULL)) {
            (void)bench_fail("udp_rate", "RIOSend");
            return -1;
        }
        rio->posted++;
    }
    return (int64_t)count;
}

static int64_t rio_receive(struct udp_end *end, uint64_t count)
{
    struct rio *rio = end->own;
    int64_t taken = completions_take(rio, count);

    for (int64_t i = 0; i < taken; i++) {
        RIO_BUF slice = slice_of(end, rio, rio->done++);
        if (rio->results[i].Status != 0) {
            return completion_wrong(&rio->results[i]);
        }
        if (udp_number_check(end, rio->data + slice.Offset, rio->results[i].BytesTransferred) != 0) {
            return -1;
        }
    }
    return taken < 0 || receives_post(end, rio, (uint64_t)taken) != 0 ? -1 : taken;
}

static void rio_close(struct udp_end *end)
{
    struct rio *rio = end->own;

    if (end->sock != INVALID_SOCKET) {
        (void)closesocket(end->sock);
    }
    if (rio == NULL) {
        return;
    }
    if (rio->queue != RIO_INVALID_CQ) {
        rio->fn.RIOCloseCompletionQueue(rio->queue);
    }
    if (rio->buffer != RIO_INVALID_BUFFERID) {
        rio->fn.RIODeregisterBuffer(rio->buffer);
    }
    free(rio->data);
    free(rio);
}

const struct udp_way udp_way_rio = {"rio", rio_open, rio_send, rio_receive, rio_close};
