/*
 * The answers of Winsock 1.1 in one piece: offsets instead of pointers, as namespace providers give them (rules NSP-2,
 * NSPX-13, NSPX-14), and made into pointers where they come to rest.
 */
#ifndef WS2_BLOB_H
#define WS2_BLOB_H

#include "ws2_hosts_priv.h"
#include "ws2_nsp.h"

struct ws2_protocol {
    const char *name;
    const char *alias;
    short number;
};

void ws2_blob_hostent(struct ws2_pack *pack, const struct ws2_host_result *from);
void ws2_blob_servent(struct ws2_pack *pack, const struct ws2_service *from);
void ws2_blob_protoent(struct ws2_pack *pack, const struct ws2_protocol *from);
bool ws2_blob_rebase_hostent(void *blob, size_t bytes);
bool ws2_blob_rebase_servent(void *blob, size_t bytes);
bool ws2_blob_rebase_protoent(void *blob, size_t bytes);

#endif
