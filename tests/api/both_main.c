/*
 * The runner: one line per case in a file.
 *
 *     api_both [--out FILE] [--after CASE] [--only TEXT] [--limit MS] [--repeat TIMES] [--list]
 *
 * The file is TAP without numbers: "# run NAME", then "ok NAME", "ok NAME # SKIP why" or "not ok NAME: what", each
 * flushed at once; the plan and a count close it. If the program dies inside a case, whoever started it reads the
 * last "# run" and goes on with --after.
 */
#include "both.h"

#include <stdio.h>
#include <stdlib.h>

struct runner {
    FILE *out;
    const char *after; /* begin behind the case of this name */
    const char *only;  /* cases whose name holds this text */
    DWORD limit_ms;
    unsigned long repeat; /* each case so often, or until it fails */
    bool list;
    bool told; /* the provider's name */
    unsigned passed, failed, skipped;
};

struct job {
    struct t_run run;
    void (*body)(struct t_run *t);
};

static DWORD WINAPI run_body(LPVOID context)
{
    struct job *job = (struct job *)context;
    job->body(&job->run);
    return 0;
}

/* Ends what the case left: closed sockets end the calls of its threads. A thread that still hangs stays behind. */
static bool clear_away(struct t_run *t, DWORD limit_ms)
{
    bool ended = true;
    unsigned i;
    for (i = 0; i < t->socket_count; i++) {
        (void)closesocket(t->sockets[i]);
    }
    for (i = 0; i < t->object_count; i++) {
        (void)WSASetEvent(t->objects[i]);
    }
    for (i = 0; i < t->thread_count; i++) {
        ended = WaitForSingleObject(t->threads[i], limit_ms) == WAIT_OBJECT_0 && ended;
        (void)CloseHandle(t->threads[i]);
    }
    for (i = 0; ended && i < t->object_count; i++) {
        (void)WSACloseEvent(t->objects[i]);
    }
    return ended;
}

static void report(struct runner *runner, const char *name, const struct t_run *t)
{
    if (t->failed) {
        runner->failed++;
        (void)fprintf(runner->out, "not ok %s: %s\n", name, t->what);
    } else if (t->skipped) {
        runner->skipped++;
        (void)fprintf(runner->out, "ok %s # SKIP %s\n", name, t->what);
    } else {
        runner->passed++;
        (void)fprintf(runner->out, "ok %s\n", name);
    }
    (void)fflush(runner->out);
}

static void run_case(struct runner *runner, const char *name, const struct t_cases *cases, const void *row)
{
    struct job *job = (struct job *)calloc(1, sizeof *job);
    HANDLE thread;
    bool ended;
    (void)fprintf(runner->out, "# run %s\n", name);
    (void)fflush(runner->out);
    if (job == NULL) {
        exit(3);
    }
    job->body = cases->body;
    job->run.row = row;
    thread = CreateThread(NULL, 0, run_body, job, 0, NULL);
    if (thread == NULL) {
        exit(3);
    }
    ended = WaitForSingleObject(thread, runner->limit_ms) == WAIT_OBJECT_0;
    if (!ended) {
        t_note(&job->run, __FILE__, __LINE__, "hangs: ended by the watchdog after %u ms", (unsigned)runner->limit_ms);
    }
    if (!clear_away(&job->run, 1000)) {
        t_note(&job->run, __FILE__, __LINE__, "a thread of the case hangs although its sockets are closed");
        ended = false;
    }
    report(runner, name, &job->run);
    if (ended || WaitForSingleObject(thread, 1000) == WAIT_OBJECT_0) {
        free(job); /* else a thread still uses it */
    }
    (void)CloseHandle(thread);
}

/* The function's name, with the row's in the place of ROW. */
static void name_case(char *to, size_t room, const struct t_cases *cases, const void *row)
{
    const char *at = row == NULL ? NULL : strstr(cases->name, "ROW");
    const char *row_name;
    if (at == NULL) {
        (void)snprintf(to, room, "%s", cases->name);
        return;
    }
    memcpy(&row_name, row, sizeof row_name);
    (void)snprintf(to, room, "%.*s%s%s", (int)(at - cases->name), cases->name, row_name, at + 3);
}

static void run_cases(struct runner *runner, const struct t_cases *cases)
{
    char name[160];
    size_t i;
    for (i = 0; i < cases->row_count; i++) {
        const void *row = cases->rows == NULL ? NULL : (const char *)cases->rows + i * cases->row_bytes;
        name_case(name, sizeof name, cases, row);
        if (runner->after != NULL) {
            if (strcmp(runner->after, name) == 0) {
                runner->after = NULL;
            }
        } else if (runner->only != NULL && strstr(name, runner->only) == NULL) {
            continue;
        } else if (runner->list) {
            (void)fprintf(runner->out, "%s\n", name);
        } else {
            unsigned failed = runner->failed;
            unsigned long times;
            for (times = 0; times < runner->repeat && runner->failed == failed; times++) {
                run_case(runner, name, cases, row);
            }
        }
    }
}

/* Which provider serves: the first one of the catalogue says its name. Not before the cases that run unstarted. */
static void report_provider(struct runner *runner)
{
    static char room[40000];
    WSAPROTOCOL_INFOA *info = (WSAPROTOCOL_INFOA *)(void *)room;
    DWORD bytes = sizeof room;
    if (!runner->told && WSAEnumProtocolsA(NULL, info, &bytes) > 0) {
        (void)fprintf(runner->out, "# provider %s\n", info->szProtocol);
        runner->told = true;
    }
}

static void run_group(struct runner *runner, const struct t_group *group)
{
    WSADATA data;
    size_t i;
    if (!group->unstarted && !runner->list && WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        (void)fprintf(runner->out, "Bail out! WSAStartup fails\n");
        exit(3);
    }
    if (!group->unstarted && !runner->list) {
        report_provider(runner);
    }
    for (i = 0; i < group->case_count; i++) {
        run_cases(runner, &group->cases[i]);
        while (group->unstarted && WSACleanup() == 0) {
        }
    }
    if (!group->unstarted && !runner->list) {
        (void)WSACleanup();
    }
}

static bool read_arguments(struct runner *runner, int argc, char **argv)
{
    int i;
    for (i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--list") == 0) {
            runner->list = true;
            continue;
        }
        if (value == NULL) {
            return false;
        }
        i++;
        if (strcmp(argv[i - 1], "--out") == 0) {
            runner->out = fopen(value, "ab");
            if (runner->out == NULL) {
                return false;
            }
        } else if (strcmp(argv[i - 1], "--after") == 0) {
            runner->after = value;
        } else if (strcmp(argv[i - 1], "--only") == 0) {
            runner->only = value;
        } else if (strcmp(argv[i - 1], "--limit") == 0) {
            runner->limit_ms = (DWORD)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i - 1], "--repeat") == 0) {
            runner->repeat = strtoul(value, NULL, 10);
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct runner runner = {.out = stdout, .limit_ms = 8000, .repeat = 1};
    size_t i;
    if (!read_arguments(&runner, argc, argv)) {
        (void)fprintf(
            stderr,
            "usage: api_both [--out FILE] [--after CASE] [--only TEXT] [--limit MS] [--repeat TIMES] [--list]\n");
        return 2;
    }
    for (i = 0; i < t_group_count; i++) {
        run_group(&runner, t_groups[i]);
    }
    if (!runner.list) {
        (void)fprintf(runner.out, "1..%u\n# passed %u failed %u skipped %u\n",
                      runner.passed + runner.failed + runner.skipped, runner.passed, runner.failed, runner.skipped);
    }
    (void)fflush(runner.out);
    /* Threads that hang must not hold the end of the program. */
    ExitProcess(runner.failed == 0 ? 0 : 1);
}
