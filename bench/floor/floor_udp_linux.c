/*
 * The floor under bench udp: the same two threads, bare frames instead of a stack.
 *
 *   floor_udp [--size 64] [--count 2000000] [--poll-cpu 1] [--key ring_pair=floor]
 *
 * The calling thread stands for the application: it leaves messages of size bytes in a ring, up to 256 on the way, and takes
 * them out of another. The polling thread copies each into a frame of port A, sends them in bursts, receives them from port B
 * and copies them into the other ring. A frame has the bytes of the message and those of its headers.
 *
 * Prints count, mean_rate_per_s, and rate_per_s: that of the median of stretches of 1024 messages.
 */
#include "floor_linux.h"
#include "samples.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 1024u
#define SLOT_BYTES 1536u
#define HEADERS 42u
#define WINDOW 256u
#define BATCH 64u
#define CHUNK 1024u

/* One way between the threads. Each count has one writer. */
struct lane {
    /* Edge F: release after the messages are written; acquire before they are read. */
    _Alignas(128) _Atomic uint64_t written;
    /* Edge G: release after they were read; acquire before their slots are written again. */
    _Alignas(128) _Atomic uint64_t read;
    _Alignas(128) uint8_t slots[SLOTS][SLOT_BYTES];
};

struct floor {
    struct nic_port *ports[2];
    struct lane out;
    struct lane in;
    uint64_t size;
    _Alignas(128) _Atomic bool stop;
    _Atomic uint64_t faults;
};

static uint8_t *slot_of(struct lane *lane, uint64_t number)
{
    return lane->slots[number % SLOTS];
}

static void burst_send(struct floor *floor)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint64_t at = atomic_load_explicit(&floor->out.read, memory_order_relaxed);
    uint64_t there = atomic_load_explicit(&floor->out.written, memory_order_acquire) - at; /* edge F */
    uint32_t count = 0;

    while (count < there && count < NIC_BURST_MAX) {
        struct nic_buf *buf = nic_buf_alloc(floor->ports[0]);
        if (buf == NULL) {
            break;
        }
        memcpy(buf->data + HEADERS, slot_of(&floor->out, at + count), (size_t)floor->size);
        buf->len = (uint32_t)floor->size + HEADERS;
        buf->pkt_len = buf->len;
        bufs[count++] = buf;
    }
    if (count == 0) {
        return;
    }
    for (uint32_t sent = nic_tx_burst(floor->ports[0], bufs, count, 0); sent < count; sent++) {
        nic_buf_free(bufs[sent]);
        atomic_fetch_add(&floor->faults, 1);
    }
    atomic_store_explicit(&floor->out.read, at + count, memory_order_release); /* edge G */
}

static void burst_receive(struct floor *floor)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint32_t count = nic_rx_burst(floor->ports[1], bufs, NIC_BURST_MAX, 0);
    uint64_t at = atomic_load_explicit(&floor->in.written, memory_order_relaxed);

    for (uint32_t i = 0; i < count; i++) { /* the window is smaller than the lane: there is room */
        memcpy(slot_of(&floor->in, at + i), bufs[i]->data + HEADERS, (size_t)floor->size);
        nic_buf_free(bufs[i]);
    }
    if (count > 0) {
        atomic_store_explicit(&floor->in.written, at + count, memory_order_release); /* edge F */
    }
}

static void *poll_run(void *context)
{
    struct floor *floor = context;

    while (!atomic_load_explicit(&floor->stop, memory_order_relaxed)) {
        burst_send(floor);
        burst_receive(floor);
    }
    return NULL;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Take what is there, up to a batch; -1: another message than the next. */
static int64_t take(struct floor *floor, uint64_t received)
{
    uint64_t there = atomic_load_explicit(&floor->in.written, memory_order_acquire) - received; /* edge F */
    uint64_t count = less(there, BATCH);

    for (uint64_t i = 0; i < count; i++) {
        uint64_t number;
        memcpy(&number, slot_of(&floor->in, received + i), sizeof(number));
        if (number != received + i) {
            return -1;
        }
    }
    return (int64_t)count;
}

static int measure(struct floor *floor, uint64_t count, struct bench_samples *samples)
{
    uint8_t message[SLOT_BYTES] = {0};
    uint64_t begin = floor_now_ns();
    uint64_t chunk_ns = begin;
    uint64_t chunk_end = CHUNK;
    uint64_t sent = 0;

    for (uint64_t received = 0; received < count;) {
        uint64_t batch = less(BATCH, less(WINDOW - (sent - received), count - sent));
        for (uint64_t i = 0; i < batch; i++) {
            uint64_t number = sent + i;
            memcpy(message, &number, sizeof(number));
            memcpy(slot_of(&floor->out, number), message, (size_t)floor->size);
        }
        sent += batch;
        atomic_store_explicit(&floor->out.written, sent, memory_order_release); /* edge F */
        int64_t got = take(floor, received);
        if (got < 0 || atomic_load_explicit(&floor->faults, memory_order_relaxed) != 0) {
            (void)fprintf(stderr, "floor_udp: message %" PRIu64 " was lost\n", received);
            return -1;
        }
        received += (uint64_t)got;
        if (received >= chunk_end) {
            uint64_t now = floor_now_ns();
            bench_samples_add(samples, (now - chunk_ns) * CHUNK / (received - chunk_end + CHUNK));
            chunk_ns = now;
            chunk_end = received + CHUNK;
        }
    }
    (void)printf("count %" PRIu64 "\nmean_rate_per_s %.0f\n", count,
                 (double)count * 1e9 / (double)(floor_now_ns() - begin));
    if (samples->count > 0) {
        (void)printf("rate_per_s %.0f\n", (double)CHUNK * 1e9 / (double)bench_samples_median(samples));
    }
    return 0;
}

static int run(struct floor *floor, uint64_t count, uint64_t cpu)
{
    struct bench_samples samples = {0};
    pthread_t thread;
    int status = 1;

    if (bench_samples_open(&samples, (size_t)(count / CHUNK + 1)) != 0) {
        return 1;
    }
    if (floor_thread_start(&thread, cpu, poll_run, floor) == 0) {
        status = measure(floor, count, &samples) == 0 ? 0 : 1;
        atomic_store(&floor->stop, true);
        (void)pthread_join(thread, NULL);
    }
    bench_samples_close(&samples);
    return status;
}

static int args_parse(int argc, char **argv, struct nic_kv *kv, uint64_t *const numbers[3])
{
    static const char *const names[3] = {"--size", "--count", "--poll-cpu"};

    for (int i = 1; i + 1 < argc; i += 2) {
        bool known = false;
        for (int n = 0; n < 3; n++) {
            if (strcmp(argv[i], names[n]) == 0) {
                *numbers[n] = strtoull(argv[i + 1], NULL, 10);
                known = true;
            }
        }
        if (strcmp(argv[i], "--key") == 0 && strchr(argv[i + 1], '=') != NULL) {
            *strchr(argv[i + 1], '=') = '\0';
            kv->key = argv[i + 1];
            kv->value = argv[i + 1] + strlen(argv[i + 1]) + 1;
            known = true;
        }
        if (!known) {
            (void)fprintf(stderr, "floor_udp: %s: no such option\n", argv[i]);
            return -1;
        }
    }
    return argc % 2 == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
    uint64_t count = 2000000;
    uint64_t cpu = 1;
    uint64_t size = 64;
    struct nic_kv args[2] = {{"ring_pair", "floor", 0}, {"hugepages", "no", 0}};
    struct floor *floor = aligned_alloc(128, sizeof(struct floor));
    int status = 2;

    if (floor == NULL || args_parse(argc, argv, &args[0], (uint64_t *const[]){&size, &count, &cpu}) != 0) {
        goto free_floor;
    }
    memset(floor, 0, sizeof(*floor));
    floor->size = size;
    if (size < 8 || size > 1472 || count == 0 || cpu >= CPU_SETSIZE) {
        (void)fprintf(stderr, "floor_udp: --size 8 to 1472, --count from 1, --poll-cpu a processor\n");
        goto free_floor;
    }
    if (floor_port_open(0, "dpdk", args, 2, &floor->ports[0]) != 0) {
        goto free_floor;
    }
    status = 1;
    if (floor_port_open(1, "dpdk", args, 2, &floor->ports[1]) == 0) {
        status = run(floor, count, cpu);
        nic_port_close(floor->ports[1]);
    }
    nic_port_close(floor->ports[0]);
free_floor:
    free(floor);
    return status;
}
