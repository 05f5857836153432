/*
 * Lookups over namespace providers, for programs and for the name functions of this DLL.
 */
#ifndef WS2_LOOKUP_H
#define WS2_LOOKUP_H

#include "ws2_hosts_priv.h"
#include "ws2_nsp.h"
#include "ws2_ticket.h"

struct ws2_asked {
    struct ws2_nsp *nsp;
    HANDLE handle; /* the provider's */
};

struct ws2_lookup {
    struct ws2_ticket ticket;
    unsigned count;
    struct ws2_asked asked[WS2_NAMESPACES];
    atomic_uint at; /* whose results are being taken */
    atomic_bool ended;
    atomic_bool any;         /* a result was given, or the failure told */
    atomic_int code;         /* why the first one failed that had nothing to give */
    void *_Atomic kept_ansi; /* a result that did not fit as ANSI */
};

/* A question of our own. */
struct ws2_ask {
    const GUID *class_id;
    const char *name; /* NULL allowed where the class allows it */
    DWORD flags;
    DWORD name_space;
    const GUID *provider;
    int family;
    struct ws2_live *live; /* where it can be cancelled; NULL: nowhere */
};

/* A question that another thread may end. */
struct ws2_live {
    atomic_bool cancelled;
    atomic_uintptr_t lookup; /* the handle while there is one */
};

void ws2_lookup_end_all(void);
void ws2_live_cancel(struct ws2_live *live);
int ws2_ask_host(const struct ws2_ask *ask, struct ws2_host_result *host);
int ws2_ask_blob(const struct ws2_ask *ask, void **blob, size_t *bytes);

extern const GUID ws2_class_own_name;
extern const GUID ws2_class_by_address;
extern const GUID ws2_class_service;
extern const GUID ws2_class_by_name;

#endif
