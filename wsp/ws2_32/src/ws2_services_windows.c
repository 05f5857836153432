/*
 * Services, Windows: the file %windir%\system32\drivers\etc\services, "name port/protocol [alias...] #comment", and
 * where it says nothing, or is not there, a short list of our own.
 */
#include "ws2_hosts_priv.h"
#include "ws2_os_windows.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 16

struct service {
    const char *name;
    unsigned port;
    const char *proto;
};

/* RFC 6335's registry, the part that old programs ask for by name. */
static const struct service known[] = {
    {"echo", 7, "tcp"},     {"echo", 7, "udp"},     {"discard", 9, "tcp"},   {"discard", 9, "udp"},
    {"daytime", 13, "tcp"}, {"daytime", 13, "udp"}, {"ftp-data", 20, "tcp"}, {"ftp", 21, "tcp"},
    {"ssh", 22, "tcp"},     {"telnet", 23, "tcp"},  {"smtp", 25, "tcp"},     {"time", 37, "tcp"},
    {"time", 37, "udp"},    {"domain", 53, "tcp"},  {"domain", 53, "udp"},   {"tftp", 69, "udp"},
    {"http", 80, "tcp"},    {"pop3", 110, "tcp"},   {"ntp", 123, "udp"},     {"imap", 143, "tcp"},
    {"snmp", 161, "udp"},   {"ldap", 389, "tcp"},   {"https", 443, "tcp"},   {"syslog", 514, "udp"},
};

struct wanted {
    const char *name;  /* NULL: any */
    const char *proto; /* NULL: any */
    unsigned port;     /* looked at when name is NULL */
};

static bool answer_give(const struct service *service, struct ws2_service *answer)
{
    memset(answer, 0, sizeof *answer);
    snprintf(answer->name, sizeof answer->name, "%s", service->name);
    snprintf(answer->proto, sizeof answer->proto, "%s", service->proto);
    answer->port_be = htons((u_short)service->port);
    return true;
}

static bool service_fits(const struct service *service, const struct wanted *want)
{
    return (want->proto == NULL || ws2_name_equal(want->proto, service->proto)) &&
           (want->name == NULL ? want->port == service->port : ws2_name_equal(want->name, service->name));
}

/* One line: its names, each with the line's port and protocol, until one fits. */
static bool line_fits(char *line, const struct wanted *want, struct ws2_service *answer)
{
    char *words[WORDS];
    unsigned count = 0;
    struct service service;
    char *slash;
    char *end;
    unsigned long port;
    unsigned i;
    line[strcspn(line, "#\r\n")] = '\0';
    for (end = strtok(line, " \t"); end != NULL && count < WORDS; end = strtok(NULL, " \t")) {
        words[count++] = end;
    }
    if (count < 2 || (slash = strchr(words[1], '/')) == NULL) {
        return false;
    }
    *slash = '\0';
    port = strtoul(words[1], &end, 10);
    if (end == words[1] || *end != '\0' || port > UINT16_MAX) {
        return false;
    }
    service.port = (unsigned)port;
    service.proto = slash + 1;
    for (i = 0; i < count; i++) {
        service.name = words[i];
        if (i != 1 && service_fits(&service, want)) {
            service.name = words[0];
            (void)answer_give(&service, answer);
            for (i = 2; i < count && answer->aliases < WS2_SERVICE_ALIASES; i++) {
                snprintf(answer->alias[answer->aliases++], sizeof answer->alias[0], "%s", words[i]);
            }
            return true;
        }
    }
    return false;
}

static bool service_find(const struct wanted *want, struct ws2_service *answer)
{
    char line[512];
    char path[512];
    FILE *file = ws2_etc_path("services", path, sizeof path) ? ws2_os_file_open(path, "r") : NULL;
    bool found = false;
    size_t i;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        found = line_fits(line, want, answer);
    }
    if (file != NULL) {
        fclose(file);
    }
    for (i = 0; !found && i < sizeof known / sizeof known[0]; i++) {
        found = service_fits(&known[i], want) && answer_give(&known[i], answer);
    }
    return found;
}

bool ws2_os_service_by_name(const char *name, const char *proto, struct ws2_service *out)
{
    struct wanted want = {name, proto, 0};
    return service_find(&want, out);
}

bool ws2_os_service_by_port(uint16_t port_be, const char *proto, struct ws2_service *out)
{
    struct wanted want = {NULL, proto, ntohs(port_be)};
    return service_find(&want, out);
}
