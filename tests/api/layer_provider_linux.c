/*
 * A layered provider for tests, Linux: it loads the provider below it by the path of WPUGetProviderPath and hands every call on.
 * WSPSocket gets the entry of the chain and asks the provider below with that one's own entry, the next of the chain;
 * the socket's handle is the lower provider's. LAYER_BELOW in the environment is the lower entry's number.
 */
#include "fake_provider.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define PATH_CHARS 512

static WSPPROC_TABLE below;
static WSPUPCALLTABLE up;
static WSAPROTOCOL_INFOW lower;
static struct {
    _Atomic unsigned sockets;
    _Atomic DWORD chain_entry;
} seen;

__attribute__((visibility("default"))) unsigned layer_sockets(void);
__attribute__((visibility("default"))) DWORD layer_chain_entry(void);

/** Sockets made through the layer. */
unsigned layer_sockets(void)
{
    return seen.sockets;
}

/** The entry that the last of them came with. */
DWORD layer_chain_entry(void)
{
    return seen.chain_entry;
}

static SOCKET WSPAPI layer_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags,
                                  LPINT error)
{
    WSAPROTOCOL_INFOW base = lower;
    SOCKET s;
    seen.chain_entry = info->dwCatalogEntryId;
    s = below.lpWSPSocket(af, type, protocol, &base, g, flags, error);
    if (s != INVALID_SOCKET) {
        seen.sockets++;
    }
    return s;
}

/* Paths are ASCII here. */
static LPWSPSTARTUP layer_load(const WCHAR *path)
{
    union {
        void *object;
        LPWSPSTARTUP function;
    } both;
    char narrow[PATH_CHARS];
    void *module;
    size_t i;
    for (i = 0; i < PATH_CHARS - 1 && path[i] != 0; i++) {
        narrow[i] = (char)path[i];
    }
    narrow[i] = 0;
    module = dlopen(narrow, RTLD_NOW);
    both.object = module == NULL ? NULL : dlsym(module, "WSPStartup");
    return both.function;
}

/* The lower provider's entry, from the catalogue. */
static bool layer_find_lower(void)
{
    const char *wanted = getenv("LAYER_BELOW");
    DWORD bytes = 0;
    WSAPROTOCOL_INFOW *all;
    int error = 0;
    int count;
    int i;
    bool found = false;
    (void)WSCEnumProtocols(NULL, NULL, &bytes, &error);
    all = (WSAPROTOCOL_INFOW *)malloc(bytes);
    count = all == NULL ? SOCKET_ERROR : WSCEnumProtocols(NULL, all, &bytes, &error);
    for (i = 0; i < count && wanted != NULL; i++) {
        if (all[i].dwCatalogEntryId == (DWORD)strtoul(wanted, NULL, 10)) {
            lower = all[i];
            found = true;
        }
    }
    free(all);
    return found;
}

__attribute__((visibility("default"))) int WSPAPI WSPStartup(WORD version, LPWSPDATA data, LPWSAPROTOCOL_INFOW info,
                                                             WSPUPCALLTABLE upcalls, LPWSPPROC_TABLE table)
{
    WCHAR path[PATH_CHARS];
    INT chars = PATH_CHARS;
    INT error = 0;
    LPWSPSTARTUP start;
    int code;
    (void)info;
    up = upcalls;
    if (!layer_find_lower() || up.lpWPUGetProviderPath(&lower.ProviderId, path, &chars, &error) == SOCKET_ERROR) {
        return WSAEPROVIDERFAILEDINIT;
    }
    start = layer_load(path);
    if (start == NULL) {
        return WSAEPROVIDERFAILEDINIT;
    }
    code = start(version, data, &lower, upcalls, &below);
    if (code == 0) {
        *table = below;
        table->lpWSPSocket = layer_socket;
    }
    return code;
}
