#include "junit.h"

#include <stdlib.h>
#include <string.h>

struct stk_junit {
    FILE *file;
    char *body;
    size_t len;
    size_t room;
    unsigned tests;
    unsigned failures;
    unsigned errors;
    uint64_t real_ns;
};

struct stk_junit *stk_junit_open(const char *path)
{
    struct stk_junit *junit = calloc(1, sizeof(*junit));
    if (junit != NULL) {
        junit->file = fopen(path, "wb");
        if (junit->file == NULL) {
            free(junit);
            return NULL;
        }
    }
    return junit;
}

static void add(struct stk_junit *junit, const char *text, size_t len)
{
    if (junit->len + len + 1 > junit->room) {
        const size_t room = (junit->len + len) * 2 + 1024;
        char *moved = realloc(junit->body, room);
        if (moved == NULL) {
            return;
        }
        junit->body = moved;
        junit->room = room;
    }
    memcpy(junit->body + junit->len, text, len);
    junit->len += len;
}

static void add_text(struct stk_junit *junit, const char *text)
{
    add(junit, text, strlen(text));
}

/* @return  Bytes of the UTF-8 sequence that begins here and XML 1.0 can hold; 0: it is none. Source: RFC 3629 4. */
static size_t sequence_len(const unsigned char *at)
{
    const size_t len = at[0] >= 0xc2 && at[0] < 0xe0   ? 2
                       : (at[0] & 0xf0) == 0xe0        ? 3
                       : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                                       : 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0; /* the text's end, too */
        }
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f) || (at[0] == 0xef && at[1] == 0xbf && at[2] > 0xbd)) {
        return 0; /* longer than need be, surrogates, behind the last character, U+FFFE and U+FFFF */
    }
    return len;
}

/* XML 1.0 has no way to write most control characters; the colours of a terminal are some of them. */
static void add_escaped(struct stk_junit *junit, const char *text)
{
    for (; *text != '\0'; text++) {
        const size_t len = (unsigned char)*text >= 0x80 ? sequence_len((const unsigned char *)text) : 0;
        if (len > 0) {
            add(junit, text, len);
            text += len - 1;
        } else if (*text == '\033') {
            text += strcspn(text, "m");
            if (*text == '\0') {
                return;
            }
        } else if (*text == '<') {
            add_text(junit, "&lt;");
        } else if (*text == '>') {
            add_text(junit, "&gt;");
        } else if (*text == '&') {
            add_text(junit, "&amp;");
        } else if (*text == '"') {
            add_text(junit, "&quot;");
        } else if (((unsigned char)*text >= 0x20 && (unsigned char)*text < 0x80) || *text == '\n') {
            add(junit, text, 1);
        } else {
            add_text(junit, "?");
        }
    }
}

static void add_case(struct stk_junit *junit, const char *name, uint64_t real_ns)
{
    char seconds[64];
    add_text(junit, "  <testcase classname=\"winlane.replay\" name=\"");
    add_escaped(junit, name);
    (void)snprintf(seconds, sizeof(seconds), "\" time=\"%llu.%06llu\">\n", (unsigned long long)(real_ns / STK_S_NS),
                   (unsigned long long)(real_ns % STK_S_NS / 1000));
    add_text(junit, seconds);
    junit->tests++;
    junit->real_ns += real_ns;
}

/* What is no fault: what was played, what was left out and why, what was not compared. */
static void add_notes(struct stk_junit *junit, const struct stk_run *run)
{
    const struct stk_run_numbers *numbers = &run->numbers;
    char text[192];
    (void)snprintf(text, sizeof(text),
                   "    <system-out>%llu packets, %llu played, %llu left out, %llu heard, %llu of %llu conversations\n",
                   (unsigned long long)numbers->packets_read, (unsigned long long)numbers->frames_played,
                   (unsigned long long)numbers->left_out, (unsigned long long)numbers->frames_heard,
                   (unsigned long long)numbers->conversations_finished, (unsigned long long)numbers->conversations);
    add_text(junit, text);
    for (uint32_t i = 0; i < run->notes_count; i++) {
        add_escaped(junit, run->notes[i]);
        add_text(junit, "\n");
    }
    add_text(junit, "</system-out>\n");
}

void stk_junit_add(struct stk_junit *junit, const char *name, const struct stk_run *run)
{
    if (junit == NULL) {
        return;
    }
    add_case(junit, name, run->real_ns);
    const bool setup = run->faults_count > 0 && run->faults[0].kind == STK_FAULT_SETUP;
    const char *word = setup ? "error" : "failure"; /* an error: there is no result */
    junit->errors += setup;
    junit->failures += run->faults_count > 0 && !setup;
    for (uint32_t i = 0; i < run->faults_count && i < STK_RUN_FAULTS_MAX; i++) {
        add_text(junit, "    <");
        add_text(junit, word);
        add_text(junit, " type=\"");
        add_text(junit, stk_fault_name(run->faults[i].kind));
        add_text(junit, "\">");
        add_escaped(junit, run->faults[i].text);
        add_text(junit, "</");
        add_text(junit, word);
        add_text(junit, ">\n");
    }
    add_notes(junit, run);
    add_text(junit, "  </testcase>\n");
}

void stk_junit_add_error(struct stk_junit *junit, const char *name, const char *why)
{
    if (junit == NULL) {
        return;
    }
    add_case(junit, name, 0);
    junit->errors++;
    add_text(junit, "    <error type=\"case\">");
    add_escaped(junit, why);
    add_text(junit, "</error>\n  </testcase>\n");
}

bool stk_junit_close(struct stk_junit *junit)
{
    if (junit == NULL) {
        return true;
    }
    (void)fprintf(junit->file,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"winlane replay\" tests=\"%u\" "
                  "failures=\"%u\" errors=\"%u\" time=\"%llu.%06llu\">\n%.*s</testsuite>\n",
                  junit->tests, junit->failures, junit->errors, (unsigned long long)(junit->real_ns / STK_S_NS),
                  (unsigned long long)(junit->real_ns % STK_S_NS / 1000), (int)junit->len,
                  junit->body != NULL ? junit->body : "");
    const bool written = fclose(junit->file) == 0;
    free(junit->body);
    free(junit);
    return written;
}
