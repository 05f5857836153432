/*
 * Reading the hosts file. Source: rule NSPX-17: "address name [alias...] #comment", names compared without case.
 */
#include "ws2_hosts_priv.h"

#include <stdio.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/** Compare names as DNS does, ASCII letters without case. */
bool ws2_name_equal(const char *a, const char *b)
{
    for (; *a != '\0' || *b != '\0'; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b - 'A' + 'a') : *b;
        if (x != y) {
            return false;
        }
    }
    return true;
}

static char *next_word(char **at)
{
    char *word;
    while (is_space(**at)) {
        ++*at;
    }
    if (**at == '\0' || **at == '#') {
        return NULL;
    }
    word = *at;
    while (**at != '\0' && **at != '#' && !is_space(**at)) {
        ++*at;
    }
    if (**at == '#') {
        **at = '\0';
    } else if (**at != '\0') {
        *(*at)++ = '\0';
    }
    return word;
}

static bool line_parse(char *line, struct ws2_host_line *out)
{
    char *at = line;
    char *word = next_word(&at);
    memset(out, 0, sizeof *out);
    if (word == NULL) {
        return false;
    }
    if (ws2_text_parse4(word, out->addr)) {
        out->family = AF_INET;
    } else if (ws2_text_parse6(word, out->addr)) {
        out->family = AF_INET6;
    } else {
        return false;
    }
    while (out->names < WS2_HOST_NAMES && (word = next_word(&at)) != NULL) {
        out->name[out->names++] = word;
    }
    return out->names > 0;
}

/**
 * Go through the hosts file.
 *
 * @param visit  Called for each good line; returns false to stop. What it gets is gone when it returns.
 * @return       false if the file cannot be read.
 */
bool ws2_hosts_each(bool (*visit)(const struct ws2_host_line *line, void *context), void *context)
{
    char text[1024];
    struct ws2_host_line line;
    char path[512];
    FILE *file = ws2_os_hosts_path(path, sizeof path) ? ws2_os_file_open(path, "r") : NULL;
    if (file == NULL) {
        return false;
    }
    while (fgets(text, sizeof text, file) != NULL) {
        if (line_parse(text, &line) && !visit(&line, context)) {
            break;
        }
    }
    fclose(file);
    return true;
}
