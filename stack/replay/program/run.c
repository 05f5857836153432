#include "run.h"

#include "core/client.h"
#include "core/engine.h"
#include "core/engine_virtual.h"
#include "stack/err.h"
#include "stack/fd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_BYTES (64u * 1024)
#define PROGRAM_CONNS_MAX 65536u

const char *stk_fault_name(enum stk_fault_kind kind)
{
    static const char *const names[STK_FAULT_KINDS] = {
        [STK_FAULT_SETUP] = "setup",     [STK_FAULT_DEPARTURE] = "departure", [STK_FAULT_REFERENCE] = "reference",
        [STK_FAULT_MISSING] = "missing", [STK_FAULT_STREAM] = "stream",       [STK_FAULT_EVENT] = "event",
        [STK_FAULT_COUNTER] = "counter", [STK_FAULT_GOLDEN] = "golden",       [STK_FAULT_GAP] = "gap",
        [STK_FAULT_EXIT] = "exit",
    };
    return kind < STK_FAULT_KINDS ? names[kind] : "?";
}

void stk_run_fault(struct stk_run *run, enum stk_fault_kind kind, const char *format, ...)
{
    va_list args;
    struct stk_fault *fault = &run->faults[STK_RUN_FAULTS_MAX - 1];
    if (run->faults_count++ < STK_RUN_FAULTS_MAX) {
        fault = &run->faults[run->faults_count - 1];
    } else if ((fault->kind != STK_FAULT_GAP && fault->kind != STK_FAULT_DEPARTURE) || kind == fault->kind) {
        return; /* but one of these, which a case may expect, makes room for one of another kind */
    }
    fault->kind = kind;
    va_start(args, format);
    (void)vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
}

void stk_run_note(struct stk_run *run, const char *format, ...)
{
    va_list args;
    if (run->notes_count == STK_RUN_NOTES_MAX) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(run->notes[run->notes_count++], STK_RUN_TEXT, format, args);
    va_end(args);
}

/* Which key has to do with it, by what is said. */
static const char *key_of(const struct stk_run *run, const char *text)
{
    static const char *const begins[] = {"rewrite", "address", "listen", NULL};
    for (uint32_t i = 0; begins[i] != NULL; i++) {
        if (strncmp(text, begins[i], strlen(begins[i])) == 0 && text[strlen(begins[i])] == ':') {
            return begins[i];
        }
    }
    if (strstr(text, ": filter: ") != NULL) {
        return "filter";
    }
    if (strstr(text, ".ini:") != NULL) {
        const bool port = strstr(text, ": port replay: ") != NULL || strstr(text, "[port replay]") != NULL;
        const uint32_t count = port ? run->of->extra_port_count : run->of->extra_engine_count;
        return count == 1 ? (port ? "port" : "engine") : "";
    }
    return strncmp(text, run->of->capture, strlen(run->of->capture)) == 0 ? "capture" : "actor";
}

void stk_run_setup_fault(struct stk_run *run, const char *text)
{
    char place[STK_CASE_ERROR_SIZE];
    const char *key = key_of(run, text);
    const size_t len = strlen(key);
    (void)stk_case_place(run->of, key, place);
    if (place[0] != '\0' && len > 0 && strncmp(text, key, len) == 0 && text[len] == ':') {
        text += len + 2; /* the place has it */
    }
    stk_run_fault(run, STK_FAULT_SETUP, "%s%s", place, text);
}

/* --- The report ---------------------------------------------------------------- */

#define NUMBER(name)                                  \
    {                                                 \
#name, offsetof(struct stk_run_numbers, name) \
    }

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    NUMBER(packets_read),  NUMBER(frames_played), NUMBER(frames_heard),  NUMBER(left_out),
    NUMBER(last_packet),   NUMBER(conversations), NUMBER(departures),    NUMBER(conversations_finished),
    NUMBER(acks_made),     NUMBER(extra_bytes),   NUMBER(pacing_count),  NUMBER(checksums_rebuilt),
    NUMBER(pacing_p50_ns), NUMBER(pacing_p99_ns), NUMBER(pacing_max_ns),
};

static void report_line(struct stk_run *run, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *value = strchr(line, ' ');
    if (value == NULL) {
        return;
    }
    *value++ = '\0';
    if (strcmp(line, "unwritten") == 0) {
        stk_run_fault(run, STK_FAULT_SETUP, "the output cannot be written");
    } else if (strcmp(line, "stopped") == 0) {
        run->numbers.stopped = true;
    } else if (strcmp(line, "finished") == 0) {
        run->numbers.finished = strcmp(value, "yes") == 0;
    } else if (strcmp(line, "departure") == 0) {
        stk_run_fault(run, STK_FAULT_DEPARTURE, "%s", value);
    } else if (strcmp(line, "gap") == 0) {
        stk_run_fault(run, STK_FAULT_GAP, "%s", value);
    } else if (strcmp(line, "ended") == 0) {
        stk_run_fault(run, STK_FAULT_MISSING, "the capture ends early: %s", value); /* no case expects that */
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(line, numbers[i].name) == 0) {
            const uint64_t number = strtoull(value, NULL, 10);
            memcpy((char *)&run->numbers + numbers[i].offset, &number, sizeof(number));
        }
    }
}

/* @return  There was one. */
static bool report_read(struct stk_run *run)
{
    char line[STK_RUN_TEXT];
    FILE *file = fopen(run->report, "rb");
    if (file == NULL && run->exit_code >= 128) {
        return false; /* who died wrote none; the exit code is judged */
    }
    if (file == NULL && run->exit_code == -1) {
        stk_run_fault(run, STK_FAULT_SETUP, "the program was ended after %llu s, before the stack wrote its report",
                      (unsigned long long)run->of->limit_s);
        return false;
    }
    if (file == NULL && run->of->actor != STK_ACTOR_PROGRAM) {
        stk_run_fault(run, STK_FAULT_SETUP, "the stack wrote no report: %s", strerror(errno));
        return false;
    }
    if (file == NULL) {
        stk_run_fault(run, STK_FAULT_SETUP,
                      "the program ended with %d before the stack wrote its report: did it use our stack?",
                      (int)run->exit_code);
        return false;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        report_line(run, line);
    }
    (void)fclose(file);
    return true;
}

/* --- Running --------------------------------------------------------------------- */

static void counters_write(const struct stk_run *run, struct stk_engine *engine)
{
    FILE *file = fopen(run->counters, "wb");
    if (file != NULL) {
        stk_engine_counters_dump(engine, fileno(file));
        (void)fclose(file);
    }
}

void stk_run_counters_show(const struct stk_run *run, const char *indent)
{
    char line[512];
    FILE *file = fopen(run->counters, "rb");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *value = strrchr(line, ' ');
        if (value == NULL || strcmp(value, " 0\n") != 0) {
            (void)printf("%s%s", indent, line);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

void stk_run_events_show(const struct stk_run *run)
{
    const char *at = run->actor.events.text;
    while (at != NULL && *at != '\0') {
        const size_t len = strcspn(at, "\n");
        (void)printf("event = %.*s\n", (int)len, at);
        at += len + (at[len] == '\n');
    }
}

/** A run that is under way. */
struct inspected {
    struct stk_run *run;
    struct stk_engine *engine;
};

static void inspect(void *context)
{
    const struct inspected *self = context;
    counters_write(self->run, self->engine);
    stk_run_events_show(self->run);
    stk_run_counters_show(self->run, "# ");
}

static void actor_run(struct stk_run *run, const struct stk_scene *scene, const char *text)
{
    struct stk_config *config = NULL;
    struct stk_engine *engine = NULL;
    struct stk_client *client = NULL;
    char error[STK_CONF_ERROR_SIZE] = "";
    int err = stk_config_parse(text, run->config, &config, error, sizeof(error));
    if (err == STK_OK) {
        err = stk_engine_create_virtual(config, &engine, error, sizeof(error));
    }
    if (err == STK_OK) {
        err = stk_client_attach_stepped(stk_engine_region(engine), stk_engine_virtual_pump, engine, &client);
    }
    if (err == STK_OK) {
        struct inspected inspected = {.run = run, .engine = engine};
        stk_clock_virtual_set(stk_engine_virtual_clock(engine));
        stk_engine_virtual_inspect_set(engine, inspect, &inspected);
        stk_actor_run(client, run->of, scene, &run->actor);
        counters_write(run, engine);
        stk_client_detach(client, 0);
        stk_clock_virtual_set(NULL);
    } else {
        stk_run_setup_fault(run, error[0] != '\0' ? error : stk_err_text(err));
    }
    stk_engine_destroy(engine);
    stk_config_free(config);
    if (run->actor.fault[0] != '\0') {
        stk_run_setup_fault(run, run->actor.fault);
    }
}

/* What a program said and got is read from what passed the port. */
static void program_streams(struct stk_run *run, struct stk_scene *scene)
{
    char reason[STK_SCENE_REASON_SIZE];
    stk_scene_free(scene);
    if (stk_scene_read_file(run->of, run->capture, scene, reason) != STK_OK) {
        stk_run_fault(run, STK_FAULT_SETUP, "%s", reason);
    }
    for (uint32_t i = 0; i < scene->convs_count && i < STK_ACTOR_CONNS_MAX; i++) {
        const struct stk_scene_conv *conv = &scene->convs[i];
        struct stk_actor_stream *stream = stk_actor_stream(&run->actor, i + 1);
        if (stream == NULL) {
            stk_run_fault(run, STK_FAULT_SETUP, "no memory for digests");
            return;
        }
        stream->in = stk_sha256_begin();
        stream->out = stk_sha256_begin();
        if (stream->in == NULL || stream->out == NULL) {
            stk_run_fault(run, STK_FAULT_SETUP, "no memory for digests");
            return;
        }
        stk_sha256_add(stream->out, conv->bytes[0], conv->bytes_len[0]);
        stk_sha256_add(stream->in, conv->bytes[1], conv->bytes_len[1]);
        stream->out_bytes = conv->bytes_len[0];
        stream->in_bytes = conv->bytes_len[1];
    }
}

/* The provider has written what the program saw, read by read; what was never closed is open. */
static void program_events(struct stk_run *run)
{
    static uint8_t open[PROGRAM_CONNS_MAX];
    char line[96];
    uint32_t most = 0;
    FILE *file = fopen(run->events, "rb");
    memset(open, 0, sizeof(open));
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char word[16] = "";
        unsigned conn = 0;
        unsigned number = 0;
        const int got = sscanf(line, "%15s %u %u", word, &conn, &number);
        if (got < 2) {
            continue;
        }
        stk_event_note(&run->actor.events, word, conn, got == 3 ? (int64_t)number : -1);
        if (conn < PROGRAM_CONNS_MAX) {
            const bool begins = strcmp(word, "accept") == 0 || strcmp(word, "connect") == 0;
            const bool ends = strcmp(word, "close") == 0 || strcmp(word, "abort") == 0;
            open[conn] = begins || (open[conn] != 0 && !ends);
            most = conn > most ? conn : most;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    for (uint32_t i = 1; i <= most; i++) {
        if (open[i] != 0) {
            stk_event_note(&run->actor.events, "open", i, -1);
        }
    }
}

static void program_run(struct stk_run *run, struct stk_scene *scene)
{
    const char *const names[] = {"WINLANE_CONFIG", run->config, "WINLANE_EVENTS", run->events, NULL};
    run->exit_code = stk_spawn_run(run->of->program, names, run->report, run->of->limit_s, false);
    if (run->exit_code == -2) {
        char place[STK_CASE_ERROR_SIZE];
        stk_run_fault(run, STK_FAULT_SETUP, "%sthe program cannot be run: %s",
                      stk_case_place(run->of, "program", place), run->of->program);
        return;
    }
    if (report_read(run)) {
        program_events(run);
        program_streams(run, scene);
    }
}

static bool config_write(struct stk_run *run, const char *text)
{
    FILE *file = fopen(run->config, "wb");
    const bool written = file != NULL && fputs(text, file) >= 0;
    if (file == NULL || fclose(file) != 0 || !written) {
        stk_run_fault(run, STK_FAULT_SETUP, "%s: %s", run->config, strerror(errno));
        return false;
    }
    return true;
}

static void scene_play(struct stk_run *run, struct stk_scene *scene, char *text)
{
    if (stk_scene_config(scene, run->of, run->capture, run->report, text, CONFIG_BYTES) != STK_OK) {
        stk_run_fault(run, STK_FAULT_SETUP, "the configuration is too long");
        return;
    }
    if (!config_write(run, text)) {
        return;
    }
    if (run->of->actor == STK_ACTOR_PROGRAM) {
        program_run(run, scene);
    } else {
        actor_run(run, scene, text);
        if (run->faults_count == 0) {
            (void)report_read(run);
        }
    }
}

static void play(struct stk_run *run)
{
    char reason[STK_SCENE_REASON_SIZE] = "no memory";
    struct stk_scene *scene = calloc(1, sizeof(*scene));
    char *text = malloc(CONFIG_BYTES);
    if (scene == NULL || text == NULL ||
        stk_scene_read(run->of, run->of->actor == STK_ACTOR_RECORDED, scene, reason) != STK_OK) {
        stk_run_setup_fault(run, reason);
    } else {
        scene_play(run, scene, text);
    }
    if (scene != NULL) {
        stk_scene_free(scene);
    }
    free(scene);
    free(text);
}

void stk_run_case(const struct stk_case *of, const char *folder, struct stk_run *out)
{
    memset(out, 0, sizeof(*out));
    out->of = of;
    out->exit_code = -2;
    (void)snprintf(out->folder, sizeof(out->folder), "%.500s", folder);
    (void)snprintf(out->capture, sizeof(out->capture), "%s/output.pcapng", out->folder);
    (void)snprintf(out->report, sizeof(out->report), "%s/report.txt", out->folder);
    (void)snprintf(out->config, sizeof(out->config), "%s/winlane.ini", out->folder);
    (void)snprintf(out->counters, sizeof(out->counters), "%s/counters.txt", out->folder);
    (void)snprintf(out->events, sizeof(out->events), "%s/events.txt", out->folder);
    (void)remove(out->report);
    (void)remove(out->events);
    (void)remove(out->counters); /* an earlier run's would be taken for this one's */
    const uint64_t begin_ns = stk_clock_ns();
    if (of->mode == STK_CASE_RECEIVE) {
        stk_run_receive(out);
    } else {
        play(out);
    }
    for (uint32_t i = 0; i < out->actor.streams_count && of->mode != STK_CASE_RECEIVE; i++) {
        stk_sha256_end(out->actor.streams[i].in, out->actor.streams[i].in_digest);
        stk_sha256_end(out->actor.streams[i].out, out->actor.streams[i].out_digest);
    }
    stk_run_judge(out);
    out->real_ns = stk_clock_ns() - begin_ns;
}

void stk_run_free(struct stk_run *run)
{
    stk_actor_result_free(&run->actor);
}
