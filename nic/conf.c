#include "nic/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nic/driver.h"
#include "stack/err.h"

/** Longest unit name that a value may carry, with its end. */
#define UNIT_SIZE 4

int nic_conf_error(const struct nic_port_conf *conf, const struct nic_kv *kv, const char *format, ...)
{
    char reason[256];
    char where[256] = "";
    va_list args;

    if (conf->error == NULL || conf->error_size == 0)
        return STK_EINVAL;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    if (conf->file != NULL && kv != NULL && kv->line != 0)
        snprintf(where, sizeof(where), "%s:%u: ", conf->file, (unsigned)kv->line);
    else if (conf->file != NULL)
        snprintf(where, sizeof(where), "%s: ", conf->file);
    snprintf(conf->error, conf->error_size, "%sport %s: %s%s%s", where, conf->name == NULL ? "?" : conf->name,
             kv == NULL ? "" : kv->key, kv == NULL ? "" : ": ", reason);
    return STK_EINVAL;
}

const struct nic_kv *nic_conf_find(const struct nic_port_conf *conf, const char *key)
{
    for (size_t i = 0; i < conf->args_count; i++) {
        if (strcmp(conf->args[i].key, key) == 0)
            return &conf->args[i];
    }
    return NULL;
}

/**
 * Read "123", "1.25": digits before the point into whole, after it into parts of 10^9.
 * Returns the first character behind, or NULL: no number, or too large.
 */
static const char *number_parse(const char *s, uint64_t *whole, uint32_t *nano)
{
    uint32_t scale = 100000000;
    bool digits = false;

    *whole = 0;
    *nano = 0;
    for (; *s >= '0' && *s <= '9'; s++, digits = true) {
        if (*whole > (UINT64_MAX - 9) / 10)
            return NULL;
        *whole = *whole * 10 + (uint64_t)(*s - '0');
    }
    if (*s == '.') {
        for (s++; *s >= '0' && *s <= '9'; s++, digits = true) {
            *nano += (uint32_t)(*s - '0') * scale;
            scale /= 10;
        }
    }
    return digits ? s : NULL;
}

static const char *skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

static bool scaled(uint64_t whole, uint32_t nano, uint64_t unit, uint64_t *out)
{
    if (whole > UINT64_MAX / unit - 1)
        return false;
    *out = whole * unit + unit / 1000000000 * nano + unit % 1000000000 * nano / 1000000000;
    return true;
}

static const char *int_parse(const char *value, uint64_t *out)
{
    uint32_t nano;
    const char *end = number_parse(value, out, &nano);

    return end == NULL || *end != '\0' || strchr(value, '.') != NULL ? "not a number" : NULL;
}

static const char *size_parse(const char *value, uint64_t *out)
{
    uint64_t whole;
    uint32_t nano;
    uint64_t unit = 1;
    const char *end = number_parse(value, &whole, &nano);

    if (end == NULL)
        return "not a size (bytes, or a number with K, M or G)";
    end = skip_blanks(end);
    if (*end == 'K' || *end == 'k')
        unit = UINT64_C(1) << 10;
    else if (*end == 'M' || *end == 'm')
        unit = UINT64_C(1) << 20;
    else if (*end == 'G' || *end == 'g')
        unit = UINT64_C(1) << 30;
    if (unit != 1)
        end++;
    if (*end != '\0' || (unit == 1 && strchr(value, '.') != NULL) || !scaled(whole, nano, unit, out))
        return "not a size (bytes, or a number with K, M or G)";
    return NULL;
}

static const char *time_parse(const char *value, uint64_t *out)
{
    static const struct {
        char name[UNIT_SIZE];
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    uint64_t whole;
    uint32_t nano;
    const char *end = number_parse(value, &whole, &nano);

    if (end == NULL)
        return "not a duration (a number with ns, us, ms or s)";
    end = skip_blanks(end);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].name) == 0 && scaled(whole, nano, units[i].ns, out))
            return NULL;
    }
    if (*end == '\0' && whole == 0 && nano == 0) {
        *out = 0;
        return NULL;
    }
    return "not a duration (a number with ns, us, ms or s)";
}

static const char *prob_parse(const char *value, uint64_t *out)
{
    uint64_t whole;
    uint32_t nano;
    uint64_t percent = 1;
    const char *end = number_parse(value, &whole, &nano);

    if (end != NULL) {
        end = skip_blanks(end);
        if (*end == '%') {
            percent = 100;
            end++;
        }
    }
    if (end == NULL || *end != '\0' || whole > percent || (whole == percent && nano != 0))
        return "not a probability (0 to 1, or 0% to 100%)";
    /* At most 10^9 * 2^20 * 2^12: fits 64 bits. */
    *out = (whole * 1000000000 + nano) * (UINT64_C(1) << 20) / percent * (NIC_CONF_PROB_ONE >> 20) / 1000000000;
    return NULL;
}

static const char *bool_parse(const char *value, bool *out)
{
    static const char *const yes[] = {"yes", "on", "true", "1"};
    static const char *const no[] = {"no", "off", "false", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *out = strcmp(value, yes[i]) == 0;
            return NULL;
        }
    }
    return "neither yes nor no";
}

static bool choice_ok(const char *value, const char *choices)
{
    size_t len = strlen(value);

    while (choices != NULL) {
        const char *bar = strchr(choices, '|');
        size_t choice_len = bar == NULL ? strlen(choices) : (size_t)(bar - choices);

        if (choice_len == len && memcmp(choices, value, len) == 0)
            return true;
        choices = bar == NULL ? NULL : bar + 1;
    }
    return false;
}

static int string_store(const struct nic_port_conf *conf, const struct nic_kv *kv, const struct nic_conf_key *key,
                        void *field)
{
    size_t len = strlen(kv->value);

    if (len == 0)
        return nic_conf_error(conf, kv, "empty");
    if (len < key->min)
        return nic_conf_error(conf, kv, "shorter than %llu characters", (unsigned long long)key->min);
    if (key->max != 0 && len > key->max)
        return nic_conf_error(conf, kv, "longer than %llu characters", (unsigned long long)key->max);
    if (key->choices != NULL && !choice_ok(kv->value, key->choices))
        return nic_conf_error(conf, kv, "'%s' is none of %s", kv->value, key->choices);
    *(const char **)field = kv->value;
    return 0;
}

static int value_store(const struct nic_port_conf *conf, const struct nic_kv *kv, const struct nic_conf_key *key,
                       void *field)
{
    const char *problem = NULL;
    uint64_t value = 0;

    switch (key->type) {
    case NIC_CONF_STRING:
        return string_store(conf, kv, key, field);
    case NIC_CONF_BOOL:
        problem = bool_parse(kv->value, field);
        return problem == NULL ? 0 : nic_conf_error(conf, kv, "'%s' is %s", kv->value, problem);
    case NIC_CONF_INT:
        problem = int_parse(kv->value, &value);
        break;
    case NIC_CONF_SIZE:
        problem = size_parse(kv->value, &value);
        break;
    case NIC_CONF_TIME:
        problem = time_parse(kv->value, &value);
        break;
    case NIC_CONF_PROB:
        problem = prob_parse(kv->value, &value);
        break;
    }
    if (problem != NULL)
        return nic_conf_error(conf, kv, "'%s' is %s", kv->value, problem);
    if (value < key->min && key->max == 0)
        return nic_conf_error(conf, kv, "'%s' is less than %llu", kv->value, (unsigned long long)key->min);
    if (value < key->min || (key->max != 0 && value > key->max))
        return nic_conf_error(conf, kv, "'%s' is outside %llu to %llu%s", kv->value, (unsigned long long)key->min,
                              (unsigned long long)key->max, key->type == NIC_CONF_TIME ? " ns" : "");
    *(uint64_t *)field = value;
    return 0;
}

int nic_conf_parse(const struct nic_port_conf *conf, const struct nic_conf_key *keys, size_t count, void *out)
{
    for (size_t i = 0; i < conf->args_count; i++) {
        const struct nic_kv *kv = &conf->args[i];
        const struct nic_conf_key *key = NULL;
        int err;

        for (size_t k = 0; k < count && key == NULL; k++) {
            if (strcmp(keys[k].key, kv->key) == 0)
                key = &keys[k];
        }
        if (key == NULL)
            return nic_conf_error(conf, kv, "unknown key");
        if (nic_conf_find(conf, kv->key) != kv)
            return nic_conf_error(conf, kv, "given twice");
        err = value_store(conf, kv, key, (uint8_t *)out + key->offset);
        if (err != 0)
            return err;
    }
    return 0;
}
