#include "reference.h"
#include "run.h"

#include "nic/reader.h"
#include "replay/receive.h"
#include "stack/err.h"

#include <stdio.h>
#include <string.h>

struct mode {
    struct stk_run *run;
    struct stk_reference *reference; /**< NULL: the capture is too long for it */
    uint64_t unused;                 /**< packets that are no gap and were not taken, of all conversations */
    uint64_t unused_packet;
    const char *unused_reason;
};

static void mode_data(void *context, const struct nic_conv *conv, int side, const void *data, size_t len)
{
    struct mode *mode = context;
    if (mode->reference != NULL) {
        stk_reference_delivered(mode->reference, conv->number, side, data, len);
    }
}

/* What is not among the bad packets, and a receiver throws away all the same. */
static void unused_note(struct mode *mode, const struct stk_receive_side *side)
{
    if (side->dropped == 0 || strncmp(side->reason, "wrong checksum", 14) == 0) {
        return;
    }
    mode->unused += side->dropped;
    if (mode->unused_packet == 0 || side->drop_packet < mode->unused_packet) {
        mode->unused_packet = side->drop_packet;
        mode->unused_reason = side->reason;
    }
}

/* What is missing is said with its packet, and fails the case: the capture does not hold what was read, or the stack lost it. */
static void side_judge(struct mode *mode, const struct stk_receive_result *result, int number)
{
    static const char *const names[] = {"out", "in"};
    const struct stk_receive_side *side = &result->side[number];
    const uint64_t sent = result->conv->proto == 17 ? side->sent_datagrams : side->sent_bytes;
    const uint64_t given = result->conv->proto == 17 ? side->datagrams : side->bytes;

    if (given >= sent && side->ending != STK_RECEIVE_BROKEN && side->gap_packet == 0) {
        unused_note(mode, side);
        return;
    }
    stk_run_fault(mode->run, STK_FAULT_MISSING,
                  "conversation %llu, %s: %llu of %llu %s were delivered, %s packet %llu%s%s",
                  (unsigned long long)result->conv->number, names[number], (unsigned long long)given,
                  (unsigned long long)sent, result->conv->proto == 17 ? "datagrams" : "bytes",
                  given < sent ? "a gap before" : "and not", (unsigned long long)side->gap_packet,
                  side->reason != NULL ? ": " : "", side->reason != NULL ? side->reason : "");
}

static void mode_end(void *context, const struct stk_receive_result *result)
{
    struct mode *mode = context;
    struct stk_actor_result *actor = &mode->run->actor;
    const uint64_t number = result->conv->number;
    side_judge(mode, result, 0);
    side_judge(mode, result, 1);
    struct stk_actor_stream *stream = stk_actor_stream(actor, number);
    if (stream == NULL) {
        return;
    }
    stream->out_bytes = result->side[0].bytes;
    stream->in_bytes = result->side[1].bytes;
    memcpy(stream->out_digest, result->side[0].sha256, STK_SHA256_BYTES);
    memcpy(stream->in_digest, result->side[1].sha256, STK_SHA256_BYTES);
}

static enum stk_receive_sums sums_of(const struct stk_case *of)
{
    if (strcmp(of->checksum, "verify") == 0) {
        return STK_RECEIVE_VERIFY;
    }
    return strcmp(of->checksum, "ignore") == 0 ? STK_RECEIVE_IGNORE : STK_RECEIVE_AUTO;
}

/* A digest takes as long as all the rest: it is made for those who look at it. */
static bool digests_wanted(const struct stk_case *of)
{
    bool wanted = of->digests;
    for (uint32_t i = 0; i < of->expects_count; i++) {
        wanted = wanted || (of->expects[i].kind == STK_EXPECT_STREAM && strstr(of->expects[i].text, "sha256") != NULL);
    }
    return wanted;
}

/* @return  The capture was played to its end. */
static bool play(struct mode *mode, struct nic_reader *reader)
{
    struct stk_run *run = mode->run;
    struct stk_receive_totals totals;
    char reason[NIC_READER_REASON_SIZE] = "";
    const bool output = run->of->output || run->of->golden[0] != '\0';
    const struct stk_receive_conf conf = {.sums = sums_of(run->of),
                                          .seed = run->of->seed,
                                          .digests = digests_wanted(run->of),
                                          .capture = output ? run->capture : NULL,
                                          .stop_packet = run->of->stop_at,
                                          .data = mode_data,
                                          .end = mode_end,
                                          .context = mode};
    const int err = stk_receive_run(&conf, reader, &totals, reason);
    run->numbers.finished = true;
    run->numbers.packets_read = totals.packets;
    run->numbers.conversations = totals.conversations;
    run->numbers.conversations_finished = totals.conversations - totals.incomplete;
    run->numbers.left_out = totals.bad + totals.others + totals.orphans;
    if (mode->unused > 0) {
        stk_run_note(run, "not taken: packet %llu, and %llu more in its stream or others: %s",
                     (unsigned long long)mode->unused_packet, (unsigned long long)mode->unused - 1,
                     mode->unused_reason);
    }
    if (totals.bad > 0) {
        stk_run_fault(run, STK_FAULT_GAP, "packet %llu: %s; bad packets in all: %llu",
                      (unsigned long long)totals.bad_packet, totals.bad_reason, (unsigned long long)totals.bad);
    }
    if (totals.cut > 0) {
        stk_run_fault(run, STK_FAULT_MISSING, "%llu packets snapped in their headers, from packet %llu on",
                      (unsigned long long)totals.cut, (unsigned long long)totals.cut_packet);
    }
    if (totals.orphans > 0) {
        stk_run_fault(run, STK_FAULT_MISSING, "%llu fragments without a first one, from packet %llu on",
                      (unsigned long long)totals.orphans, (unsigned long long)totals.orphan_packet);
    }
    if (err != STK_OK) {
        stk_run_fault(run, err == STK_EPROTO || err == STK_EMFILE ? STK_FAULT_MISSING : STK_FAULT_SETUP, "refused: %s",
                      reason[0] != '\0' ? reason : stk_err_text(err));
    }
    return err == STK_OK;
}

void stk_run_receive(struct stk_run *run)
{
    struct mode mode = {.run = run};
    struct nic_reader *reader = NULL;
    char reason[NIC_READER_REASON_SIZE] = "";
    bool whole = false;
    const int made = stk_reference_make(run->of, &mode.reference);
    const int err = nic_reader_open(run->of->capture, &reader, reason);
    if (err != STK_OK) {
        char place[STK_CASE_ERROR_SIZE];
        stk_run_fault(run, STK_FAULT_SETUP, "%s%.400s: %s", stk_case_place(run->of, "capture", place), run->of->capture,
                      reason);
    } else {
        whole = play(&mode, reader);
        nic_reader_close(reader);
    }
    if (mode.reference == NULL && whole) {
        stk_run_note(run, "not compared: what was delivered with what the packets hold: %s",
                     made == STK_ENOMEM ? "the capture holds too much for that" : stk_err_text(made));
    }
    if (mode.reference != NULL && whole && run->of->stop_at == 0) {
        char why[STK_RUN_TEXT];
        for (uint32_t i = 0; stk_reference_fault(mode.reference, i, why, sizeof(why)); i++) {
            stk_run_fault(run, STK_FAULT_REFERENCE, "%s", why);
        }
    }
    stk_reference_free(mode.reference);
}
