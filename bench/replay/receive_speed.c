/*
 * How fast a capture is played in receive-only mode, also with a digest of every stream, beside the floor: the same file
 * only read.
 *
 *   receive_speed FILE [--sha256|--read]     prints words: packets ns cpu_ns bytes incomplete peak_bytes
 */
#include "nic/reader.h"
#include "replay/receive.h"
#include "stack/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t peak_bytes(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

/* Of this process, which has one thread: what other work on the machine hardly moves. */
static uint64_t cpu_ns(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * STK_S_NS + (uint64_t)used.tv_nsec;
}

static int read_only(struct nic_reader *reader, struct stk_receive_totals *totals, char *reason)
{
    struct nic_packet packet;
    int got;
    while ((got = nic_reader_next(reader, &packet)) == 1) {
        totals->packets++;
        totals->bytes += packet.len;
    }
    (void)snprintf(reason, NIC_READER_REASON_SIZE, "%s", nic_reader_reason(reader));
    return got;
}

int main(int argc, char **argv)
{
    struct stk_receive_totals totals = {0};
    struct nic_reader *reader;
    char reason[NIC_READER_REASON_SIZE] = "";
    const bool floor = argc == 3 && strcmp(argv[2], "--read") == 0;
    const bool digests = argc == 3 && strcmp(argv[2], "--sha256") == 0;
    const struct stk_receive_conf conf = {.sums = STK_RECEIVE_AUTO, .digests = digests};

    if (argc < 2 || (argc > 2 && !floor && !digests)) {
        (void)fprintf(stderr, "usage: receive_speed FILE [--sha256|--read]\n");
        return 2;
    }
    int err = nic_reader_open(argv[1], &reader, reason);
    if (err == 0) {
        const uint64_t began = stk_clock_ns(), cpu_began = cpu_ns();
        err = floor ? read_only(reader, &totals, reason) : stk_receive_run(&conf, reader, &totals, reason);
        const uint64_t took = stk_clock_ns() - began, cpu_took = cpu_ns() - cpu_began;
        printf("packets=%" PRIu64 " ns=%" PRIu64 " cpu_ns=%" PRIu64 " bytes=%" PRIu64 " incomplete=%" PRIu64
               " peak_bytes=%" PRIu64 "\n",
               totals.packets, took, cpu_took, totals.bytes, totals.incomplete, peak_bytes());
        nic_reader_close(reader);
    }
    if (err != 0) {
        (void)fprintf(stderr, "receive_speed: %s: %s\n", argv[1], reason);
    }
    return err == 0 ? 0 : 1;
}
