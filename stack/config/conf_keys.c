#include "config_priv.h"

#include "stack/err.h"

#include <string.h>

#define FIELD(type, field) \
    .offset = (uint16_t)offsetof(struct type, field), .size = (uint16_t)sizeof(((struct type *)0)->field)
#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define US_NS UINT64_C(1000)
#define MS_NS (US_NS * 1000)
#define HOUR_MS UINT64_C(3600000)

#define COUNT(key, type, field, low, high)                                                                  \
    {                                                                                                       \
        .name = (key), .read = stk_conf_value_count, .min = (low), .max = (high), .range = #low ".." #high, \
        FIELD(type, field)                                                                                  \
    }
#define BYTES(key, type, field, low, high, words)                                                                      \
    {                                                                                                                  \
        .name = (key), .read = stk_conf_value_bytes, .min = (low), .max = (high), .range = (words), FIELD(type, field) \
    }
#define TIME_MS(key, type, field, low, high, words)                                                                \
    {                                                                                                              \
        .name = (key), .read = stk_conf_value_time, .min = (low), .max = (high), .range = (words), .scale = MS_NS, \
        FIELD(type, field)                                                                                         \
    }
#define BOOL(key, type, field)                                         \
    {                                                                  \
        .name = (key), .read = stk_conf_value_bool, FIELD(type, field) \
    }
#define SPIN(key, field)                                                                                \
    {                                                                                                   \
        .name = (key), .read = stk_conf_value_spin, .max = 10000000, .range = "0..10s", .scale = US_NS, \
        FIELD(stk_conf_engine, field)                                                                   \
    }

/* configs/winlane.ini describes each key; a test compares. */
static const struct stk_conf_key engine_keys[] = {
    COUNT("sockets_max", stk_conf_engine, sockets_max, 16, 262144),
    BYTES("buffer_memory", stk_conf_engine, buffer_memory, MIB, 64 * GIB, "1MiB..64GiB"),
    BYTES("rcvbuf", stk_conf_engine, rcvbuf_bytes, 4 * KIB, 2 * MIB, "4KiB..2MiB"),
    BYTES("sndbuf", stk_conf_engine, sndbuf_bytes, 4 * KIB, 2 * MIB, "4KiB..2MiB"),
    COUNT("threads_max", stk_conf_engine, threads_max, 1, 64),
    TIME_MS("start_timeout", stk_conf_engine, start_timeout_ms, 1, HOUR_MS, "1ms..1h"),
    TIME_MS("drain_timeout", stk_conf_engine, drain_timeout_ms, 0, HOUR_MS, "0..1h"),
    {.name = "poll_cpu", .read = stk_conf_value_cpu, .max = 1023, .range = "0..1023", FIELD(stk_conf_engine, poll_cpu)},
    SPIN("spin", spin_us),
    SPIN("app_spin", app_spin_us),
    {.name = "nap_max",
     .read = stk_conf_value_time,
     .min = 1,
     .max = 1000000,
     .range = "1us..1s",
     .scale = US_NS,
     FIELD(stk_conf_engine, nap_us_max)},
    {.name = "port_range", .read = stk_conf_value_port_range, .min = 1, .max = 65535, .range = "1..65535"},
    TIME_MS("tcp_msl", stk_conf_engine, tcp_msl_ms, 1, 240000, "1ms..4min"),
    TIME_MS("connect_timeout", stk_conf_engine, connect_timeout_ms, 100, HOUR_MS, "100ms..1h"),
    COUNT("tcp_max", stk_conf_engine, tcp_max, 16, 262144),
    COUNT("udp_max", stk_conf_engine, udp_max, 4, 262144),
    COUNT("time_wait_max", stk_conf_engine, time_wait_max, 1, 1048576),
    COUNT("out_of_order_rtos", stk_conf_engine, out_of_order_rtos, 1, 1000000),
    BOOL("allow_raw", stk_conf_engine, allow_raw),
    BOOL("counters_at_exit", stk_conf_engine, counters_at_exit),
    {.name = "counters_signal", .read = stk_conf_value_signal, FIELD(stk_conf_engine, counters_signal)},
    {.name = "counters_file", .read = stk_conf_value_text, FIELD(stk_conf_engine, counters_file)},
    {.name = "clock", .read = stk_conf_value_clock, FIELD(stk_conf_engine, clock_virtual)},
    COUNT("seed", stk_conf_engine, seed, 0, 4294967295),
    TIME_MS("virtual_linger", stk_conf_engine, virtual_linger_ms, 0, HOUR_MS, "0..1h"),
};

static const struct stk_conf_key log_keys[] = {
    {.name = "level",
     .read = stk_conf_value_level,
     .range = "error, warn, info or debug",
     FIELD(stk_config, log_level)},
};

static const struct stk_conf_key port_keys[] = {
    {.name = "driver",
     .read = stk_conf_value_driver,
     .range = "wire, pcap, replay or dpdk",
     FIELD(stk_conf_port, driver)},
    COUNT("instance", stk_conf_port, instance, 0, 7),
    COUNT("index", stk_conf_port, if_index, 2, 65535),
    COUNT("mtu", stk_conf_port, mtu, 576, 9000),
    {.name = "vlan", .read = stk_conf_value_vlan, .min = 1, .max = 4094, .range = "1..4094"},
    {.name = "mac", .read = stk_conf_value_mac},
    BOOL("dhcp", stk_conf_port, dhcp),
    BOOL("ipv6_ll", stk_conf_port, ipv6_ll),
    {.name = "address", .read = stk_conf_value_address, .list = true},
    {.name = "route", .read = stk_conf_value_route, .list = true},
    {.name = "neighbour", .read = stk_conf_value_neighbour, .list = true},
    COUNT("buffers", stk_conf_port, buffers, 64, 1048576),
    COUNT("rx_slots", stk_conf_port, rx_slots, 16, 65536),
    COUNT("tx_slots", stk_conf_port, tx_slots, 16, 65536),
    BOOL("offload_rx", stk_conf_port, offload_rx),
    BOOL("offload_tx", stk_conf_port, offload_tx),
    BOOL("extmem", stk_conf_port, extmem),
};

#define KEYS_OF(table) .keys = (table), .keys_count = (uint32_t)(sizeof(table) / sizeof((table)[0]))

static const struct stk_conf_kind kind_engine = {.name = "engine", KEYS_OF(engine_keys)};
static const struct stk_conf_kind kind_log = {.name = "log", KEYS_OF(log_keys)};
static const struct stk_conf_kind kind_port = {.name = "port", KEYS_OF(port_keys)};
static const struct stk_conf_kind *const kinds[] = {&kind_engine, &kind_log, &kind_port};

_Static_assert(sizeof(engine_keys) / sizeof(engine_keys[0]) <= STK_CONF_KEYS_MAX, "key_lines is too short");
_Static_assert(sizeof(port_keys) / sizeof(port_keys[0]) <= STK_CONF_KEYS_MAX, "key_lines is too short");
_Static_assert(STK_CONF_INSTANCES_MAX == 8, "the range of instance says 0..7");

void stk_conf_engine_defaults(struct stk_conf_engine *engine)
{
    *engine = (struct stk_conf_engine){
        .sockets_max = 16384,
        .buffer_memory = 256 * MIB,
        .rcvbuf_bytes = (uint32_t)MIB,
        .sndbuf_bytes = (uint32_t)MIB,
        .threads_max = 64,
        .start_timeout_ms = 10000,
        .drain_timeout_ms = 2000,
        .poll_cpu = -1,
        .spin_us = -2,
        .app_spin_us = -2,
        .nap_us_max = 500,
        .port_range_first = 49152,
        .port_range_last = 65535,
        .tcp_msl_ms = 15000,
        .connect_timeout_ms = 21000,
        .tcp_max = 16384,
        .udp_max = 16384,
        .time_wait_max = 16384,
        .out_of_order_rtos = 6,
        .seed = 1,
        .virtual_linger_ms = 10000,
    };
}

void stk_conf_port_defaults(struct stk_conf_port *port)
{
    memset(port, 0, sizeof(*port));
    port->mtu = 1500;
    port->ipv6_ll = true;
    port->offload_rx = true;
    port->offload_tx = true;
    port->extmem = true;
}

static struct stk_conf_where section_where(const struct stk_conf_parse *parse)
{
    return (struct stk_conf_where){.line = parse->line};
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
}

static const char *port_name_fault(const char *name, size_t len)
{
    if (len == 0) {
        return "a port needs a name: [port NAME]";
    }
    if (len >= sizeof(((struct stk_conf_port *)0)->name)) {
        return "the port's name is longer than 31 characters";
    }
    for (size_t i = 0; i < len; i++) {
        if (!name_char(name[i])) {
            return "a port's name has letters, digits, '_', '.' and '-' only";
        }
    }
    return len == 2 && memcmp(name, "lo", 2) == 0 ? "lo is the loopback interface that each instance has by itself"
                                                  : NULL;
}

static int port_open(struct stk_conf_parse *parse, const char *name, size_t len)
{
    struct stk_config *config = parse->config;
    const char *fault = port_name_fault(name, len);
    if (fault != NULL) {
        return stk_conf_fail_at(parse, section_where(parse), STK_EINVAL, "[port %.*s]: %s", (int)(len < 40 ? len : 40),
                                name, fault);
    }
    for (uint32_t i = 0; i < config->ports_count; i++) {
        const char *other = config->ports[i].name;
        if (strlen(other) == len && memcmp(other, name, len) == 0) {
            return stk_conf_fail_at(parse, section_where(parse), STK_EINVAL, "[port %s]: given twice; first on line %u",
                                    other, config->ports[i].line);
        }
    }
    if (config->ports_count == STK_CONF_PORTS_MAX) {
        return stk_conf_fail_at(parse, section_where(parse), STK_EINVAL, "[port %.*s]: too many ports; at most %d",
                                (int)len, name, STK_CONF_PORTS_MAX);
    }
    struct stk_conf_port *port = &config->ports[config->ports_count];
    parse->open = &parse->sections[STK_CONF_SECTION_PORTS + config->ports_count++];
    stk_conf_port_defaults(port);
    memcpy(port->name, name, len);
    port->line = parse->line;
    parse->open->kind = &kind_port;
    parse->open->port = port;
    parse->open->line = parse->line;
    return STK_OK;
}

static int single_open(struct stk_conf_parse *parse, uint32_t index, const struct stk_conf_kind *kind)
{
    struct stk_conf_section *section = &parse->sections[index];
    if (section->line != 0) {
        return stk_conf_fail_at(parse, section_where(parse), STK_EINVAL, "[%s]: given twice; first on line %u",
                                kind->name, section->line);
    }
    section->kind = kind;
    section->line = parse->line;
    parse->open = section;
    return STK_OK;
}

static int section_unknown(struct stk_conf_parse *parse, const char *header, size_t len)
{
    char word[STK_CONF_KEY_MAX + 1];
    const char *best = NULL;
    uint32_t score = UINT32_MAX;
    size_t word_len = 0;
    while (word_len < len && word_len < sizeof(word) - 1 && header[word_len] != ' ' && header[word_len] != '\t') {
        word[word_len] = header[word_len];
        word_len++;
    }
    word[word_len] = '\0';
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        stk_conf_nearest(word, kinds[i]->name, &best, &score);
    }
    int shown = (int)(len < 40 ? len : 40);
    if (best != NULL) {
        return stk_conf_fail_at(parse, section_where(parse), STK_EPROTO,
                                "[%.*s]: unknown section; did you mean [%s%s]?", shown, header, best,
                                strcmp(best, "port") == 0 ? " NAME" : "");
    }
    return stk_conf_fail_at(parse, section_where(parse), STK_EPROTO,
                            "[%.*s]: unknown section; there are [engine], [port NAME] and [log]", shown, header);
}

int stk_conf_section_open(struct stk_conf_parse *parse, const char *header, size_t len)
{
    parse->last = NULL;
    parse->last_set = false;
    parse->open = NULL;
    if (len == 6 && memcmp(header, "engine", 6) == 0) {
        return single_open(parse, STK_CONF_SECTION_ENGINE, &kind_engine);
    }
    if (len == 3 && memcmp(header, "log", 3) == 0) {
        return single_open(parse, STK_CONF_SECTION_LOG, &kind_log);
    }
    if (len >= 4 && memcmp(header, "port", 4) == 0 && (len == 4 || header[4] == ' ' || header[4] == '\t')) {
        size_t skip = 4;
        while (skip < len && (header[skip] == ' ' || header[skip] == '\t')) {
            skip++;
        }
        return port_open(parse, header + skip, len - skip);
    }
    return section_unknown(parse, header, len);
}

static const struct stk_conf_key *key_find(const struct stk_conf_kind *kind, const char *name)
{
    for (uint32_t i = 0; i < kind->keys_count; i++) {
        if (strcmp(kind->keys[i].name, name) == 0) {
            return &kind->keys[i];
        }
    }
    return NULL;
}

/* Is this "DRIVER.key" of a driver that exists? */
static bool driver_key(const char *name)
{
    const char *dot = strchr(name, '.');
    for (size_t i = 0; dot != NULL && stk_conf_drivers[i] != NULL; i++) {
        size_t len = strlen(stk_conf_drivers[i]);
        if ((size_t)(dot - name) == len && memcmp(name, stk_conf_drivers[i], len) == 0 && dot[1] != '\0') {
            return true;
        }
    }
    return false;
}

static int key_unknown(struct stk_conf_parse *parse, const char *name)
{
    const struct stk_conf_kind *kind = parse->open->kind;
    const char *best = NULL;
    uint32_t score = UINT32_MAX;
    struct stk_conf_where where = stk_conf_here(parse, name);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i] != kind && key_find(kinds[i], name) != NULL) {
            return stk_conf_fail_at(parse, where, STK_EPROTO, "belongs to [%s%s]", kinds[i]->name,
                                    kinds[i] == &kind_port ? " NAME" : "");
        }
    }
    if (kind == &kind_port && strchr(name, '.') != NULL) {
        return stk_conf_fail_at(parse, where, STK_EPROTO,
                                "unknown key; a driver's own begin with wire., pcap., replay. or dpdk.");
    }
    for (uint32_t i = 0; i < kind->keys_count; i++) {
        stk_conf_nearest(name, kind->keys[i].name, &best, &score);
    }
    if (best != NULL) {
        return stk_conf_fail_at(parse, where, STK_EPROTO, "unknown key; did you mean %s?", best);
    }
    return stk_conf_fail_at(parse, where, STK_EPROTO, "unknown key");
}

static char *string_add(struct stk_conf_parse *parse, const char *text)
{
    size_t size = strlen(text) + 1;
    char *at = parse->config->strings + parse->strings_used;
    memcpy(at, text, size);
    parse->strings_used += size;
    return at;
}

/* Keeps a driver's own key; its prefix is compared with the driver at the end of the file. */
static int arg_add(struct stk_conf_parse *parse, const char *name, const char *value)
{
    struct stk_conf_port *port = parse->open->port;
    struct stk_conf_where where = stk_conf_here(parse, name);
    if (strlen(name) > STK_CONF_KEY_MAX) {
        return stk_conf_fail_at(parse, where, STK_EPROTO, "key longer than %d characters", STK_CONF_KEY_MAX);
    }
    if (port->args_count == STK_CONF_ARGS_MAX) {
        return stk_conf_fail_at(parse, where, STK_EINVAL, "too many keys of the driver; at most %d", STK_CONF_ARGS_MAX);
    }
    struct stk_conf_arg *arg = &port->args[port->args_count++];
    arg->key = string_add(parse, name);
    arg->value = string_add(parse, value);
    arg->line = parse->line;
    return STK_OK;
}

int stk_conf_key_set(struct stk_conf_parse *parse, const char *name, const char *value)
{
    struct stk_conf_where where = stk_conf_here(parse, name);
    if (*name == '\0') {
        where.key = NULL;
        return stk_conf_fail_at(parse, where, STK_EPROTO, "no key before '='");
    }
    if (parse->open == NULL) {
        return stk_conf_fail_at(parse, where, STK_EPROTO, "key before the first [section]");
    }
    const struct stk_conf_key *key = key_find(parse->open->kind, name);
    bool driver = key == NULL && parse->open->port != NULL && driver_key(name);
    if (key == NULL && !driver) {
        return key_unknown(parse, name);
    }
    if (*value == '\0') {
        return stk_conf_fail_at(parse, where, STK_EINVAL, "no value");
    }
    parse->last = key;
    parse->last_set = true;
    if (driver) {
        return arg_add(parse, name, value);
    }
    uint32_t *line = &parse->open->key_lines[key - parse->open->kind->keys];
    if (*line != 0 && !key->list) {
        return stk_conf_fail_at(parse, where, STK_EINVAL, "given twice; first on line %u", *line);
    }
    *line = parse->line;
    return key->read(parse, key, value);
}

/* Does a continuation line look like a key that was indented by mistake? */
static bool looks_like_key(const struct stk_conf_parse *parse, const char *text)
{
    char word[STK_CONF_KEY_MAX + 1];
    size_t len = strcspn(text, " \t=:");
    if (len == 0 || len >= sizeof(word) || text[len + strspn(text + len, " \t")] != '=') {
        return false;
    }
    memcpy(word, text, len);
    word[len] = '\0';
    return key_find(parse->open->kind, word) != NULL || driver_key(word);
}

int stk_conf_key_continue(struct stk_conf_parse *parse, const char *value)
{
    const struct stk_conf_key *key = parse->last;
    struct stk_conf_port *port = parse->open->port;
    const char *name = key != NULL ? key->name : port->args[port->args_count - 1].key;
    struct stk_conf_where where = stk_conf_here(parse, name);
    if (looks_like_key(parse, value)) {
        return stk_conf_fail_at(parse, where, STK_EINVAL,
                                "the indented line continues this key, but looks like another; keys begin in the first "
                                "column");
    }
    if (key != NULL && key->list) {
        return key->read(parse, key, value);
    }
    if (key != NULL) {
        return stk_conf_fail_at(parse, where, STK_EINVAL, "has one value; an indented line would add another");
    }
    /* The last value ends the arena: a blank takes the place of its NUL. */
    parse->config->strings[parse->strings_used - 1] = ' ';
    (void)string_add(parse, value);
    return STK_OK;
}

uint32_t stk_conf_key_line(const struct stk_conf_section *section, const char *name)
{
    const struct stk_conf_key *key = section->kind != NULL ? key_find(section->kind, name) : NULL;
    return key != NULL ? section->key_lines[key - section->kind->keys] : 0;
}
