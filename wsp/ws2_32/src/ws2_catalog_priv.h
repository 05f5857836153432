/*
 * The catalogue file, for those who read and for those who write it.
 */
#ifndef WS2_CATALOG_PRIV_H
#define WS2_CATALOG_PRIV_H

#include "ws2_priv.h"

#include <jansson.h>

/* A change under way. On the heap: two paths and a catalogue are too large for the stack. */
struct ws2_catalog_change {
    void *lock;
    char file[WS2_PATH_BYTES - 8];
    char beside[WS2_PATH_BYTES]; /* the file's name with a suffix */
    struct ws2_catalog catalog;
};

int ws2_catalog_change_begin(struct ws2_catalog_change **out);
int ws2_catalog_change_commit(struct ws2_catalog_change *change);
void ws2_catalog_change_end(struct ws2_catalog_change *change);

json_t *ws2_catalog_file_read(const char *file);
bool ws2_catalog_file_write(const struct ws2_catalog *catalog, const char *file, const char *final);

#endif
