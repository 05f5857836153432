#include "case.h"

#include "stack/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(field) offsetof(struct stk_case, field), sizeof(((struct stk_case *)0)->field)

void stk_case_defaults(struct stk_case *out)
{
    memset(out, 0, sizeof(*out));
    (void)strcpy(out->speed, "1");
    (void)strcpy(out->checksum, "auto");
    out->seed = 1;
    out->mtu = 1500;
    out->loops = 1;
    out->timeout_ms = 60000;
    out->start_ms = 1000;
    out->linger_ms = 10000;
    out->limit_s = 60;
    out->left_out = UINT32_MAX;
    out->exit_code = -1;
}

/* --- Values ------------------------------------------------------------------ */

static bool number_read(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        if (value > max / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out = value;
    return *text == '\0' && value <= max;
}

/* "250us", "1ms", "2s". */
static bool time_read(const char *text, uint64_t *out_ns)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    char digits[24];
    const size_t len = strspn(text, "0123456789");
    uint64_t value;
    if (len == 0 || len >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (!number_read(digits, UINT64_C(86400000000000), &value)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text + len, units[i].unit) == 0 && value <= UINT64_C(86400000000000) / units[i].ns) {
            *out_ns = value * units[i].ns;
            return true;
        }
    }
    return value == 0 && text[len] == '\0' && (*out_ns = 0, true);
}

static int word_find(const char *value, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], value) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *set_mode(struct stk_case *out, const char *value)
{
    static const char *const words[] = {"tcp", "recorded", "receive", NULL};
    const int word = word_find(value, words);
    out->mode = (enum stk_case_mode)word;
    return word < 0 ? "it is tcp, recorded or receive" : NULL;
}

static const char *set_play(struct stk_case *out, const char *value)
{
    static const char *const words[] = {"client", "server", NULL};
    const int word = word_find(value, words);
    out->play = (enum stk_case_play)word;
    return word < 0 ? "it is client or server" : NULL;
}

static const char *set_actor(struct stk_case *out, const char *value)
{
    static const char *const words[] = {"recorded", "echo", "sink", "script", "program", "none", NULL};
    if (strncmp(value, "script ", 7) == 0) {
        if (strlen(value + 7) >= sizeof(out->script)) {
            return "the script's name is too long";
        }
        (void)strcpy(out->script, value + 7);
        out->actor = STK_ACTOR_SCRIPT;
        return NULL;
    }
    const int word = word_find(value, words);
    if (word < 0 || word == STK_ACTOR_SCRIPT || word == STK_ACTOR_PROGRAM) {
        return "it is recorded, echo, sink, none or: script FILE; a program has a key of its own";
    }
    out->actor = (enum stk_case_actor)word;
    return NULL;
}

static const char *set_program(struct stk_case *out, const char *value)
{
    out->actor = STK_ACTOR_PROGRAM;
    if (strlen(value) >= sizeof(out->program)) {
        return "too long";
    }
    (void)strcpy(out->program, value);
    return NULL;
}

static const char *set_clock(struct stk_case *out, const char *value)
{
    static const char *const words[] = {"virtual", "real", NULL};
    const int word = word_find(value, words);
    out->real_clock = word == 1;
    return word < 0 ? "it is virtual or real" : NULL;
}

static const char *set_speed(struct stk_case *out, const char *value)
{
    const size_t digits = strspn(value, "0123456789.");
    if (strlen(value) >= sizeof(out->speed) ||
        (strcmp(value, "max") != 0 && strcmp(value, "stepped") != 0 &&
         (digits == 0 || (value[digits] != '\0' && strcmp(value + digits, "x") != 0)))) {
        return "it is a factor (1, 10x, 0.25), max or stepped";
    }
    (void)strcpy(out->speed, value);
    return NULL;
}

static const char *set_checksum(struct stk_case *out, const char *value)
{
    static const char *const words[] = {"auto", "verify", "ignore", NULL};
    if (word_find(value, words) < 0) {
        return "it is auto, verify or ignore";
    }
    (void)strcpy(out->checksum, value);
    return NULL;
}

static const char *set_tolerance(struct stk_case *out, const char *value)
{
    static const char *const words[] = {"seq", "id", "window", "timestamps", "ttl", "acks", "port", NULL};
    char word[32];
    while (*value != '\0') {
        const size_t len = strcspn(value, ", \t");
        if (len >= sizeof(word)) {
            return "a word is too long";
        }
        memcpy(word, value, len);
        word[len] = '\0';
        value += len;
        value += strspn(value, ", \t");
        if (len == 0) {
            continue;
        }
        const int found = word_find(word, words);
        if (found >= 0) {
            out->tolerance |= 1u << found;
        } else if (strncmp(word, "time=", 5) != 0 || !time_read(word + 5, &out->tolerance_ns)) {
            return "words are seq, id, window, timestamps, ttl, acks, port and time=DURATION";
        }
    }
    return NULL;
}

static const char *line_add(char lines[][STK_CASE_TEXT], uint32_t *count, const char *value)
{
    if (*count == STK_CASE_EXTRA_MAX) {
        return "too many of these";
    }
    if (strchr(value, '=') == NULL || value[0] == '[') {
        return "it is KEY = VALUE, as in the stack's configuration";
    }
    (void)strcpy(lines[(*count)++], value);
    return NULL;
}

static const char *set_engine(struct stk_case *out, const char *value)
{
    return line_add(out->extra_engine, &out->extra_engine_count, value);
}

static const char *set_port(struct stk_case *out, const char *value)
{
    return line_add(out->extra_port, &out->extra_port_count, value);
}

static const char *set_exit(struct stk_case *out, const char *value)
{
    uint64_t number = 0;
    if (strcmp(value, "any") == 0) {
        out->exit_code = -1;
        return NULL;
    }
    if (!number_read(value, 255, &number)) {
        return "it is a number up to 255, or any";
    }
    out->exit_code = (int32_t)number;
    return NULL;
}

static const char *set_left_out(struct stk_case *out, const char *value)
{
    uint64_t number = UINT32_MAX;
    if (strcmp(value, "any") != 0 && !number_read(value, UINT32_MAX - 1, &number)) {
        return "it is a number of packets, or any";
    }
    out->left_out = (uint32_t)number;
    return NULL;
}

static const char *set_departures(struct stk_case *out, const char *value)
{
    uint64_t number = 0;
    if (!number_read(value, UINT32_MAX, &number)) {
        return "it is a number";
    }
    out->departures = (uint32_t)number;
    return NULL;
}

/* --- Keys ---------------------------------------------------------------------- */

enum value_kind { VALUE_TEXT, VALUE_NUMBER32, VALUE_NUMBER, VALUE_MS, VALUE_OWN, VALUE_EXPECT };

struct key {
    const char *section;
    const char *name;
    enum value_kind kind;
    size_t offset; /**< of the field; VALUE_EXPECT: the kind of expectation */
    size_t size;
    uint64_t min;
    uint64_t max;
    const char *(*set)(struct stk_case *out, const char *value);
};

static const struct key keys[] = {
    {"case", "name", VALUE_TEXT, FIELD(name), 0, 0, NULL},
    {"case", "capture", VALUE_TEXT, FIELD(capture), 0, 0, NULL},
    {"case", "mode", VALUE_OWN, 0, 0, 0, 0, set_mode},
    {"case", "play", VALUE_OWN, 0, 0, 0, 0, set_play},
    {"case", "actor", VALUE_OWN, 0, 0, 0, 0, set_actor},
    {"case", "program", VALUE_OWN, 0, 0, 0, 0, set_program},
    {"case", "listen", VALUE_TEXT, FIELD(listen), 0, 0, NULL},
    {"case", "address", VALUE_TEXT, FIELD(address), 0, 0, NULL},
    {"case", "speed", VALUE_OWN, 0, 0, 0, 0, set_speed},
    {"case", "filter", VALUE_TEXT, FIELD(filter), 0, 0, NULL},
    {"case", "rewrite", VALUE_TEXT, FIELD(rewrite), 0, 0, NULL},
    {"case", "checksum", VALUE_OWN, 0, 0, 0, 0, set_checksum},
    {"case", "clock", VALUE_OWN, 0, 0, 0, 0, set_clock},
    {"case", "seed", VALUE_NUMBER32, FIELD(seed), 0, UINT32_MAX, NULL},
    {"case", "mtu", VALUE_NUMBER32, FIELD(mtu), 576, 9000, NULL},
    {"case", "loops", VALUE_NUMBER, FIELD(loops), 0, UINT32_MAX, NULL},
    {"case", "stop_at", VALUE_NUMBER, FIELD(stop_at), 0, UINT64_MAX / 16, NULL},
    {"case", "limit", VALUE_NUMBER, FIELD(limit_s), 1, 3600, NULL},
    {"case", "timeout", VALUE_MS, FIELD(timeout_ms), 1, 3600000, NULL},
    {"case", "start", VALUE_MS, FIELD(start_ms), 0, 3600000, NULL},
    {"case", "linger", VALUE_MS, FIELD(linger_ms), 0, 3600000, NULL},
    {"case", "engine", VALUE_OWN, 0, 0, 0, 0, set_engine},
    {"case", "port", VALUE_OWN, 0, 0, 0, 0, set_port},
    {"expect", "golden", VALUE_TEXT, FIELD(golden), 0, 0, NULL},
    {"expect", "tolerance", VALUE_OWN, 0, 0, 0, 0, set_tolerance},
    {"expect", "departures", VALUE_OWN, 0, 0, 0, 0, set_departures},
    {"expect", "left_out", VALUE_OWN, 0, 0, 0, 0, set_left_out},
    {"expect", "exit", VALUE_OWN, 0, 0, 0, 0, set_exit},
    {"expect", "stream", VALUE_EXPECT, STK_EXPECT_STREAM, 0, 0, 0, NULL},
    {"expect", "event", VALUE_EXPECT, STK_EXPECT_EVENT, 0, 0, 0, NULL},
    {"expect", "counter", VALUE_EXPECT, STK_EXPECT_COUNTER, 0, 0, 0, NULL},
};

_Static_assert(sizeof(keys) / sizeof(keys[0]) <= STK_CASE_KEYS_MAX, "a line of each key is kept");

const char *stk_case_place(const struct stk_case *self, const char *name, char *out)
{
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i].name, name) == 0 && self->lines[i] != 0) {
            (void)snprintf(out, STK_CASE_ERROR_SIZE, "%s:%u: %s: ", self->file, (unsigned)self->lines[i], name);
        }
    }
    return out;
}

/* Keys that a file may have several times. */
static bool repeats(const struct key *key)
{
    return key->kind == VALUE_EXPECT || key->set == set_engine || key->set == set_port;
}

/* One line for each; a program and an actor are the same thing. */
static const char *line_keep(struct stk_case *out, const struct key *key, uint32_t line)
{
    char place[STK_CASE_ERROR_SIZE];
    if (line == 0) {
        return NULL; /* an option takes the file's place */
    }
    if (out->lines[key - keys] != 0 && !repeats(key)) {
        return "the file has it already";
    }
    if ((key->set == set_program && *stk_case_place(out, "actor", place) != '\0') ||
        (key->set == set_actor && *stk_case_place(out, "program", place) != '\0')) {
        return "a case has an actor or a program";
    }
    if (out->lines[key - keys] == 0) {
        out->lines[key - keys] = line;
    }
    return NULL;
}

/* "accept 1", "data 1 40": who else would notice a word that no event has? */
static bool event_known(const char *text)
{
    static const char *const words[] = {"accept", "connect", "data", "eof",   "shutdown",
                                        "close",  "abort",   "open", "error", NULL};
    const size_t len = strcspn(text, " \t");
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strlen(words[i]) == len && strncmp(words[i], text, len) == 0) {
            return true;
        }
    }
    return false;
}

static const char *number_set(struct stk_case *out, const struct key *key, const char *value)
{
    uint64_t number = 0;
    if (key->kind == VALUE_MS) {
        if (!time_read(value, &number)) {
            return "it is a duration: 20ms, 3s";
        }
        number /= 1000000;
    } else if (!number_read(value, UINT64_MAX / 16, &number)) {
        return "it is a whole number";
    }
    if (number < key->min || number > key->max) {
        return "out of range";
    }
    const uint32_t small = (uint32_t)number;
    if (key->kind == VALUE_NUMBER32) {
        memcpy((char *)out + key->offset, &small, sizeof(small));
    } else {
        memcpy((char *)out + key->offset, &number, sizeof(number));
    }
    return NULL;
}

static const char *expect_add(struct stk_case *out, const struct key *key, const char *value, uint32_t line)
{
    if (out->expects_count == STK_CASE_EXPECT_MAX) {
        return "too many of these";
    }
    if (key->offset == STK_EXPECT_EVENT && !event_known(value)) {
        return "words are accept, connect, data, eof, shutdown, close, abort, open and error";
    }
    struct stk_expect *expect = &out->expects[out->expects_count++];
    expect->kind = (enum stk_expect_kind)key->offset;
    expect->line = line;
    (void)strcpy(expect->text, value);
    return NULL;
}

const char *stk_case_set(struct stk_case *out, const char *section, const char *name, const char *value, uint32_t line)
{
    const struct key *key = NULL;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && key == NULL; i++) {
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0) {
            key = &keys[i];
        }
    }
    if (key == NULL) {
        return "unknown key";
    }
    if (*value == '\0') {
        return "no value";
    }
    if (strlen(value) >= STK_CASE_TEXT) {
        return "the value is too long";
    }
    const char *why = line_keep(out, key, line);
    if (why != NULL) {
        return why;
    }
    switch (key->kind) {
    case VALUE_TEXT:
        if (strlen(value) >= key->size) {
            return "the value is too long";
        }
        (void)strcpy((char *)out + key->offset, value);
        return NULL;
    case VALUE_OWN:
        return key->set(out, value);
    case VALUE_EXPECT:
        return expect_add(out, key, value, line);
    case VALUE_NUMBER32:
    case VALUE_NUMBER:
    case VALUE_MS:
        break;
    }
    return number_set(out, key, value);
}

/* Mode receive feeds the stack's receiver with every packet at once. */
static const char *receive_check(const struct stk_case *self)
{
    if (self->actor == STK_ACTOR_PROGRAM) {
        return "mode receive has no program: the stack alone receives";
    }
    if (self->filter[0] != '\0') {
        return "mode receive takes every packet: filter";
    }
    if (self->rewrite[0] != '\0') {
        return "mode receive takes packets as they are: rewrite";
    }
    if (self->listen[0] != '\0' || self->address[0] != '\0') {
        return self->listen[0] != '\0' ? "mode receive takes every conversation: listen"
                                       : "mode receive takes every conversation: address";
    }
    if (self->loops != 1) {
        return "mode receive plays once: loops";
    }
    if (strcmp(self->speed, "stepped") == 0) {
        return "mode receive is not stepped (key stop_at stops it): speed";
    }
    return self->real_clock ? "mode receive has no clock but the capture's: clock" : NULL;
}

const char *stk_case_check(const struct stk_case *self)
{
    if (self->capture[0] == '\0') {
        return "no capture is named";
    }
    if (self->mode == STK_CASE_RECEIVE) {
        return receive_check(self);
    }
    if (self->mode == STK_CASE_TCP && self->loops != 1) {
        return "mode tcp plays once: loops";
    }
    if (self->actor == STK_ACTOR_RECORDED && self->loops != 1) {
        return "the recorded actor lives once: loops";
    }
    return NULL;
}

/* --- Files ---------------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Without blanks at both ends, in place. */
static char *trim(char *text, char *end)
{
    while (end > text && blank(end[-1])) {
        end--;
    }
    *end = '\0';
    while (blank(*text)) {
        text++;
    }
    return text;
}

/* Other files are named relative to the case's folder. */
static const char *path_resolve(const char *name, char path[STK_CASE_TEXT])
{
    const char *slash = strrchr(name, '/');
    char copy[STK_CASE_TEXT];
    if (slash == NULL || path[0] == '\0' || path[0] == '/' || path[1] == ':') { /* C:\ is Windows' */
        return NULL;
    }
    const size_t folder = (size_t)(slash - name) + 1;
    if (folder + strlen(path) >= STK_CASE_TEXT) {
        return "the path is too long";
    }
    (void)strcpy(copy, path);
    memcpy(path, name, folder);
    (void)strcpy(path + folder, copy);
    return NULL;
}

static int fail(char *error, const char *name, uint32_t line, const char *key, const char *why)
{
    (void)snprintf(error, STK_CASE_ERROR_SIZE, "%s:%u: %s%s%s", name, (unsigned)line, key, *key != '\0' ? ": " : "",
                   why);
    return STK_EINVAL;
}

static const char *section_take(char *line, char *end, char section[16])
{
    if (end[-1] != ']' || end - line > 12) {
        return "sections are [case] and [expect]";
    }
    end[-1] = '\0';
    (void)strcpy(section, line + 1);
    return strcmp(section, "case") == 0 || strcmp(section, "expect") == 0 ? NULL : "sections are [case] and [expect]";
}

static int line_take(char *line, size_t len, const char *name, uint32_t number, char section[16], struct stk_case *out,
                     char *error)
{
    line = trim(line, line + len);
    char *equals = strchr(line, '=');
    if (*line == '\0' || *line == '#' || *line == ';') {
        return STK_OK;
    }
    if (*line == '[') {
        const char *why = section_take(line, line + strlen(line), section);
        return why == NULL ? STK_OK : fail(error, name, number, "", why);
    }
    if (equals == NULL) {
        return fail(error, name, number, "", "neither [section] nor KEY = VALUE");
    }
    char *value = trim(equals + 1, equals + 1 + strlen(equals + 1));
    char *key = trim(line, equals);
    if (section[0] == '\0') {
        return fail(error, name, number, key, "stands before the first [section]");
    }
    const char *why = stk_case_set(out, section, key, value, number);
    return why == NULL ? STK_OK : fail(error, name, number, key, why);
}

static int lines_take(char *text, size_t size, const char *name, struct stk_case *out, char *error)
{
    char section[16] = "";
    uint32_t number = 0;
    for (size_t at = 0; at < size;) {
        char *end = memchr(text + at, '\n', size - at);
        const size_t len = end != NULL ? (size_t)(end - (text + at)) : size - at;
        number++;
        text[at + len] = '\0';
        if (memchr(text + at, '\0', len) != NULL) {
            return fail(error, name, number, "", "a NUL byte in the line");
        }
        const int err = line_take(text + at, len, name, number, section, out, error);
        if (err != STK_OK) {
            return err;
        }
        at += len + 1;
    }
    return STK_OK;
}

static int finish(const char *name, struct stk_case *out, char *error)
{
    const char *why = path_resolve(name, out->capture);
    why = why != NULL ? why : path_resolve(name, out->golden);
    why = why != NULL ? why : path_resolve(name, out->script);
    why = why != NULL ? why : stk_case_check(out);
    if (why != NULL) {
        (void)snprintf(error, STK_CASE_ERROR_SIZE, "%s: %s", name, why);
        return STK_EINVAL;
    }
    if (out->name[0] == '\0') {
        const char *slash = strrchr(name, '/');
        (void)snprintf(out->name, sizeof(out->name), "%.500s", slash != NULL ? slash + 1 : name);
    }
    return STK_OK;
}

int stk_case_parse(const char *text, size_t size, const char *name, struct stk_case *out, char *error)
{
    error[0] = '\0';
    stk_case_defaults(out);
    if (size > STK_CASE_BYTES_MAX || strlen(name) >= sizeof(out->file)) {
        (void)snprintf(error, STK_CASE_ERROR_SIZE, "%.200s: the file, or its name, is too long", name);
        return STK_EINVAL;
    }
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        return STK_ENOMEM;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    (void)strcpy(out->file, name);
    int err = lines_take(copy, size, name, out, error);
    free(copy);
    return err == STK_OK ? finish(name, out, error) : err;
}

int stk_case_load(const char *path, struct stk_case *out, char *error)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)snprintf(error, STK_CASE_ERROR_SIZE, "%.400s: %s", path, strerror(errno));
        return errno == ENOENT ? STK_ENOENT : STK_EIO;
    }
    char *text = malloc(STK_CASE_BYTES_MAX + 1);
    int err = STK_ENOMEM;
    if (text != NULL) {
        const size_t size = fread(text, 1, STK_CASE_BYTES_MAX + 1, file);
        err = stk_case_parse(text, size, path, out, error);
    }
    free(text);
    (void)fclose(file);
    return err;
}
