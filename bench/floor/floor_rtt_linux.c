/*
 * The floor under bench rtt: the same two threads and the same core crossings, bare frames instead of a stack.
 *
 *   floor_rtt [--size 64] [--count 200000] [--warmup 20000] [--poll-cpu 1] [--driver dpdk] [--key ring_pair=floor]
 *
 * The calling thread stands for the application. It leaves size bytes in the mailbox of port A; the polling thread
 * copies them into a frame of port A, sends it, receives it from port B and copies it into B's mailbox; the calling
 * thread sends it back the same way. One round trip is two frames and four crossings between the cores, as with
 * sockets. The two ports are joined by rings; each frame is size bytes in all.
 */
#include "floor_linux.h"
#include "samples.h"

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOOR_SIZE_MAX 1514

/** One way of one mailbox: a sequence number says how many times data was left. One writer a line. */
struct mailbox {
    /* Edge F: release after the data is written; acquire before it is read. */
    _Alignas(128) _Atomic uint64_t left;
    _Alignas(64) uint8_t data[FLOOR_SIZE_MAX];
};

struct floor {
    struct nic_port *ports[2];
    struct mailbox to_poll[2]; /**< from the application, for sending on that port */
    struct mailbox to_app[2];  /**< received on that port */
    uint64_t seen[2];          /**< the polling thread's */
    uint64_t size;
    _Alignas(128) _Atomic bool stop;
    _Atomic uint64_t faults;
};

/* Sends what the application left for a port. */
static void port_send(struct floor *floor, int port)
{
    struct mailbox *box = &floor->to_poll[port];
    struct nic_buf *buf;

    if (atomic_load_explicit(&box->left, memory_order_acquire) == floor->seen[port]) { /* edge F */
        return;
    }
    floor->seen[port]++;
    buf = nic_buf_alloc(floor->ports[port]);
    if (buf == NULL) {
        atomic_fetch_add(&floor->faults, 1);
        return;
    }
    memcpy(buf->data, box->data, (size_t)floor->size);
    buf->len = (uint32_t)floor->size;
    buf->pkt_len = (uint32_t)floor->size;
    if (nic_tx_burst(floor->ports[port], &buf, 1, 0) != 1) {
        nic_buf_free(buf);
        atomic_fetch_add(&floor->faults, 1);
    }
}

static void port_receive(struct floor *floor, int port)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint32_t count = nic_rx_burst(floor->ports[port], bufs, NIC_BURST_MAX, 0);
    struct mailbox *box = &floor->to_app[port];

    for (uint32_t i = 0; i < count; i++) {
        if (bufs[i]->len == floor->size) {
            memcpy(box->data, bufs[i]->data, (size_t)floor->size);
            atomic_fetch_add_explicit(&box->left, 1, memory_order_release); /* edge F */
        } else {
            atomic_fetch_add(&floor->faults, 1);
        }
        nic_buf_free(bufs[i]);
    }
}

static void *poll_run(void *context)
{
    struct floor *floor = context;

    while (!atomic_load_explicit(&floor->stop, memory_order_relaxed)) {
        port_send(floor, 0);
        port_receive(floor, 1);
        port_send(floor, 1);
        port_receive(floor, 0);
    }
    return NULL;
}

/* Application side: leave size bytes for a port, wait until the other port's mailbox has the next ones. */
static int cross(struct floor *floor, int port, uint8_t *data, uint64_t sequence)
{
    struct mailbox *out = &floor->to_poll[port];
    struct mailbox *in = &floor->to_app[1 - port];

    memcpy(out->data, data, (size_t)floor->size);
    atomic_store_explicit(&out->left, sequence, memory_order_release);          /* edge F */
    while (atomic_load_explicit(&in->left, memory_order_acquire) != sequence) { /* edge F */
        if (atomic_load_explicit(&floor->faults, memory_order_relaxed) != 0) {
            return -1;
        }
    }
    memcpy(data, in->data, (size_t)floor->size);
    return 0;
}

static int measure(struct floor *floor, struct bench_samples *samples, uint64_t warmup)
{
    uint8_t data[FLOOR_SIZE_MAX];
    uint64_t start;

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + 1);
    }
    start = floor_now_ns();
    for (uint64_t i = 1; i <= warmup + samples->capacity; i++) {
        uint64_t end;
        if (cross(floor, 0, data, i) != 0 || cross(floor, 1, data, i) != 0) {
            (void)fprintf(stderr, "floor_rtt: a frame was lost\n");
            return -1;
        }
        end = floor_now_ns();
        if (i > warmup) {
            bench_samples_add(samples, end - start);
        }
        start = end;
    }
    for (size_t i = 0; i < floor->size; i++) {
        if (data[i] != (uint8_t)(i * 7 + 1)) {
            (void)fprintf(stderr, "floor_rtt: the bytes differ\n");
            return -1;
        }
    }
    return 0;
}

static int run(struct floor *floor, struct bench_samples *samples, uint64_t warmup, uint64_t cpu)
{
    struct nic_port_stats stats[2];
    uint64_t frames = 0;
    pthread_t thread;
    int status;

    if (floor_thread_start(&thread, cpu, poll_run, floor) != 0) {
        return 1;
    }
    status = measure(floor, samples, warmup) == 0 ? 0 : 1;
    atomic_store(&floor->stop, true);
    (void)pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++) {
        nic_port_stats_read(floor->ports[i], &stats[i]);
        frames += stats[i].rx_frames;
    }
    if (status == 0 && frames < 2 * (warmup + samples->count)) {
        (void)fprintf(stderr, "floor_rtt: only %" PRIu64 " frames crossed\n", frames);
        status = 1;
    }
    if (status == 0) {
        (void)printf("frames %" PRIu64 "\n", frames);
        bench_samples_print(samples);
    }
    return status;
}

/* Reads "--name VALUE" pairs of numbers, and --key K=V for both ports. */
static int args_parse(int argc, char **argv, struct nic_kv *kv, uint64_t *const numbers[4], const char **driver)
{
    static const char *const names[4] = {"--size", "--count", "--warmup", "--poll-cpu"};

    for (int i = 1; i + 1 < argc; i += 2) {
        bool known = false;
        for (int n = 0; n < 4; n++) {
            if (strcmp(argv[i], names[n]) == 0) {
                *numbers[n] = strtoull(argv[i + 1], NULL, 10);
                known = true;
            }
        }
        if (strcmp(argv[i], "--driver") == 0) {
            *driver = argv[i + 1];
            known = true;
        } else if (strcmp(argv[i], "--key") == 0 && strchr(argv[i + 1], '=') != NULL) {
            *strchr(argv[i + 1], '=') = '\0';
            kv->key = argv[i + 1];
            kv->value = argv[i + 1] + strlen(argv[i + 1]) + 1;
            known = true;
        }
        if (!known) {
            (void)fprintf(stderr, "floor_rtt: %s: no such option\n", argv[i]);
            return -1;
        }
    }
    return argc % 2 == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
    uint64_t count = 200000;
    uint64_t warmup = 20000;
    uint64_t cpu = 1;
    uint64_t size = 64;
    const char *driver = "dpdk";
    struct nic_kv args[2] = {{"ring_pair", "floor", 0}, {"hugepages", "no", 0}};
    size_t args_count;
    struct bench_samples samples = {0};
    struct floor *floor = aligned_alloc(128, sizeof(struct floor));
    int status = 2;

    if (floor == NULL || args_parse(argc, argv, &args[0], (uint64_t *const[]){&size, &count, &warmup, &cpu}, &driver)) {
        goto free_floor;
    }
    memset(floor, 0, sizeof(*floor));
    floor->size = size;
    if (size < 60 || size > FLOOR_SIZE_MAX || count == 0 || cpu >= CPU_SETSIZE) {
        (void)fprintf(stderr, "floor_rtt: --size 60 to %d, --count from 1, --poll-cpu a processor\n", FLOOR_SIZE_MAX);
        goto free_floor;
    }
    args_count = strcmp(driver, "dpdk") == 0 ? 2 : 1;
    if (bench_samples_open(&samples, (size_t)count) != 0 ||
        floor_port_open(0, driver, args, args_count, &floor->ports[0]) != 0) {
        goto close_samples;
    }
    status = 1;
    if (floor_port_open(1, driver, args, args_count, &floor->ports[1]) != 0) {
        goto close_first;
    }
    status = run(floor, &samples, warmup, cpu);
    nic_port_close(floor->ports[1]);
close_first:
    nic_port_close(floor->ports[0]);
close_samples:
    bench_samples_close(&samples);
free_floor:
    free(floor);
    return status;
}
