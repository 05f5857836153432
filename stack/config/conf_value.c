#include "config_priv.h"

#include "stack/assert.h"
#include "stack/err.h"

#include <stdio.h>
#include <string.h>

static void *field_of(struct stk_conf_parse *parse, const struct stk_conf_key *key)
{
    char *base = (char *)&parse->config->engine;
    if (parse->open->port != NULL) {
        base = (char *)parse->open->port;
    } else if (parse->open == &parse->sections[STK_CONF_SECTION_LOG]) {
        base = (char *)parse->config;
    }
    return base + key->offset;
}

/* Stores an unsigned number in a field of four or eight bytes. */
static void field_store(struct stk_conf_parse *parse, const struct stk_conf_key *key, uint64_t number)
{
    uint32_t narrow = (uint32_t)number;
    STK_ASSERT(key->size == sizeof(uint32_t) || key->size == sizeof(uint64_t));
    memcpy(field_of(parse, key), key->size == sizeof(uint64_t) ? (const void *)&number : (const void *)&narrow,
           key->size);
}

static void field_store_signed(struct stk_conf_parse *parse, const struct stk_conf_key *key, int32_t number)
{
    STK_ASSERT(key->size == sizeof(number));
    memcpy(field_of(parse, key), &number, sizeof(number));
}

/* Reads a number in its base unit and says what is wrong with it. */
static int number_take(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value,
                       enum stk_conf_unit unit, uint64_t *out)
{
    static const char *const units[] = {"k", "B, KiB, MiB or GiB", "us, ms, s or min"};
    switch (stk_conf_number_read(value, unit, out)) {
    case STK_CONF_NUM_OK:
        return STK_OK;
    case STK_CONF_NUM_UNIT:
        return stk_conf_fail(parse, key, "'%.40s' is not a whole number (unit: %s)", value, units[unit]);
    case STK_CONF_NUM_NO_UNIT:
        return stk_conf_fail(parse, key, "'%.40s' needs a unit: us, ms, s or min", value);
    case STK_CONF_NUM_HUGE:
        return stk_conf_fail(parse, key, "'%.40s' is out of range %s", value, key->range);
    case STK_CONF_NUM_MALFORMED:
        break;
    }
    return stk_conf_fail(parse, key, "'%.40s' is not a whole number", value);
}

static int range_check(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value, uint64_t number)
{
    if (number < key->min || number > key->max) {
        return stk_conf_fail(parse, key, "'%.40s' is out of range %s", value, key->range);
    }
    return STK_OK;
}

int stk_conf_value_count(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    uint64_t number = 0;
    if (number_take(parse, key, value, STK_CONF_UNIT_COUNT, &number) != STK_OK ||
        range_check(parse, key, value, number) != STK_OK) {
        return parse->result;
    }
    field_store(parse, key, number);
    return STK_OK;
}

int stk_conf_value_bytes(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    uint64_t number = 0;
    if (number_take(parse, key, value, STK_CONF_UNIT_BYTES, &number) != STK_OK ||
        range_check(parse, key, value, number) != STK_OK) {
        return parse->result;
    }
    field_store(parse, key, number);
    return STK_OK;
}

/* Reads a duration into the unit that is stored. */
static int time_take(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value, uint64_t *out)
{
    uint64_t ns = 0;
    if (number_take(parse, key, value, STK_CONF_UNIT_TIME, &ns) != STK_OK) {
        return parse->result;
    }
    if (ns % key->scale != 0) {
        return stk_conf_fail(parse, key, "'%.40s' is not a whole number of %s", value,
                             key->scale == 1000 ? "microseconds" : "milliseconds");
    }
    *out = ns / key->scale;
    return range_check(parse, key, value, *out);
}

int stk_conf_value_time(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    uint64_t number = 0;
    if (time_take(parse, key, value, &number) != STK_OK) {
        return parse->result;
    }
    field_store(parse, key, number);
    return STK_OK;
}

int stk_conf_value_spin(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    uint64_t number = 0;
    if (strcmp(value, "endless") == 0) {
        field_store_signed(parse, key, -1);
        return STK_OK;
    }
    if (strcmp(value, "adaptive") == 0) {
        field_store_signed(parse, key, -2);
        return STK_OK;
    }
    if (*value < '0' || *value > '9') {
        return stk_conf_fail(parse, key, "'%.40s' is neither a duration nor endless nor adaptive", value);
    }
    if (time_take(parse, key, value, &number) != STK_OK) {
        return parse->result;
    }
    field_store_signed(parse, key, (int32_t)number);
    return STK_OK;
}

int stk_conf_value_cpu(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    uint64_t number = 0;
    if (strcmp(value, "none") == 0) {
        field_store_signed(parse, key, -1);
        return STK_OK;
    }
    if (*value < '0' || *value > '9') {
        return stk_conf_fail(parse, key, "'%.40s' is neither a processor number nor none", value);
    }
    if (number_take(parse, key, value, STK_CONF_UNIT_COUNT, &number) != STK_OK ||
        range_check(parse, key, value, number) != STK_OK) {
        return parse->result;
    }
    field_store_signed(parse, key, (int32_t)number);
    return STK_OK;
}

int stk_conf_value_bool(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            bool set = i % 2 == 1;
            STK_ASSERT(key->size == sizeof(set));
            memcpy(field_of(parse, key), &set, sizeof(set));
            return STK_OK;
        }
    }
    return stk_conf_fail(parse, key, "'%.40s' is neither yes nor no", value);
}

int stk_conf_value_clock(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    bool set = strcmp(value, "virtual") == 0;
    if (!set && strcmp(value, "real") != 0) {
        return stk_conf_fail(parse, key, "'%.40s' is neither real nor virtual", value);
    }
    STK_ASSERT(key->size == sizeof(set));
    memcpy(field_of(parse, key), &set, sizeof(set));
    return STK_OK;
}

int stk_conf_value_text(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    size_t len = strlen(value);
    if (len >= key->size) {
        return stk_conf_fail(parse, key, "%zu bytes are too long; at most %d", len, key->size - 1);
    }
    memcpy(field_of(parse, key), value, len + 1);
    return STK_OK;
}

/* Takes one word of a list and knows the one that was meant. */
static int word_take(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value,
                     const char *const *words)
{
    const char *best = NULL;
    uint32_t score = UINT32_MAX;
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) {
            return stk_conf_value_text(parse, key, value);
        }
        stk_conf_nearest(value, words[i], &best, &score);
    }
    if (best != NULL) {
        return stk_conf_fail(parse, key, "'%.40s' is not known; did you mean %s?", value, best);
    }
    return stk_conf_fail(parse, key, "'%.40s' is not known; it is %s", value, key->range);
}

int stk_conf_value_level(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    static const char *const words[] = {"error", "warn", "info", "debug", NULL};
    return word_take(parse, key, value, words);
}

const char *const stk_conf_drivers[] = {"wire", "pcap", "replay", "dpdk", "feed", NULL};

int stk_conf_value_driver(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    return word_take(parse, key, value, stk_conf_drivers);
}

int stk_conf_value_port_range(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    uint64_t first = 0;
    uint64_t last = 0;
    char low[8];
    const char *dash = strchr(value, '-');
    size_t len = dash != NULL ? (size_t)(dash - value) : 0;
    if (len == 0 || len >= sizeof(low)) {
        return stk_conf_fail(parse, key, "'%.40s' is not FIRST-LAST", value);
    }
    memcpy(low, value, len);
    while (low[len - 1] == ' ') {
        len--;
    }
    low[len] = '\0';
    const char *high = dash + 1 + strspn(dash + 1, " ");
    if (stk_conf_number_read(low, STK_CONF_UNIT_COUNT, &first) != STK_CONF_NUM_OK ||
        stk_conf_number_read(high, STK_CONF_UNIT_COUNT, &last) != STK_CONF_NUM_OK) {
        return stk_conf_fail(parse, key, "'%.40s' is not FIRST-LAST", value);
    }
    if (first < key->min || last > key->max || first > last) {
        return stk_conf_fail(parse, key, "'%.40s' is not a range within %s", value, key->range);
    }
    if (last - first < 255) {
        return stk_conf_fail(parse, key, "'%.40s' holds fewer than 256 ports", value);
    }
    parse->config->engine.port_range_first = (uint32_t)first;
    parse->config->engine.port_range_last = (uint32_t)last;
    return STK_OK;
}

int stk_conf_value_signal(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    int32_t number = strcmp(value, "none") == 0 ? 0 : stk_conf_signal_number(value);
    if (number == 0 && strcmp(value, "none") != 0) {
        return stk_conf_fail(parse, key, "'%.40s' is not none, %s", value, stk_conf_signal_names());
    }
    field_store_signed(parse, key, number);
    return STK_OK;
}

int stk_conf_value_vlan(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    struct stk_conf_port *port = parse->open->port;
    uint64_t number = 0;
    if (strcmp(value, "none") != 0) {
        if (number_take(parse, key, value, STK_CONF_UNIT_COUNT, &number) != STK_OK ||
            range_check(parse, key, value, number) != STK_OK) {
            return parse->result;
        }
    }
    port->vlan_id = (uint16_t)number;
    port->vlan_set = number != 0;
    return STK_OK;
}

int stk_conf_value_mac(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value)
{
    static const uint8_t none[6] = {0};
    struct stk_conf_port *port = parse->open->port;
    uint8_t mac[6];
    if (!stk_conf_mac_read(value, mac)) {
        return stk_conf_fail(parse, key, "'%.40s' is not a MAC address like 02:00:00:00:00:01", value);
    }
    if ((mac[0] & 1) != 0 || memcmp(mac, none, sizeof(mac)) == 0) {
        return stk_conf_fail(parse, key, "'%.40s' is not a unicast MAC address", value);
    }
    memcpy(port->mac, mac, sizeof(mac));
    port->mac_set = true;
    return STK_OK;
}
