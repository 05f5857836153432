#include "replay_priv.h"
#include "stack/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define STEPS 16u /* buckets per doubling */

STK_PRINTF(3, 0) static void fault_note(struct replay_fault *fault, uint64_t packet, const char *format, va_list args)
{
    fault->packet = packet;
    (void)vsnprintf(fault->text, sizeof(fault->text), format, args);
}

void replay_report_gap(struct replay_report *report, uint64_t packet, const char *format, ...)
{
    va_list args;

    report->left_out++;
    if (report->gaps_count++ >= REPLAY_FAULTS_MAX)
        return;
    va_start(args, format);
    fault_note(&report->gaps[report->gaps_count - 1], packet, format, args);
    va_end(args);
}

void replay_report_departure(struct replay_report *report, uint64_t packet, uint32_t conv, const char *format, ...)
{
    va_list args;

    if (report->departures_count++ >= REPLAY_FAULTS_MAX)
        return;
    struct replay_fault *fault = &report->departures[report->departures_count - 1];
    fault->conv = conv;
    va_start(args, format);
    fault_note(fault, packet, format, args);
    va_end(args);
}

/* Exact to a sixteenth of its power of two. */
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < STEPS)
        return (uint32_t)ns;
    const uint32_t top = 63u - (uint32_t)__builtin_clzll(ns);

    return (top - 3) * STEPS + (uint32_t)(ns >> (top - 4) & (STEPS - 1));
}

static uint64_t bucket_ns(uint32_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    return (uint64_t)(STEPS + bucket % STEPS) << (bucket / STEPS - 1);
}

void replay_report_late(struct replay_report *report, uint64_t late_ns)
{
    report->pacing[bucket_of(late_ns)]++;
    report->pacing_count++;
    if (late_ns > report->pacing_max_ns)
        report->pacing_max_ns = late_ns;
}

static uint64_t percentile_ns(const struct replay_report *report, uint64_t percent)
{
    const uint64_t wanted = (report->pacing_count * percent + 99) / 100;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < REPLAY_PACING_BUCKETS; i++) {
        seen += report->pacing[i];
        if (seen >= wanted && seen > 0)
            return bucket_ns(i);
    }
    return 0;
}

static void faults_write(FILE *file, const char *word, const struct replay_fault *faults, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < REPLAY_FAULTS_MAX; i++)
        (void)fprintf(file, "%s conversation=%u packet=%llu %s\n", word, (unsigned)faults[i].conv,
                      (unsigned long long)faults[i].packet, faults[i].text);
}

static void numbers_write(FILE *file, const struct replay_report *report)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"packets_read", report->packets_read},
        {"frames_played", report->frames_played},
        {"frames_heard", report->frames_heard},
        {"left_out", report->left_out},
        {"last_packet", report->last_packet},
        {"conversations", report->convs},
        {"conversations_finished", report->convs_finished},
        {"departures", report->departures_count},
        {"acks_made", report->acks_made},
        {"syns_repeated", report->syns_repeated},
        {"checksums_rebuilt", report->rebuilt},
        {"silences_shortened", report->silences},
        {"extra_bytes", report->extra_bytes},
        {"pacing_count", report->pacing_count},
        {"pacing_p50_ns", percentile_ns(report, 50)},
        {"pacing_p99_ns", percentile_ns(report, 99)},
        {"pacing_max_ns", report->pacing_max_ns},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        (void)fprintf(file, "%s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
}

void replay_report_write(const struct replay_report *report, const char *path)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL) {
        stk_log(STK_LOG_ERROR, "replay: report %s: %s", path, strerror(errno));
        return;
    }
    (void)fprintf(file, "finished %s\n", report->finished ? "yes" : "no");
    if (report->unwritten)
        (void)fputs("unwritten yes\n", file);
    if (report->stopped)
        (void)fputs("stopped yes\n", file);
    numbers_write(file, report);
    faults_write(file, "departure", report->departures, report->departures_count);
    faults_write(file, "gap", report->gaps, report->gaps_count);
    if (report->ended[0] != '\0')
        (void)fprintf(file, "ended %s\n", report->ended);
    if (fclose(file) != 0)
        stk_log(STK_LOG_ERROR, "replay: report %s: %s", path, strerror(errno));
}
