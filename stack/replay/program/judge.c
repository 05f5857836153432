#include "run.h"

#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIFF_BYTES 8192

/* Removes what the case says that it expects, and keeps the rest. */
static void expected_remove(struct stk_run *run, enum stk_fault_kind kind, uint64_t there, uint64_t expected,
                            const char *what)
{
    const bool right = there == expected;
    bool said = false;
    uint32_t kept = 0;
    const uint32_t count = run->faults_count < STK_RUN_FAULTS_MAX ? run->faults_count : STK_RUN_FAULTS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (run->faults[i].kind == kind && right) {
            continue;
        }
        said = said || run->faults[i].kind == kind;
        run->faults[kept++] = run->faults[i];
    }
    run->faults_count = kept;
    if (!right && (there < expected || !said)) {
        stk_run_fault(run, kind, "expected %llu %s, there were %llu", (unsigned long long)expected, what,
                      (unsigned long long)there);
    }
}

/* Of "conversation=1 packet=N REASON", or "packet N: REASON". */
static const char *gap_reason(const struct stk_fault *fault, unsigned long long *packet)
{
    const char *at = strstr(fault->text, "packet");
    char *end = NULL;
    if (at == NULL) {
        *packet = 0;
        return fault->text;
    }
    *packet = strtoull(at + 7, &end, 10);
    return end + strspn(end, ": ");
}

/* Whoever expects nothing of what is left out is told of it all the same: a line a reason. */
static void left_out_tell(struct stk_run *run)
{
    const uint32_t count = run->faults_count < STK_RUN_FAULTS_MAX ? run->faults_count : STK_RUN_FAULTS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        unsigned long long first = 0;
        unsigned long long other = 0;
        uint32_t same = 0;
        const char *reason = gap_reason(&run->faults[i], &first);
        bool told = run->faults[i].kind != STK_FAULT_GAP;
        for (uint32_t j = 0; j < count && !told; j++) {
            const bool alike = run->faults[j].kind == STK_FAULT_GAP &&
                               strcmp(gap_reason(&run->faults[j], &other), reason) == 0;
            told = alike && j < i;
            same += alike;
        }
        if (!told) {
            stk_run_note(run, "left out: packet %llu, and %u more like it: %.400s", first, (unsigned)(same - 1),
                         reason);
        }
    }
}

/* "1 in sha256 HEX", "2 out bytes 100". */
static void stream_judge(struct stk_run *run, const struct stk_expect *expect)
{
    unsigned number = 0;
    char side[8], kind[8], value[80], rest[2];
    char have[STK_SHA256_TEXT];
    if (sscanf(expect->text, "%u %7s %7s %79s %1s", &number, side, kind, value, rest) != 4 || number == 0 ||
        (strcmp(side, "in") != 0 && strcmp(side, "out") != 0) ||
        (strcmp(kind, "sha256") != 0 && strcmp(kind, "bytes") != 0)) {
        stk_run_fault(run, STK_FAULT_SETUP, "%s:%u: stream: it is: NUMBER in|out sha256|bytes VALUE", run->of->file,
                      (unsigned)expect->line);
        return;
    }
    if (number > run->actor.streams_count) {
        stk_run_fault(run, STK_FAULT_STREAM, "%s:%u: stream %u: there were %u conversations", run->of->file,
                      (unsigned)expect->line, number, (unsigned)run->actor.streams_count);
        return;
    }
    const struct stk_actor_stream *stream = &run->actor.streams[number - 1];
    const bool in = strcmp(side, "in") == 0;
    if (strcmp(kind, "bytes") == 0) {
        (void)snprintf(have, sizeof(have), "%llu", (unsigned long long)(in ? stream->in_bytes : stream->out_bytes));
    } else {
        stk_sha256_text(in ? stream->in_digest : stream->out_digest, have);
    }
    if (strcmp(have, value) != 0) {
        stk_run_fault(run, STK_FAULT_STREAM, "%s:%u: stream %u %s: expected %s %s, came %s (%llu bytes)", run->of->file,
                      (unsigned)expect->line, number, side, kind, value, have,
                      (unsigned long long)(in ? stream->in_bytes : stream->out_bytes));
    }
}

/* Events are given in their order; all of them, or none. */
static void events_judge(struct stk_run *run)
{
    const char *at = run->actor.events.text != NULL ? run->actor.events.text : "";
    uint32_t seen = 0;
    for (uint32_t i = 0; i < run->of->expects_count; i++) {
        const struct stk_expect *expect = &run->of->expects[i];
        if (expect->kind != STK_EXPECT_EVENT) {
            continue;
        }
        const size_t len = strcspn(at, "\n");
        seen++;
        if (len != strlen(expect->text) || strncmp(at, expect->text, len) != 0) {
            stk_run_fault(run, STK_FAULT_EVENT, "%s:%u: event %u: expected '%s', came '%.*s'", run->of->file,
                          (unsigned)expect->line, (unsigned)seen, expect->text, (int)(len < 80 ? len : 80),
                          len > 0 ? at : "nothing more");
            return;
        }
        at += len + (at[len] == '\n');
    }
    if (seen > 0 && *at != '\0') {
        stk_run_fault(run, STK_FAULT_EVENT, "%s: behind the last expected event came '%.*s'", run->of->file,
                      (int)strcspn(at, "\n"), at);
    }
}

/* "NAME VALUE": a line of the counters. */
static void counter_judge(struct stk_run *run, const struct stk_expect *expect)
{
    char line[STK_CASE_TEXT];
    const size_t name = strcspn(expect->text, " \t");
    FILE *file = fopen(run->counters, "rb");
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        found = strncmp(line, expect->text, name) == 0 && line[name] == ' ';
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    const char *value = expect->text + name + strspn(expect->text + name, " \t");
    if (!found || strcmp(line + name + 1, value) != 0) {
        stk_run_fault(run, STK_FAULT_COUNTER, "%s:%u: counter %.*s: expected %s, is %s", run->of->file,
                      (unsigned)expect->line, (int)name, expect->text, value, found ? line + name + 1 : "not there");
    }
}

static void golden_judge(struct stk_run *run)
{
    char *text = malloc(DIFF_BYTES);
    if (text == NULL) {
        return;
    }
    const int64_t differ = stk_diff_captures(run->of, run->of->golden, run->capture, text, DIFF_BYTES,
                                             stk_spawn_terminal());
    if (differ < 0) {
        char place[STK_CASE_ERROR_SIZE];
        stk_run_fault(run, STK_FAULT_SETUP, "%s%s", stk_case_place(run->of, "golden", place), text);
    } else if (differ > 0) {
        stk_run_fault(run, STK_FAULT_GOLDEN, "%lld packets differ from %s:\n%s", (long long)differ, run->of->golden,
                      text);
    }
    free(text);
}

void stk_run_judge(struct stk_run *run)
{
    if (run->faults_count > 0 && run->faults[0].kind == STK_FAULT_SETUP) {
        return;
    }
    expected_remove(run, STK_FAULT_DEPARTURE, run->numbers.departures, run->of->departures, "departures");
    if (run->of->left_out == UINT32_MAX) {
        left_out_tell(run);
        expected_remove(run, STK_FAULT_GAP, 0, 0, "packets left out");
    } else {
        expected_remove(run, STK_FAULT_GAP, run->numbers.left_out, run->of->left_out, "packets left out");
    }
    if (run->of->actor == STK_ACTOR_PROGRAM && run->of->exit_code < 0 && run->exit_code >= 128) {
        stk_run_fault(run, STK_FAULT_EXIT, "the program died of a signal or an exception: %d", (int)run->exit_code);
    }
    if (run->of->actor == STK_ACTOR_PROGRAM && run->of->exit_code >= 0 && run->exit_code != run->of->exit_code) {
        stk_run_fault(run, STK_FAULT_EXIT, "the program ended with %d, expected %d", (int)run->exit_code,
                      (int)run->of->exit_code);
    }
    if (!run->numbers.finished && !run->numbers.stopped && run->of->stop_at == 0) {
        stk_run_fault(run, STK_FAULT_DEPARTURE, "the program ended before the record did, behind packet %llu",
                      (unsigned long long)run->numbers.last_packet);
    }
    for (uint32_t i = 0; i < run->of->expects_count; i++) {
        if (run->of->expects[i].kind == STK_EXPECT_STREAM) {
            stream_judge(run, &run->of->expects[i]);
        } else if (run->of->expects[i].kind == STK_EXPECT_COUNTER) {
            counter_judge(run, &run->of->expects[i]);
        }
    }
    events_judge(run);
    if (run->of->golden[0] != '\0') {
        golden_judge(run);
    }
}
