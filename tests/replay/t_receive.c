/*
 * Plays captures in receive-only mode and prints what came out, a line per stream, for replay_test.py and the benchmark.
 *
 *   t_receive [--sums verify|ignore|auto] [--window NS] [--convs N] [--buffers N] [--out FOLDER] [--record FILE] [--quiet]
 *             [--stop N] FILE
 *
 * Exit status: 0: played to its end; 1: refused, with the reason on standard output; 2: usage.
 */
#include "replay/receive.h"
#include "stack/api.h"
#include "stack/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct stk_receive_conf conf;
    const char *out;
    const char *file;
    bool quiet;
};

static void end_print(const struct nic_conv *conv, int side)
{
    const uint8_t *ip = conv->addr[side];
    if (conv->ip == 4) {
        printf("%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    } else {
        for (int i = 0; i < 16; i += 2) {
            printf("%s%x", i == 0 ? "[" : ":", (unsigned)(ip[i] << 8 | ip[i + 1]));
        }
        printf("]");
    }
    printf(":%u", conv->port[side]);
}

static void on_end(void *context, const struct stk_receive_result *result)
{
    static const char *const begins[] = {"none", "syn", "mid", "datagrams"};
    static const char *const endings[] = {"open", "fin", "rst", "broken"};
    const struct options *options = context;

    for (int side = 0; side < 2 && !options->quiet; side++) {
        const struct stk_receive_side *s = &result->side[side];
        char digest[STK_SHA256_TEXT];
        stk_sha256_text(s->sha256, digest);
        printf("stream %" PRIu64 ".%d %s ", result->conv->number, side, result->conv->proto == 6 ? "tcp" : "udp");
        end_print(result->conv, side);
        printf(" > ");
        end_print(result->conv, !side);
        printf(" packets=%" PRIu64 " bytes=%" PRIu64 " of=%" PRIu64 " datagrams=%" PRIu64 "/%" PRIu64
               " begin=%s end=%s gap=%" PRIu64 " dropped=%" PRIu64 "@%" PRIu64 " sha256=%s%s%s\n",
               s->packets, s->bytes, s->sent_bytes, s->datagrams, s->sent_datagrams, begins[s->begin],
               endings[s->ending], s->gap_packet, s->dropped, s->drop_packet, digest,
               s->reason != NULL ? " reason=" : "", s->reason != NULL ? s->reason : "");
    }
}

static void on_data(void *context, const struct nic_conv *conv, int side, const void *data, size_t len)
{
    const struct options *options = context;
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%" PRIu64 ".%d", options->out, conv->number, side);
    FILE *file = fopen(path, "ab");
    if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static bool option_take(struct options *options, const char *name, const char *value)
{
    static const char *const sums[] = {"verify", "ignore", "auto"};

    if (strcmp(name, "--sums") == 0) {
        for (unsigned i = 0; i < 3; i++) {
            if (strcmp(value, sums[i]) == 0) {
                options->conf.sums = (enum stk_receive_sums)i;
                return true;
            }
        }
        return false;
    }
    if (strcmp(name, "--window") == 0) {
        options->conf.window_ns = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--convs") == 0) {
        options->conf.convs_max = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--buffers") == 0) {
        options->conf.buffers = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--stop") == 0) {
        options->conf.stop_packet = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--out") == 0) {
        options->out = value;
    } else if (strcmp(name, "--record") == 0) {
        options->conf.capture = value;
    } else {
        return false;
    }
    return true;
}

static bool options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){.conf = {.sums = STK_RECEIVE_AUTO, .digests = true, .end = on_end}};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quiet") == 0) {
            options->quiet = true;
        } else if (strncmp(argv[i], "--", 2) != 0) {
            options->file = argv[i];
        } else if (i + 1 == argc || !option_take(options, argv[i], argv[i + 1])) {
            return false;
        } else {
            i++;
        }
    }
    options->conf.context = options;
    options->conf.data = options->out != NULL ? on_data : NULL;
    return options->file != NULL;
}

int main(int argc, char **argv)
{
    struct options options;
    struct stk_receive_totals t;
    struct nic_reader *reader;
    char reason[NIC_READER_REASON_SIZE] = "";

    if (!options_read(&options, argc, argv)) {
        (void)fprintf(
            stderr,
            "usage: t_receive [--sums S] [--window NS] [--convs N] [--buffers N] [--out FOLDER] [--record FILE] "
            "[--quiet] [--stop N] FILE\n");
        return 2;
    }
    if (nic_reader_open(options.file, &reader, reason) != 0) {
        printf("refused %s\n", reason);
        return 1;
    }
    const uint64_t began = stk_clock_ns();
    const int err = stk_receive_run(&options.conf, reader, &t, reason);
    const uint64_t took = stk_clock_ns() - began;
    printf("total packets=%" PRIu64 " tcp=%" PRIu64 " udp=%" PRIu64 " fragments=%" PRIu64 " others=%" PRIu64
           " bad=%" PRIu64 "@%" PRIu64 " orphans=%" PRIu64 "@%" PRIu64 " conversations=%" PRIu64 " incomplete=%" PRIu64
           " bytes=%" PRIu64 "%s%s\n",
           t.packets, t.tcp, t.udp, t.fragments, t.others, t.bad, t.bad_packet, t.orphans, t.orphan_packet,
           t.conversations, t.incomplete, t.bytes, t.bad != 0 ? " reason=" : "", t.bad != 0 ? t.bad_reason : "");
    if (err != 0) {
        printf("refused %s\n", reason);
    }
    (void)fprintf(stderr, "%.0f packets/s\n", (double)t.packets * 1e9 / (double)(took != 0 ? took : 1));
    nic_reader_close(reader);
    return err == 0 ? 0 : 1;
}
