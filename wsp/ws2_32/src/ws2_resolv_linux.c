/*
 * Reading where DNS is asked, Linux: the file that WINLANE_RESOLV names, else winlane-resolv.conf beside this library, else the
 * system's. In the system's, servers on loopback addresses are passed over: those are of the kernel's loopback, which our
 * sockets do not reach.
 */
#include "ws2_resolv.h"

#include "ws2_hosts_priv.h"

#include <stdlib.h>
#include <string.h>

#define RESOLV_NAME "winlane-resolv.conf"

static bool is_loopback(const char *server)
{
    return strncmp(server, "127.", 4) == 0 || strcmp(server, "::1") == 0 || strncmp(server, "[::1]", 5) == 0;
}

static void add_server(struct ws2_resolv *out, const char *text, bool system)
{
    if (text != NULL && out->servers < WS2_RESOLV_SERVERS && strlen(text) < sizeof out->server[0] &&
        !(system && is_loopback(text))) {
        snprintf(out->server[out->servers++], sizeof out->server[0], "%s", text);
    }
}

static void add_domain(struct ws2_resolv *out, const char *text)
{
    if (out->domains < WS2_RESOLV_DOMAINS && strlen(text) < sizeof out->domain[0]) {
        snprintf(out->domain[out->domains++], sizeof out->domain[0], "%s", text);
    }
}

static unsigned bounded(const char *text, unsigned most)
{
    unsigned long value = strtoul(text, NULL, 10);
    return value > most ? most : (unsigned)value;
}

static void read_option(struct ws2_resolv *out, const char *word)
{
    if (strncmp(word, "timeout:", 8) == 0) {
        out->timeout_ms = bounded(word + 8, 30) * 1000u;
    } else if (strncmp(word, "timeout-ms:", 11) == 0) {
        out->timeout_ms = bounded(word + 11, 30000);
    } else if (strncmp(word, "attempts:", 9) == 0) {
        out->tries = bounded(word + 9, 5);
    } else if (strncmp(word, "ndots:", 6) == 0) {
        out->ndots = bounded(word + 6, 15);
    }
}

/* The next word of a line; *at moves behind it. NULL at the end. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t\r\n");
    if (*word == '\0') {
        return NULL;
    }
    *at = word + strcspn(word, " \t\r\n");
    if (**at != '\0') {
        *(*at)++ = '\0';
    }
    return word;
}

static void read_line(struct ws2_resolv *out, char *line, bool system)
{
    char *at = line;
    char *key;
    char *word;
    line[strcspn(line, "#;")] = '\0';
    key = next_word(&at);
    if (key == NULL) {
        return;
    }
    if (strcmp(key, "nameserver") == 0) {
        add_server(out, next_word(&at), system);
        return;
    }
    if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0) {
        out->domains = 0; /* the last line counts */
    }
    while ((word = next_word(&at)) != NULL) {
        if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0) {
            add_domain(out, word);
        } else if (strcmp(key, "options") == 0) {
            read_option(out, word);
        }
    }
}

static bool read_file(const char *path, bool system, struct ws2_resolv *out)
{
    char line[512];
    FILE *file = ws2_os_file_open(path, "r");
    if (file == NULL) {
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        read_line(out, line, system);
    }
    fclose(file);
    return true;
}

/**
 * Read the configuration of DNS.
 *
 * @param out  Filled; defaults where the file is silent: 1000 ms, 3 tries, names with a dot as they are first.
 * @return     false if no server is configured: names come from files only.
 *
 * Context: any thread; reads a file at each question, so that a change counts at once.
 */
bool ws2_resolv_read(struct ws2_resolv *out)
{
    char path[WS2_PATH_BYTES];
    memset(out, 0, sizeof *out);
    out->timeout_ms = 1000;
    out->tries = 3;
    out->ndots = 1;
    if (ws2_os_environment("WINLANE_RESOLV", path, sizeof path)) {
        (void)read_file(path, false, out);
    } else if (!ws2_os_own_directory(path, sizeof path - sizeof "/" RESOLV_NAME) ||
               !read_file(strcat(path, "/" RESOLV_NAME), false, out)) {
        (void)read_file("/etc/resolv.conf", true, out);
    }
    out->timeout_ms = out->timeout_ms == 0 ? 1000 : out->timeout_ms;
    out->tries = out->tries == 0 ? 1 : out->tries;
    return out->servers > 0;
}
