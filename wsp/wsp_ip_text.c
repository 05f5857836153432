/** @file Addresses read from text. */
#include "wsp_ip_text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DECIMAL "0123456789"
#define HEXADECIMAL DECIMAL "abcdefABCDEF"

/* The value of digits that were counted; false: above 2^32 - 1. */
static bool ip_value(const char *at, size_t digits, unsigned base, uint32_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits; i++) {
        const char *digit = strchr(HEXADECIMAL, at[i]);
        unsigned place = (unsigned)(digit - HEXADECIMAL);

        value = value * base + (place < 16 ? place : place - 6);
        if (value > UINT32_MAX && base != 16)
            return false;
        value &= UINT32_MAX;
    }
    *out = (uint32_t)value;
    return true;
}

bool wsp_ip_text_number(const char **at, uint32_t *out)
{
    const char *digits = DECIMAL;
    unsigned base = 10;
    size_t count;

    if ((*at)[0] == '0' && ((*at)[1] == 'x' || (*at)[1] == 'X')) {
        digits = HEXADECIMAL;
        base = 16;
        *at += 2;
    } else if ((*at)[0] == '0' && (*at)[1] >= '0' && (*at)[1] <= '9') {
        digits = "01234567";
        base = 8;
        *at += 1;
    }
    count = strspn(*at, digits);
    if (count == 0 || !ip_value(*at, count, base, out))
        return false;
    *at += count;
    return true;
}

/* One decimal part without zeros in front. */
static bool ip_strict_part(const char **at, uint32_t *out)
{
    size_t count = strspn(*at, DECIMAL);

    if (count == 0 || count > 3 || ((*at)[0] == '0' && (count > 1 || (*at)[1] == 'x' || (*at)[1] == 'X')))
        return false;
    (void)ip_value(*at, count, 10, out);
    *at += count;
    return true;
}

const char *wsp_ip_text_read4(const char *text, bool strict, uint8_t ip[4])
{
    uint32_t part, value = 0;
    int count = 0;

    for (;;) {
        if (!(strict ? ip_strict_part(&text, &part) : wsp_ip_text_number(&text, &part)))
            return NULL;
        count++;
        if (*text != '.')
            break;
        if (count == 4 || part > 255)
            return NULL;
        value = value << 8 | part;
        text++;
    }
    if ((strict && count != 4) || (count > 1 && part > UINT32_MAX >> (8 * (count - 1))))
        return NULL;
    value = count == 1 ? part : value << (8 * (5 - count)) | part;
    for (int i = 0; i < 4; i++)
        ip[i] = (uint8_t)(value >> (24 - 8 * i));
    return text;
}

/* --- IPv6 ----------------------------------------------------------------- */

/* A reader of one address. */
struct ip_words {
    const char *at;
    uint8_t *ip;
    int count; /* words written */
    int gap;   /* those before "::"; -1: none came */
    int limit; /* of words, with this gap */
};

static void ip_word(struct ip_words *words, unsigned value)
{
    words->ip[2 * words->count] = (uint8_t)(value >> 8);
    words->ip[2 * words->count + 1] = (uint8_t)value;
    words->count++;
}

/* All words are there: those behind the gap go to the end. */
static const char *ip_words_end(struct ip_words *words)
{
    size_t behind;

    if (words->gap < 0)
        return words->count == 8 ? words->at : NULL;
    behind = 2 * (size_t)(words->count - words->gap);
    memmove(words->ip + 16 - behind, words->ip + 2 * words->gap, behind);
    memset(words->ip + 2 * words->gap, 0, 16 - behind - 2 * (size_t)words->gap);
    return words->at;
}

/* A word that nothing of the address follows. Windows reads it by C's rules: a 0x in front counts, and 31 bits. */
static const char *ip_last_word(struct ip_words *words, const char *start)
{
    unsigned long long value = strtoull(start, NULL, 16);

    if (words->gap < 0 && words->count != 7)
        return NULL;
    ip_word(words, (unsigned)(value > INT32_MAX ? INT32_MAX : value));
    return ip_words_end(words);
}

/* The dotted end: each part is up to three digits, zeros in front are allowed. */
static const char *ip_dotted_end(struct ip_words *words, const char *start)
{
    uint8_t *ip = words->ip + 2 * words->count;
    uint32_t value;

    words->at = start;
    for (int i = 0; i < 4; i++) {
        size_t digits = strspn(words->at, DECIMAL);

        if (digits == 0 || digits > 3 || !ip_value(words->at, digits, 10, &value) || value > 255)
            return NULL;
        words->at += digits;
        if (i < 3 ? *words->at != '.' : words->gap < 0 && words->count != 6)
            return NULL;
        words->at += i < 3;
        ip[i] = (uint8_t)value;
    }
    words->count += 2;
    return ip_words_end(words);
}

/* A colon was read. false: it was the one that ends the address. */
static bool ip_gap(struct ip_words *words)
{
    if (*words->at != ':')
        return true;
    if (words->gap >= 0) { /* a second gap is behind the address */
        words->at--;
        return false;
    }
    words->gap = words->count;
    words->limit = 7;
    words->at++;
    return true;
}

const char *wsp_ip_text_read6(const char *text, uint8_t ip[16])
{
    struct ip_words words = {.at = text, .ip = ip, .gap = -1, .limit = 8};

    if (text[0] == ':') {
        if (text[1] != ':')
            return NULL;
        ip_word(&words, 0); /* a gap in front is a word at least */
        words.gap = 1;
        words.at += 2;
    }
    while (words.count < words.limit) {
        const char *start = words.at;
        size_t digits = strspn(start, HEXADECIMAL);
        uint32_t value;

        if (digits == 0)
            return words.gap == words.count ? ip_words_end(&words) : NULL;
        if (digits > 4)
            return NULL;
        words.at += digits;
        if (*words.at == '.' && strspn(start, DECIMAL) == digits && words.count + 2 <= words.limit)
            return ip_dotted_end(&words, start);
        if (*words.at != ':' || words.count + 1 == words.limit)
            return ip_last_word(&words, start);
        (void)ip_value(start, digits, 16, &value);
        ip_word(&words, value);
        words.at++;
        if (!ip_gap(&words))
            break;
    }
    return ip_words_end(&words);
}
