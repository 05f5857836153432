/*
 * Answers of the name functions of 1.1 in one piece, offsets instead of pointers: for those that wait and for those that
 * work in the background.
 */
#ifndef WS2_NAMES_PRIV_H
#define WS2_NAMES_PRIV_H

#include "ws2_blob.h"
#include "ws2_lookup.h"

enum ws2_entry_kind { WS2_ENTRY_HOST, WS2_ENTRY_SERVICE, WS2_ENTRY_PROTOCOL };

/* A question of 1.1: name, or address, or number. */
struct ws2_name_query {
    enum ws2_entry_kind kind;
    bool by_name;
    char name[WS2_HOST_NAME_BYTES];
    char proto[32]; /* empty: any */
    int family;     /* of addr */
    uint8_t addr[16];
    int number; /* of a protocol; a port, in network order */
};

int ws2_name_answer(const struct ws2_name_query *query, struct ws2_live *live, void **blob, size_t *bytes);
bool ws2_name_rebase(enum ws2_entry_kind kind, void *blob, size_t bytes);

#endif
