/*
 * The command winlane. `winlane replay` plays captures through the stack; `winlane diff` compares two captures as a case
 * would.
 */
#include "junit.h"
#include "pcap_out.h"
#include "reduce.h"
#include "run.h"

#include "stack/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_MAX 4096
#define SETS_MAX 64
#define TRIALS_MAX 4000u
#define LIMIT_TRIAL_S 60u
#define LIMIT_REDUCE_S 1800u

enum status { STATUS_GOOD = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_ERROR = 3 };

static const char usage_text[] =
    "usage: winlane replay [OPTION...] CASE.case|CAPTURE...\n"
    "       winlane diff [--tolerance WORDS] GOLDEN CAPTURE\n"
    "\n"
    "Plays captures through the stack, in virtual time, and compares what comes with what is expected. A CASE is a file of\n"
    "keys; a CAPTURE (pcap, pcapng) is played with the keys of the options.\n"
    "\n"
    "  --mode tcp|recorded|receive  play one side against a live one (default), frames as they were, or only receive\n"
    "  --play client|server         the recorded side that is played (default: client)\n"
    "  --actor WHO                  the live side: recorded (default), echo, sink, none, 'script FILE'\n"
    "  --program 'COMMAND'          the live side is a program that uses our Winsock DLL\n"
    "  --set KEY=VALUE              any key of [case], or expect.KEY of [expect]; may be repeated\n"
    "  --capture FILE               the capture, in place of the case's\n"
    "  --speed 1|10x|0.25|max       of the recorded times; --step: see below\n"
    "  --seed N                     of all randomness (default: 1)\n"
    "  --golden FILE                the golden capture; --tolerance WORDS: what may differ from it (seq id window\n"
    "                               timestamps ttl acks port time=1ms)\n"
    "  --stop-at N                  stop behind packet N and show counters and connections\n"
    "  --step                       ask before each packet, on standard input: Enter or n lets it in, a number goes to\n"
    "                               that packet, c goes on, i shows connections, events and counters, q stops\n"
    "  --out FOLDER                 keep output.pcapng, report.txt, counters.txt, winlane.ini there (one case only)\n"
    "  --twice                      run again, and compare the two outputs byte by byte\n"
    "  --update                     write the output as the golden capture of the case\n"
    "  --reduce FILE                write the smallest part of a failing capture that still fails\n"
    "  --junit FILE                 results as JUnit XML\n"
    "  --show                       streams, events and counters of each run, as keys for a case file\n"
    "  --quiet                      only failures\n"
    "\n"
    "Exit status: 0 all passed, 1 something failed, 2 the command line or a case file is wrong, 3 a run could not be made.\n";

struct command {
    const char *files[CASES_MAX];
    uint32_t files_count;
    const char *sets[SETS_MAX]; /**< KEY=VALUE */
    uint32_t sets_count;
    const char *out;
    const char *junit_path;
    const char *reduce;
    const char *verdict;
    const char *capture;
    bool twice;
    bool update;
    bool show;
    bool quiet;
    bool inspect;
    struct stk_junit *junit;
};

static enum status refuse(const char *what, const char *why)
{
    (void)fprintf(stderr, "winlane: %s%s%s\n(winlane replay --help)\n", what, *what != '\0' ? ": " : "", why);
    return STATUS_USAGE;
}

/* --- Options ----------------------------------------------------------------------- */

static bool sets_apply(const struct command *command, struct stk_case *of, char *error)
{
    for (uint32_t i = 0; i < command->sets_count; i++) {
        char key[64];
        const char *section = "case";
        const char *name = key;
        const char *equals = strchr(command->sets[i], '=');
        if (equals == NULL || (size_t)(equals - command->sets[i]) >= sizeof(key)) {
            (void)snprintf(error, STK_CASE_ERROR_SIZE, "%.100s: not KEY=VALUE", command->sets[i]);
            return false;
        }
        memcpy(key, command->sets[i], (size_t)(equals - command->sets[i]));
        key[equals - command->sets[i]] = '\0';
        key[strcspn(key, " \t")] = '\0'; /* KEY = VALUE, as in a case file */
        if (strncmp(key, "expect.", 7) == 0) {
            section = "expect";
            name = key + 7;
        }
        const char *why = stk_case_set(of, section, name, equals + 1 + strspn(equals + 1, " \t"), 0);
        if (why != NULL) {
            (void)snprintf(error, STK_CASE_ERROR_SIZE, "%s: %s", key, why);
            return false;
        }
    }
    return true;
}

static bool is_case(const char *path)
{
    const size_t len = strlen(path);
    return len > 5 && strcmp(path + len - 5, ".case") == 0;
}

static bool case_make(const struct command *command, const char *path, struct stk_case *of, char *error)
{
    if (is_case(path)) {
        if (stk_case_load(path, of, error) != STK_OK) {
            return false;
        }
    } else {
        stk_case_defaults(of);
        if (strlen(path) >= sizeof(of->capture)) {
            (void)snprintf(error, STK_CASE_ERROR_SIZE, "the file's name is too long");
            return false;
        }
        (void)strcpy(of->capture, path);
        const char *slash = strrchr(path, '/');
        (void)strcpy(of->name, slash != NULL ? slash + 1 : path);
    }
    if (!sets_apply(command, of, error)) {
        return false;
    }
    if (strcmp(of->speed, "stepped") == 0 && (command->twice || command->reduce != NULL)) {
        (void)snprintf(error, STK_CASE_ERROR_SIZE, "speed: what is stepped is played once: no --twice, no --reduce");
        return false;
    }
    if (command->capture != NULL) {
        const char *why = stk_case_set(of, "case", "capture", command->capture, 0);
        if (why != NULL) {
            (void)snprintf(error, STK_CASE_ERROR_SIZE, "--capture: %s", why);
            return false;
        }
    }
    const char *why = stk_case_check(of);
    if (why != NULL) {
        (void)snprintf(error, STK_CASE_ERROR_SIZE, "%.400s: %s", path, why);
    }
    return why == NULL;
}

/* --- Telling -------------------------------------------------------------------------- */

static void streams_show(const struct stk_run *run)
{
    for (uint32_t i = 0; i < run->actor.streams_count; i++) {
        char text[STK_SHA256_TEXT];
        stk_sha256_text(run->actor.streams[i].in_digest, text);
        (void)printf("stream = %u in sha256 %s\n", (unsigned)i + 1, text);
        (void)printf("stream = %u in bytes %llu\n", (unsigned)i + 1,
                     (unsigned long long)run->actor.streams[i].in_bytes);
        stk_sha256_text(run->actor.streams[i].out_digest, text);
        (void)printf("stream = %u out sha256 %s\n", (unsigned)i + 1, text);
        (void)printf("stream = %u out bytes %llu\n", (unsigned)i + 1,
                     (unsigned long long)run->actor.streams[i].out_bytes);
    }
}

static void run_tell(const struct command *command, const struct stk_run *run)
{
    const bool failed = run->faults_count > 0;
    const char *mark = failed ? "FAILED" : "passed";
    if (stk_spawn_terminal()) {
        mark = failed ? "\033[31mFAILED\033[0m" : "\033[32mpassed\033[0m";
    }
    if (failed || !command->quiet) {
        const struct stk_run_numbers *numbers = &run->numbers;
        (void)printf("%s  %s: %llu packets, %llu played, %llu left out, %llu heard, %llu of %llu conversations\n", mark,
                     run->of->name, (unsigned long long)numbers->packets_read,
                     (unsigned long long)numbers->frames_played, (unsigned long long)numbers->left_out,
                     (unsigned long long)numbers->frames_heard, (unsigned long long)numbers->conversations_finished,
                     (unsigned long long)numbers->conversations);
        if (numbers->pacing_count > 0 && run->of->real_clock) {
            (void)printf("        pacing error: p50 %llu.%03llu us, p99 %llu.%03llu us, worst %llu us\n",
                         (unsigned long long)(numbers->pacing_p50_ns / 1000),
                         (unsigned long long)(numbers->pacing_p50_ns % 1000),
                         (unsigned long long)(numbers->pacing_p99_ns / 1000),
                         (unsigned long long)(numbers->pacing_p99_ns % 1000),
                         (unsigned long long)(numbers->pacing_max_ns / 1000));
        }
    }
    for (uint32_t i = 0; i < run->notes_count && (failed || !command->quiet); i++) {
        (void)printf("        %s\n", run->notes[i]);
    }
    for (uint32_t i = 0; i < run->faults_count && i < STK_RUN_FAULTS_MAX; i++) {
        (void)printf("        %s: %s\n", stk_fault_name(run->faults[i].kind), run->faults[i].text);
    }
    if (command->show || command->inspect) {
        streams_show(run);
        stk_run_events_show(run);
        stk_run_counters_show(run, "# ");
    }
    (void)fflush(stdout);
}

static void verdict_write(const char *path, const struct stk_run *run)
{
    FILE *file = fopen(path, "wb");
    const char *verdict = run->faults_count > 0 ? stk_fault_name(run->faults[0].kind) : "pass";
    for (uint32_t i = 0; i < run->faults_count && i < STK_RUN_FAULTS_MAX; i++) {
        if (run->faults[i].kind == STK_FAULT_REFERENCE) {
            verdict = stk_fault_name(STK_FAULT_REFERENCE); /* what is missing goes missing in every part, too */
        }
    }
    if (file != NULL) {
        (void)fprintf(file, "%s\n", verdict);
        (void)fclose(file);
    }
}

/* --- Files -------------------------------------------------------------------------------- */

static bool files_same(const char *a, const char *b)
{
    FILE *first = fopen(a, "rb");
    FILE *second = fopen(b, "rb");
    bool same = first != NULL && second != NULL;
    int one = 0;
    while (same && one != EOF) {
        one = fgetc(first);
        same = one == fgetc(second);
    }
    if (first != NULL) {
        (void)fclose(first);
    }
    if (second != NULL) {
        (void)fclose(second);
    }
    return same;
}

/* --- Reducing ------------------------------------------------------------------------------- */

struct trial {
    const struct command *command;
    const char *path;
    char self[STK_CASE_TEXT];
    char verdict[STK_CASE_TEXT];
    char kind[32]; /**< how it fails */
};

/* Adds a word to a command line, between quotes that it does not have. */
static bool word_add(char *words, size_t size, const char *before, const char *word)
{
    const size_t len = strlen(words);
    const char quote = strchr(word, '\'') == NULL ? '\'' : '"';
    if (strchr(word, quote) != NULL) {
        return false;
    }
    const int added = snprintf(words + len, size - len, "%s%c%s%c", before, quote, word, quote);
    return added > 0 && (size_t)added < size - len;
}

static bool trial_words(const struct trial *trial, const char *capture, char *words, size_t size)
{
    words[0] = '\0';
    bool good = word_add(words, size, "", trial->self) &&
                word_add(words, size, " replay --quiet --verdict ", trial->verdict) &&
                word_add(words, size, " --capture ", capture);
    for (uint32_t i = 0; i < trial->command->sets_count && good; i++) {
        good = word_add(words, size, " --set ", trial->command->sets[i]);
    }
    return good && word_add(words, size, " ", trial->path);
}

/*
 * Each trial is a process of its own: what makes the stack abort is a failure like others. One that ends by itself has a
 * verdict; if not, the run could not be made, and that is no result.
 */
static bool trial_run(struct trial *trial, const char *capture, char kind[32])
{
    static char words[8192];
    const char *const names[] = {NULL};
    if (!trial_words(trial, capture, words, sizeof(words))) {
        return false;
    }
    (void)remove(trial->verdict);
    const int32_t code = stk_spawn_run(words, names, NULL, LIMIT_TRIAL_S, true);
    (void)strcpy(kind, code == -1 ? "hang" : code >= 128 ? "crash" : "");
    FILE *file = fopen(trial->verdict, "rb");
    if (code >= 0 && code < 128 && file != NULL && fgets(kind, 32, file) != NULL) {
        kind[strcspn(kind, "\n")] = '\0';
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kind[0] != '\0' && strcmp(kind, stk_fault_name(STK_FAULT_SETUP)) != 0;
}

static bool trial_fails(void *context, const char *capture)
{
    struct trial *trial = context;
    char kind[32] = "";
    return trial_run(trial, capture, kind) && strcmp(kind, trial->kind) == 0;
}

static enum status reduce(const struct command *command, const char *path, const struct stk_case *of,
                          const char *folder)
{
    static struct trial trial;
    static struct stk_reduce_result result;
    char scratch[STK_CASE_TEXT];
    trial = (struct trial){.command = command, .path = path};
    (void)snprintf(scratch, sizeof(scratch), "%.480s/trial.pcap", folder);
    (void)snprintf(trial.verdict, sizeof(trial.verdict), "%.480s/verdict.txt", folder);
    const struct stk_reduce_conf conf = {.scratch = scratch,
                                         .trials_max = TRIALS_MAX,
                                         .limit_s = LIMIT_REDUCE_S,
                                         .fails = trial_fails,
                                         .context = &trial};
    static char words[8192];
    if (!stk_spawn_self(trial.self, sizeof(trial.self)) || !trial_words(&trial, of->capture, words, sizeof(words))) {
        (void)fprintf(stderr, "winlane: not reduced: the command line of a trial is too long, or a word of it has both "
                              "kinds of quotes\n");
        return STATUS_ERROR;
    }
    if (!trial_run(&trial, of->capture, trial.kind)) {
        (void)fprintf(stderr, "winlane: not reduced: a run of the command by itself could not be made\n");
        return STATUS_ERROR;
    }
    if (strcmp(trial.kind, "pass") == 0) {
        (void)printf("        nothing to reduce: the case passes\n");
        return STATUS_GOOD;
    }
    const int err = stk_reduce_capture(&conf, of->capture, command->reduce, &result);
    if (err != STK_OK) {
        (void)printf("        not reduced: %s\n", result.reason);
        return STATUS_FAILED;
    }
    (void)printf("        reduced from %u to %u packets in %u trials%s, still failing by %s: %s\n",
                 (unsigned)result.packets_before, (unsigned)result.packets, (unsigned)result.trials,
                 result.limited ? ", which is as many as there may be" : "", trial.kind, command->reduce);
    return STATUS_FAILED;
}

/* --- Running ----------------------------------------------------------------------------------- */

static void again(struct stk_run *run)
{
    char folder[STK_CASE_TEXT];
    struct stk_run *second = calloc(1, sizeof(*second));
    if (second == NULL || !stk_spawn_folder(folder, sizeof(folder))) {
        free(second);
        stk_run_fault(run, STK_FAULT_SETUP, "no folder for the second run");
        return;
    }
    stk_run_case(run->of, folder, second);
    if (!files_same(run->capture, second->capture)) {
        stk_run_fault(run, STK_FAULT_GOLDEN, "two runs gave different outputs");
    }
    stk_run_free(second);
    free(second);
    stk_spawn_folder_remove(folder);
}

static bool setup_failed(const struct stk_run *run)
{
    return run->faults_count > 0 && run->faults[0].kind == STK_FAULT_SETUP;
}

static enum status case_run(const struct command *command, const char *path, struct stk_case *of, struct stk_run *run)
{
    char folder[STK_CASE_TEXT];
    char golden[STK_CASE_TEXT] = "";
    if (command->out != NULL) {
        (void)snprintf(folder, sizeof(folder), "%.500s", command->out);
    }
    if (command->out != NULL ? !stk_spawn_folder_make(folder) : !stk_spawn_folder(folder, sizeof(folder))) {
        const char *reason = strerror(errno);
        memset(run, 0, sizeof(*run));
        run->of = of;
        stk_run_fault(run, STK_FAULT_SETUP, "no folder for the run: %.400s%s%s", command->out != NULL ? folder : "",
                      command->out != NULL ? ": " : "", reason);
        run_tell(command, run);
        return STATUS_ERROR;
    }
    if (command->update) {
        (void)strcpy(golden, of->golden);
        of->golden[0] = '\0';
    }
    of->digests = command->show || command->inspect;
    of->output = command->out != NULL || command->twice || command->update;
    stk_run_case(of, folder, run);
    if (command->twice && run->faults_count == 0) {
        again(run);
    }
    if (golden[0] != '\0' && !setup_failed(run) && !stk_pcap_out_copy(run->capture, golden)) {
        stk_run_fault(run, STK_FAULT_SETUP, "%s: %s", golden, strerror(errno));
    }
    run_tell(command, run);
    enum status status = run->faults_count == 0 ? STATUS_GOOD : setup_failed(run) ? STATUS_ERROR : STATUS_FAILED;
    if (command->verdict != NULL) {
        verdict_write(command->verdict, run);
    }
    if (command->reduce != NULL) {
        status = reduce(command, path, of, folder);
    }
    if (command->out == NULL) {
        stk_spawn_folder_remove(folder);
    }
    return status;
}

static enum status cases_run(struct command *command)
{
    enum status worst = STATUS_GOOD;
    uint32_t failed = 0;
    struct stk_case *of = malloc(sizeof(*of));
    struct stk_run *run = malloc(sizeof(*run));
    for (uint32_t i = 0; of != NULL && run != NULL && i < command->files_count; i++) {
        static char error[STK_CASE_ERROR_SIZE];
        enum status status = STATUS_USAGE;
        if (case_make(command, command->files[i], of, error)) {
            status = case_run(command, command->files[i], of, run);
            stk_junit_add(command->junit, of->name, run);
            stk_run_free(run);
        } else {
            (void)fprintf(stderr, "winlane: %s\n", error);
            stk_junit_add_error(command->junit, command->files[i], error);
        }
        failed += status != STATUS_GOOD;
        worst = status > worst ? status : worst;
    }
    if (command->files_count > 1) {
        (void)printf("%u of %u passed\n", (unsigned)(command->files_count - failed), (unsigned)command->files_count);
    }
    free(of);
    free(run);
    return of == NULL || run == NULL ? STATUS_ERROR : worst;
}

/* --- The command line ------------------------------------------------------------------------------ */

/** Options that stand for keys. */
static const struct {
    const char *option;
    const char *key;
} shorthands[] = {
    {"--mode", "mode"},
    {"--play", "play"},
    {"--actor", "actor"},
    {"--program", "program"},
    {"--stop-at", "stop_at"},
    {"--speed", "speed"},
    {"--seed", "seed"},
    {"--tolerance", "expect.tolerance"},
    {"--golden", "expect.golden"},
};

static bool set_add(struct command *command, const char *key, const char *value)
{
    char *text = malloc(strlen(key) + strlen(value) + 2);
    if (text == NULL || command->sets_count == SETS_MAX) {
        free(text);
        return false;
    }
    (void)sprintf(text, "%s%s%s", key, *key != '\0' ? "=" : "", value);
    command->sets[command->sets_count++] = text;
    return true;
}

/* An option with a value. @return  false: it is none of these. */
static bool option_value(struct command *command, const char *option, const char *value)
{
    const struct {
        const char *option;
        const char **field;
    } fields[] = {
        {"--out", &command->out},         {"--junit", &command->junit_path}, {"--reduce", &command->reduce},
        {"--verdict", &command->verdict}, {"--capture", &command->capture},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(option, fields[i].option) == 0) {
            *fields[i].field = value;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++) {
        if (strcmp(option, shorthands[i].option) == 0) {
            command->inspect = command->inspect || strcmp(option, "--stop-at") == 0;
            return set_add(command, shorthands[i].key, value);
        }
    }
    return strcmp(option, "--set") == 0 && set_add(command, "", value);
}

static bool option_flag(struct command *command, const char *option)
{
    const struct {
        const char *option;
        bool *field;
    } flags[] = {
        {"--twice", &command->twice},
        {"--update", &command->update},
        {"--show", &command->show},
        {"--quiet", &command->quiet},
    };
    if (strcmp(option, "--step") == 0) {
        return set_add(command, "speed", "stepped");
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(option, flags[i].option) == 0) {
            *flags[i].field = true;
            return true;
        }
    }
    return false;
}

static enum status options_read(struct command *command, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(usage_text, stdout);
            exit(STATUS_GOOD);
        }
        if (argv[i][0] != '-') {
            if (command->files_count == CASES_MAX) {
                return refuse(argv[i], "too many files");
            }
            command->files[command->files_count++] = argv[i];
        } else if (!option_flag(command, argv[i])) {
            if (i + 1 == argc || !option_value(command, argv[i], argv[i + 1])) {
                return refuse(argv[i], "no such option, or its value is missing");
            }
            i++;
        }
    }
    if (command->files_count == 0) {
        return refuse("", "no case and no capture is named");
    }
    if (command->files_count > 1 && (command->out != NULL || command->reduce != NULL || command->capture != NULL)) {
        return refuse("", "--out, --reduce and --capture are for one case");
    }
    return STATUS_GOOD;
}

static enum status command_replay(struct command *command, int argc, char **argv)
{
    enum status status = options_read(command, argc, argv);
    if (status != STATUS_GOOD) {
        return status;
    }
    if (command->junit_path != NULL) {
        command->junit = stk_junit_open(command->junit_path);
        if (command->junit == NULL) {
            return refuse(command->junit_path, "cannot be written");
        }
    }
    status = cases_run(command);
    if (!stk_junit_close(command->junit)) {
        (void)fprintf(stderr, "winlane: %s: cannot be written\n", command->junit_path);
        status = status > STATUS_USAGE ? status : STATUS_ERROR;
    }
    return status;
}

static enum status command_diff(struct command *command, int argc, char **argv)
{
    static char text[65536];
    struct stk_case *of = malloc(sizeof(*of));
    char error[STK_CASE_ERROR_SIZE];
    enum status status = options_read(command, argc, argv);
    if (of == NULL || status != STATUS_GOOD || command->files_count != 2) {
        free(of);
        return status != STATUS_GOOD ? status : refuse("", "diff compares two captures");
    }
    stk_case_defaults(of);
    if (!sets_apply(command, of, error)) {
        free(of);
        return refuse("", error);
    }
    const int64_t differ = stk_diff_captures(of, command->files[0], command->files[1], text, sizeof(text),
                                             stk_spawn_terminal());
    free(of);
    (void)fputs(text, differ < 0 ? stderr : stdout);
    if (differ < 0) {
        (void)fputc('\n', stderr);
        return STATUS_ERROR;
    }
    if (differ > 0) {
        (void)printf("%lld packets differ\n", (long long)differ);
    }
    return differ > 0 ? STATUS_FAILED : STATUS_GOOD;
}

int main(int argc, char **argv)
{
    static struct command command;
    if (argc >= 2 && strcmp(argv[1], "replay") == 0) {
        return (int)command_replay(&command, argc, argv);
    }
    if (argc >= 2 && strcmp(argv[1], "diff") == 0) {
        return (int)command_diff(&command, argc, argv);
    }
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        (void)fputs(usage_text, stdout);
        return STATUS_GOOD;
    }
    return (int)refuse(argc < 2 ? "" : argv[1], "the commands are replay and diff");
}
