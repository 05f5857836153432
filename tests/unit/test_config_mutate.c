/*
 * Sample files, changed at random places by a seed: never a crash, never a
 * leak, and every refusal names a line that the file has.
 */
#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_SIZE (64 * 1024)
#define SEEDS 4000

static const char *folder;
static uint64_t seed_first = 1;
static uint64_t seed_count = SEEDS;

static const char *const splices[] = {
    "\n",
    "\r",
    "\n[port x]\n",
    "[",
    "]",
    "=",
    " = ",
    "\n  ",
    ";",
    " ;",
    "#",
    "\xef\xbb\xbf",
    "-1",
    "99999999999999999999",
    "k",
    "MiB",
    "\ndriver = wire\n",
    "\naddress = ",
    "::",
    "/",
    "/129",
    "0.0.0.0/0",
    " via ",
    "default",
    "\nwire.",
    "\ndpdk.",
    ".",
    "\x01",
    "\x7f",
    "\xff",
    "%s%n",
    "\nroute = ::/0 via fe80::1\n",
    "\n\tx",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

static uint64_t rng_next(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* Replaces size bytes at a place with others. */
static void text_replace(char *text, size_t at, size_t size, const char *with, size_t with_len)
{
    size_t len = strlen(text);
    if (len - size + with_len + 1 > TEXT_SIZE) {
        return;
    }
    memmove(text + at + with_len, text + at + size, len - at - size + 1);
    memcpy(text + at, with, with_len);
}

static void mutate_once(char *text, uint64_t *seed)
{
    size_t len = strlen(text);
    size_t at = len == 0 ? 0 : rng_next(seed) % (len + 1);
    size_t most = len - at < 40 ? len - at : 40;
    size_t size = most == 0 ? 0 : rng_next(seed) % (most + 1);
    const char *splice = splices[rng_next(seed) % (sizeof(splices) / sizeof(splices[0]))];
    char piece[400];
    switch (rng_next(seed) % 5) {
    case 0: /* one byte becomes another */
        if (at < len) {
            text[at] = (char)(1 + rng_next(seed) % 255);
        }
        break;
    case 1: /* some are lost */
        text_replace(text, at, size, "", 0);
        break;
    case 2: /* something comes in between */
        text_replace(text, at, 0, splice, strlen(splice));
        break;
    case 3: /* something takes their place */
        text_replace(text, at, size, splice, strlen(splice));
        break;
    default: /* a piece is doubled somewhere else */
        size = len - at < sizeof(piece) ? len - at : rng_next(seed) % sizeof(piece);
        memcpy(piece, text + at, size);
        text_replace(text, rng_next(seed) % (len + 1), 0, piece, size);
        break;
    }
}

static uint32_t lines_count(const char *text)
{
    uint32_t lines = 1;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void parsed_check(const char *text, const struct t_parsed *parsed)
{
    unsigned line = 0;
    int used = 0;
    if (parsed->result == STK_OK) {
        assert_true(parsed->config->ports_count <= STK_CONF_PORTS_MAX);
        assert_in_range(parsed->config->instances_count, 1, STK_CONF_INSTANCES_MAX);
        for (uint32_t i = 0; i < parsed->config->ports_count; i++) {
            assert_in_range(parsed->config->ports[i].if_index, 2, 65535);
            assert_true(strlen(parsed->config->ports[i].driver) > 0);
        }
        return;
    }
    assert_true(parsed->result == STK_EPROTO || parsed->result == STK_EINVAL);
    assert_int_equal(sscanf(parsed->error, "t.ini:%u: %n", &line, &used), 1);
    assert_true(used > 0);
    assert_true(strlen(parsed->error) > (size_t)used);
    assert_in_range(line, 1, lines_count(text));
}

static void config__mutated_samples__accepted_or_refused_with_a_line(void **state)
{
    static struct t_inis inis;
    unsigned accepted = 0;
    unsigned refused = 0;
    char *text = malloc(TEXT_SIZE);
    (void)state;
    assert_non_null(text);
    t_inis_find(folder, &inis);
    for (unsigned file = 0; file < inis.count; file++) {
        char *sample = t_file_text(inis.path[file]);
        assert_true(strlen(sample) < TEXT_SIZE / 2);
        for (uint64_t number = seed_first; number < seed_first + seed_count; number++) {
            struct t_parsed parsed;
            uint64_t seed = number;
            memcpy(text, sample, strlen(sample) + 1);
            for (uint64_t i = rng_next(&seed) % 6; i < 6; i++) {
                mutate_once(text, &seed);
            }
            t_parse(text, &parsed);
            parsed_check(text, &parsed);
            *(parsed.result == STK_OK ? &accepted : &refused) += 1;
            t_parsed_free(&parsed);
        }
        free(sample);
    }
    free(text);
    print_message("%u accepted, %u refused\n", accepted, refused);
    /* Both happen, or the changes are no test. */
    assert_true(seed_count < 100 || (accepted > 0 && refused > 0));
}

/* usage: FOLDER [FIRST-SEED COUNT] */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__mutated_samples__accepted_or_refused_with_a_line),
    };
    if (argc != 2 && argc != 4) {
        (void)fprintf(stderr, "usage: %s FOLDER [FIRST-SEED COUNT]\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    if (argc == 4) {
        seed_first = strtoull(argv[2], NULL, 10);
        seed_count = strtoull(argv[3], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
