/*
 * Loading and ending of providers. Source: rules WS2-2, WS2-8, START-1 to START-15.
 */
#include "ws2_priv.h"
#include "ws2_upcall_priv.h"

#include <string.h>

static struct ws2_provider providers[WS2_PROVIDERS];
static atomic_bool starting;

/* Every slot is a pointer, so a missing one is a run of zero bytes (rule START-8). */
static bool table_complete(const WSPPROC_TABLE *table)
{
    enum { SLOTS = sizeof *table / sizeof(void (*)(void)) };
    void (*slot[SLOTS])(void);
    unsigned i;
    memcpy(slot, table, sizeof slot);
    for (i = 0; i < SLOTS; i++) {
        if (slot[i] == NULL) {
            return false;
        }
    }
    return true;
}

static struct ws2_provider *provider_find(const struct ws2_entry *entry)
{
    struct ws2_provider *unused = NULL;
    unsigned i;
    for (i = 0; i < WS2_PROVIDERS; i++) {
        struct ws2_provider *provider = &providers[i];
        if (!provider->used) {
            unused = unused == NULL ? provider : unused;
        } else if (memcmp(&provider->id, &entry->info.ProviderId, sizeof provider->id) == 0 &&
                   strcmp(provider->path, entry->path) == 0) {
            return provider;
        }
    }
    if (unused != NULL) {
        unused->id = entry->info.ProviderId;
        memcpy(unused->path, entry->path, sizeof unused->path);
    }
    return unused;
}

static int provider_start(struct ws2_provider *provider, const struct ws2_entry *entry)
{
    WSAPROTOCOL_INFOW info = entry->info;
    WSPUPCALLTABLE upcalls;
    WSPDATA data;
    LPWSPSTARTUP startup;
    int unused;
    if (provider->module == NULL) {
        provider->module = ws2_os_module_open(provider->path);
    }
    if (provider->module == NULL) {
        return WSAEPROVIDERFAILEDINIT;
    }
    provider->used = true;
    startup = (LPWSPSTARTUP)ws2_os_module_function(provider->module, "WSPStartup");
    if (startup == NULL) {
        return WSAEPROVIDERFAILEDINIT;
    }
    ws2_upcalls_fill(&upcalls);
    memset(&provider->table, 0, sizeof provider->table);
    memset(&data, 0, sizeof data);
    if (startup(WINSOCK_VERSION, &data, &info, upcalls, &provider->table) != 0) {
        return WSAEPROVIDERFAILEDINIT;
    }
    if (!table_complete(&provider->table)) {
        if (provider->table.lpWSPCleanup != NULL) {
            provider->table.lpWSPCleanup(&unused);
        }
        return WSAEINVALIDPROCTABLE;
    }
    if (LOBYTE(data.wVersion) != 2) {
        provider->table.lpWSPCleanup(&unused);
        return WSAEINVALIDPROVIDER;
    }
    atomic_store_explicit(&provider->poll, NULL, memory_order_relaxed);
    /* Read without the lock by upcalls: what they follow was written before. */
    atomic_store_explicit(&provider->started, true, memory_order_release);
    return 0;
}

/**
 * The provider of a catalogue entry, loaded and started if it is not yet.
 *
 * @param error  On failure WSAEPROVIDERFAILEDINIT (library, export or WSPStartup), WSAEINVALIDPROVIDER (version),
 *               WSAEINVALIDPROCTABLE (a slot is missing), WSAENOBUFS (too many providers), WSANOTINITIALISED.
 * @return       The provider, or NULL. It stays valid for the life of the process.
 *
 * Context: any thread; takes the process lock. Source: rule WS2-8.
 */
struct ws2_provider *ws2_provider_get(const struct ws2_entry *entry, int *error)
{
    struct ws2_provider *provider;
    ws2_os_lock(ws2_process_lock());
    provider = provider_find(entry);
    if (!ws2_started()) {
        *error = WSANOTINITIALISED;
    } else if (provider == NULL) {
        *error = WSAENOBUFS;
    } else {
        *error = 0;
        if (!atomic_load_explicit(&provider->started, memory_order_relaxed)) {
            atomic_store_explicit(&starting, true, memory_order_relaxed);
            *error = provider_start(provider, entry);
            atomic_store_explicit(&starting, false, memory_order_relaxed);
        }
    }
    ws2_os_unlock(ws2_process_lock());
    return *error == 0 ? provider : NULL;
}

/**
 * The provider of an entry if it is started, else NULL. Never loads.
 *
 * Context: an upcall of that provider, which cannot end while one of its functions runs.
 */
struct ws2_provider *ws2_provider_started(const struct ws2_entry *entry)
{
    unsigned i;
    for (i = 0; i < WS2_PROVIDERS; i++) {
        if (atomic_load_explicit(&providers[i].started, memory_order_acquire) &&
            memcmp(&providers[i].id, &entry->info.ProviderId, sizeof providers[i].id) == 0 &&
            strcmp(providers[i].path, entry->path) == 0) {
            return &providers[i];
        }
    }
    return NULL;
}

/**
 * End every provider that was started, and the handles that it left open. Libraries stay loaded: threads may still be
 * on their way out of them.
 *
 * Context: under the process lock.
 */
void ws2_provider_cleanup_all(void)
{
    unsigned i;
    for (i = 0; i < WS2_PROVIDERS; i++) {
        int error = 0;
        if (atomic_load_explicit(&providers[i].started, memory_order_relaxed)) {
            (void)providers[i].table.lpWSPCleanup(&error);
            ws2_handle_close_all_of(&providers[i]);
            atomic_store_explicit(&providers[i].started, false, memory_order_relaxed);
        }
    }
}

/**
 * Whether a provider is being started, by any thread: the name functions then make no socket, since it may be the provider, or
 * a library that it is made of, that asks them.
 */
bool ws2_provider_starting(void)
{
    return atomic_load_explicit(&starting, memory_order_relaxed);
}

/** Whether any provider's library was ever loaded. Context: fork handler. */
bool ws2_provider_any_loaded(void)
{
    unsigned i;
    for (i = 0; i < WS2_PROVIDERS; i++) {
        if (providers[i].module != NULL) {
            return true;
        }
    }
    return false;
}
