/** @file Capture files of any content, played to the stack: its receive path under frames that nobody sends. */
#include "nic/reader.h"
#include "replay/receive.h"
#include "stack/err.h"
#include "stack/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* Every input makes an engine of some megabytes: memory that was freed is to be used again soon. */
__attribute__((used, visibility("default"))) const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8";
}

struct counts {
    uint64_t conversations;
    uint64_t given;  /**< bytes that came as data */
    uint64_t summed; /**< bytes that the results name */
};

static void holds(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

static void on_data(void *context, const struct nic_conv *conv, int side, const void *data, size_t len)
{
    struct counts *counts = context;

    holds(conv->number != 0 && (side == 0 || side == 1) && (data != NULL || len == 0), "data has its conversation");
    counts->given += len;
}

static void on_end(void *context, const struct stk_receive_result *result)
{
    struct counts *counts = context;

    counts->conversations++;
    for (int side = 0; side < 2; side++) {
        const struct stk_receive_side *s = &result->side[side];

        counts->summed += s->bytes;
        holds(s->begin != STK_RECEIVE_NOT_BEGUN || s->bytes == 0, "no bytes without a beginning");
        holds(result->conv->proto == 6 || s->ending == STK_RECEIVE_OPEN, "datagrams have no end");
        holds(s->dropped == 0 || s->drop_packet != 0, "what was dropped has its packet");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[NIC_READER_REASON_SIZE] = "";
    struct counts counts = {0};
    struct stk_receive_totals totals;
    struct nic_reader *reader;
    const struct stk_receive_conf conf = {.sums = (enum stk_receive_sums)(size % 3),
                                          .window_ns = size % 2 != 0 ? 0 : UINT64_MAX,
                                          .convs_max = 8,
                                          .idle_ns = 1000000000,
                                          .buffers = 512,
                                          .data = on_data,
                                          .end = on_end,
                                          .context = &counts};

    stk_log_level_set(STK_LOG_ERROR);
    FILE *stream = size != 0 ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
    if (stream == NULL) {
        return 0;
    }
    if (nic_reader_open_stream(stream, &reader, reason) != 0) {
        return 0;
    }
    const int err = stk_receive_run(&conf, reader, &totals, reason);
    holds(err == 0 || err == STK_EPROTO || err == STK_EMFILE, "how a run ends");
    holds((err == 0) == (reason[0] == '\0'), "a refusal has its reason");
    holds(counts.given == counts.summed && counts.given == totals.bytes, "every byte is counted");
    holds(counts.conversations == totals.conversations, "every conversation ends");
    nic_reader_close(reader);
    return 0;
}
