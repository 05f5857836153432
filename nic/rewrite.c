#include "nic/rewrite.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_PER_RULE 4

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static bool hex_byte(const char *at, uint8_t *out)
{
    char digits[3] = {at[0], at[0] != '\0' ? at[1] : '\0', '\0'};
    char *end;
    const unsigned long value = strtoul(digits, &end, 16);

    *out = (uint8_t)value;
    return end == digits + 2 && digits[0] != '-' && digits[0] != '+' && digits[0] != ' ';
}

static bool mac_read(const char *text, uint8_t out[16])
{
    if (strlen(text) != 17)
        return false;
    for (uint32_t i = 0; i < 6; i++) {
        if (!hex_byte(text + i * 3, &out[i]) || (i < 5 && text[i * 3 + 2] != ':'))
            return false;
    }
    return true;
}

static bool number_read(const char *text, unsigned long max, unsigned long *out)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    *out = strtoul(text, &end, 10);
    return *end == '\0' && *out <= max;
}

static bool ip4_read(const char *text, uint8_t out[16])
{
    char part[4];

    for (uint32_t i = 0; i < 4; i++) {
        const size_t len = strcspn(text, ".");
        unsigned long value;

        if (len == 0 || len > 3)
            return false;
        memcpy(part, text, len);
        part[len] = '\0';
        if (!number_read(part, 255, &value) || (text[len] == '.') != (i < 3))
            return false;
        out[i] = (uint8_t)value;
        text += len + 1;
    }
    return true;
}

/* RFC 4291 2.2, forms 1 and 2. */
static bool ip6_read(const char *text, uint8_t out[16])
{
    uint16_t words[8] = {0};
    uint32_t count = 0, gap = 8;

    if (text[0] == ':' && text[1] != ':')
        return false;
    while (*text != '\0' && count < 8) {
        char *end;

        if (text[0] == ':' && text[1] == ':' && gap == 8) {
            gap = count;
            text += 2;
            continue;
        }
        const size_t digits = strspn(text, "0123456789abcdefABCDEF");
        if (digits == 0 || digits > 4)
            return false;
        words[count++] = (uint16_t)strtoul(text, &end, 16);
        text = end;
        if (text[0] == ':' && text[1] != ':' && text[1] != '\0')
            text++;
    }
    if (*text != '\0' || (gap == 8) != (count == 8))
        return false;
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t from = i < gap ? i : i < gap + (8 - count) ? 8 : i - (8 - count);

        put16(out + i * 2, from < 8 ? words[from] : 0);
    }
    return true;
}

bool nic_rewrite_ip_read(const char *text, uint8_t out[16], uint8_t *bytes)
{
    *bytes = strchr(text, ':') != NULL ? 16 : 4;
    return *bytes == 16 ? ip6_read(text, out) : ip4_read(text, out);
}

static bool vlan_read(const char *text, int32_t *out)
{
    unsigned long value;

    if (strcmp(text, "none") == 0) {
        *out = -1;
        return true;
    }
    if (!number_read(text, 4094, &value))
        return false;
    *out = (int32_t)value;
    return true;
}

static const char *rule_read(char *words[WORDS_PER_RULE], struct nic_rewrite_rule *rule)
{
    uint8_t other;
    unsigned long from, to;

    *rule = (struct nic_rewrite_rule){.bytes = 0};
    if (strcmp(words[0], "mac") == 0) {
        rule->kind = NIC_REWRITE_MAC;
        rule->bytes = 6;
        return mac_read(words[1], rule->from) && mac_read(words[3], rule->to) ? NULL : "not a MAC address";
    }
    if (strcmp(words[0], "ip") == 0) {
        rule->kind = NIC_REWRITE_IP;
        if (!nic_rewrite_ip_read(words[1], rule->from, &rule->bytes) ||
            !nic_rewrite_ip_read(words[3], rule->to, &other))
            return "not an IP address";
        return rule->bytes == other ? NULL : "addresses of two families";
    }
    if (strcmp(words[0], "port") == 0) {
        rule->kind = NIC_REWRITE_PORT;
        rule->bytes = 2;
        if (!number_read(words[1], 65535, &from) || !number_read(words[3], 65535, &to))
            return "not a port";
        put16(rule->from, (uint16_t)from);
        put16(rule->to, (uint16_t)to);
        return NULL;
    }
    if (strcmp(words[0], "vlan") == 0) {
        rule->kind = NIC_REWRITE_VLAN;
        return vlan_read(words[1], &rule->vlan_from) && vlan_read(words[3], &rule->vlan_to) ? NULL : "not a VLAN";
    }
    return "a rule begins with mac, ip, port or vlan";
}

static const char *rules_read(char *text, struct nic_rewrite *out)
{
    char *rest = text;
    char *part;

    while ((part = rest) != NULL) {
        char *words[WORDS_PER_RULE] = {NULL};
        uint32_t count = 0;
        char *comma = strchr(part, ',');

        rest = comma == NULL ? NULL : comma + 1;
        if (comma != NULL)
            *comma = '\0';
        for (char *at = part + strspn(part, " \t"); *at != '\0'; at += strspn(at, " \t")) {
            const size_t len = strcspn(at, " \t");

            if (count == WORDS_PER_RULE)
                return "a rule is: KIND FROM -> TO";
            words[count++] = at;
            at += len;
            if (*at != '\0')
                *at++ = '\0';
        }
        if (count != WORDS_PER_RULE || strcmp(words[2], "->") != 0)
            return "a rule is: KIND FROM -> TO";
        if (out->count == NIC_REWRITE_RULES_MAX)
            return "too many rules";
        const char *fault = rule_read(words, &out->rules[out->count++]);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

const char *nic_rewrite_parse(const char *text, struct nic_rewrite *out)
{
    char *copy = strdup(text);
    const char *fault = "no memory";

    *out = (struct nic_rewrite){.count = 0};
    if (copy != NULL)
        fault = rules_read(copy, out);
    free(copy);
    return fault;
}

const uint8_t *nic_rewrite_find(const struct nic_rewrite *rewrite, enum nic_rewrite_kind kind, const uint8_t *value,
                                uint8_t bytes)
{
    for (uint32_t i = 0; i < rewrite->count; i++) {
        const struct nic_rewrite_rule *rule = &rewrite->rules[i];

        if (rule->kind == kind && rule->bytes == bytes && memcmp(value, rule->from, bytes) == 0)
            return rule->to;
    }
    return NULL;
}
