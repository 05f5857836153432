/*
 * Answers of Winsock 1.1 in one piece. Source: rules NSP-2, NSPX-13, NSPX-14, A.19.11.
 */
#include "ws2_blob.h"

#include <string.h>

/* What is put next is found at this offset from the blob's start. */
static char *offset_of(const struct ws2_pack *pack, size_t align)
{
    return (char *)((pack->used + align - 1) & ~(align - 1));
}

static char *put_text(struct ws2_pack *pack, const char *text)
{
    char *offset = offset_of(pack, 1);
    (void)ws2_pack_text(pack, text);
    return offset;
}

/* A list of offsets, its end a zero: room for it now, its content later. */
static char **put_list(struct ws2_pack *pack, unsigned count, char ***offset)
{
    *offset = (char **)(void *)offset_of(pack, sizeof(char *));
    return (char **)ws2_pack_copy(pack, NULL, (count + 1) * sizeof(char *), sizeof(char *));
}

/**
 * Lay a host into an empty pack. Addresses of one family: IPv4 if there are any.
 */
void ws2_blob_hostent(struct ws2_pack *pack, const struct ws2_host_result *from)
{
    struct hostent host;
    struct hostent *at = (struct hostent *)ws2_pack_copy(pack, NULL, sizeof host, sizeof(char *));
    char **list;
    unsigned count = 0;
    unsigned i;
    memset(&host, 0, sizeof host);
    host.h_addrtype = AF_INET6;
    for (i = 0; i < from->count; i++) {
        host.h_addrtype = from->address[i].family == AF_INET ? AF_INET : host.h_addrtype;
    }
    host.h_length = host.h_addrtype == AF_INET ? 4 : 16;
    list = put_list(pack, from->aliases, &host.h_aliases);
    for (i = 0; i < from->aliases; i++) {
        char *offset = put_text(pack, from->alias[i]);
        if (list != NULL) {
            list[i] = offset;
        }
    }
    list = put_list(pack, from->count, &host.h_addr_list);
    for (i = 0; i < from->count; i++) {
        if (from->address[i].family == host.h_addrtype) {
            char *offset = offset_of(pack, 4);
            (void)ws2_pack_copy(pack, from->address[i].addr, (size_t)host.h_length, 4);
            if (list != NULL) {
                list[count++] = offset;
            }
        }
    }
    host.h_name = put_text(pack, from->canonical);
    if (at != NULL) {
        *at = host;
    }
}

/** Lay a service into an empty pack. */
void ws2_blob_servent(struct ws2_pack *pack, const struct ws2_service *from)
{
    struct servent service;
    struct servent *at = (struct servent *)ws2_pack_copy(pack, NULL, sizeof service, sizeof(char *));
    char **list;
    unsigned i;
    memset(&service, 0, sizeof service);
    memcpy(&service.s_port, &from->port_be, sizeof from->port_be);
    list = put_list(pack, from->aliases, &service.s_aliases);
    for (i = 0; i < from->aliases; i++) {
        char *offset = put_text(pack, from->alias[i]);
        if (list != NULL) {
            list[i] = offset;
        }
    }
    service.s_name = put_text(pack, from->name);
    service.s_proto = put_text(pack, from->proto);
    if (at != NULL) {
        *at = service;
    }
}

/** Lay a protocol into an empty pack. */
void ws2_blob_protoent(struct ws2_pack *pack, const struct ws2_protocol *from)
{
    struct protoent protocol;
    struct protoent *at = (struct protoent *)ws2_pack_copy(pack, NULL, sizeof protocol, sizeof(char *));
    char **list;
    memset(&protocol, 0, sizeof protocol);
    protocol.p_proto = from->number;
    list = put_list(pack, from->alias != NULL, &protocol.p_aliases);
    if (from->alias != NULL) {
        char *offset = put_text(pack, from->alias);
        if (list != NULL) {
            list[0] = offset;
        }
    }
    protocol.p_name = put_text(pack, from->name);
    if (at != NULL) {
        *at = protocol;
    }
}

/* ---- to pointers: what a provider gave may be anything ---- */

static bool rebase_text(char *blob, size_t bytes, char **text)
{
    size_t offset = (size_t)*text;
    if (offset >= bytes || memchr(blob + offset, '\0', bytes - offset) == NULL) {
        return false;
    }
    *text = blob + offset;
    return true;
}

/* Each element a text, or `fixed` bytes where that is not 0. */
static bool rebase_list(char *blob, size_t bytes, char ***list, size_t fixed)
{
    size_t offset = (size_t)*list;
    char **at;
    if (offset % sizeof(char *) != 0 || offset > bytes) {
        return false;
    }
    *list = (char **)(void *)(blob + offset);
    for (at = *list; (size_t)((char *)(at + 1) - blob) <= bytes; at++) {
        if (*at == NULL) {
            return true;
        }
        if (fixed == 0 ? !rebase_text(blob, bytes, at) : (size_t)*at > bytes || bytes - (size_t)*at < fixed) {
            return false;
        }
        if (fixed != 0) {
            *at = blob + (size_t)*at;
        }
    }
    return false;
}

/** Make the offsets of a host pointers. @return false if one leads out of the blob; then it is of no use. */
bool ws2_blob_rebase_hostent(void *blob, size_t bytes)
{
    struct hostent *host = (struct hostent *)blob;
    return bytes >= sizeof *host && host->h_length > 0 && rebase_text((char *)blob, bytes, &host->h_name) &&
           rebase_list((char *)blob, bytes, &host->h_aliases, 0) &&
           rebase_list((char *)blob, bytes, &host->h_addr_list, (size_t)host->h_length);
}

/** As ws2_blob_rebase_hostent, of a service. */
bool ws2_blob_rebase_servent(void *blob, size_t bytes)
{
    struct servent *service = (struct servent *)blob;
    return bytes >= sizeof *service && rebase_text((char *)blob, bytes, &service->s_name) &&
           rebase_text((char *)blob, bytes, &service->s_proto) &&
           rebase_list((char *)blob, bytes, &service->s_aliases, 0);
}

/** As ws2_blob_rebase_hostent, of a protocol. */
bool ws2_blob_rebase_protoent(void *blob, size_t bytes)
{
    struct protoent *protocol = (struct protoent *)blob;
    return bytes >= sizeof *protocol && rebase_text((char *)blob, bytes, &protocol->p_name) &&
           rebase_list((char *)blob, bytes, &protocol->p_aliases, 0);
}
