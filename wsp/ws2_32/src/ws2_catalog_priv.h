/*
 * The catalogue file, for those who read and for those who write it.
 */
#ifndef WS2_CATALOG_PRIV_H
#define WS2_CATALOG_PRIV_H

#include "ws2_priv.h"

#include <jansson.h>

json_t *ws2_catalog_file_read(const char *file);
bool ws2_catalog_file_write(const struct ws2_catalog *catalog, const char *file, const char *final);

#endif
