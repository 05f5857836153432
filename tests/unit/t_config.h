/**
 * @file
 * What the tests of the configuration share: parsing with every output
 * poisoned first.
 */
#ifndef T_CONFIG_H
#define T_CONFIG_H

#include "stack/config.h"

/** Result of one parse. */
struct t_parsed {
    int result;
    struct stk_config *config; /**< on success */
    char error[STK_CONF_ERROR_SIZE];
};

/** Text that stands in error before a parse. */
#define T_POISON "poison"

/**
 * Parse text as the file "t.ini". Fails the test if outputs are not as
 * promised: config untouched on failure, error untouched on success.
 *
 * @param out  Filled; ended with t_parsed_free.
 */
void t_parse(const char *text, struct t_parsed *out);

/** Parse text that must be accepted. @return The configuration; the caller frees it. */
struct stk_config *t_parse_good(const char *text);

/** Free what a parse gave. */
void t_parsed_free(struct t_parsed *parsed);

/**
 * Read a file of the test data into memory.
 *
 * @return  NUL-terminated, malloc'ed; the test fails if it cannot be read.
 */
char *t_file_text(const char *path);

/** Paths of all *.ini of a folder. */
struct t_inis {
    char path[16][512];
    unsigned count;
};

/** Find the *.ini of a folder; the test fails if there is none. */
void t_inis_find(const char *folder, struct t_inis *out);

#endif
