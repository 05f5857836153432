/*
 * Loading and ending of namespace providers, and which of them are asked. Source: rules NSP-8, NSPX-1 to NSPX-3, NSPX-12,
 * LAY-8, WSC-11, A.19.21.
 */
#include "ws2_nsp.h"

#include <string.h>

/* As the catalogue has them; under ws2_os_loading_mutex. */
static struct ws2_nsp providers[WS2_NAMESPACES];

/** The one entry of a catalogue that lists no namespace provider: the built-in one. Source: rules NSPX-19, NSPX-23. */
void ws2_catalog_default_namespaces(struct ws2_catalog *catalog)
{
    struct ws2_ns_entry *entry = &catalog->name_space[0];
    memset(entry, 0, sizeof *entry);
    entry->id = ws2_nsp_builtin_id;
    entry->name_space = NS_DNS;
    entry->version = 1;
    entry->active = true;
    ws2_utf16_from_ansi("Winlane DNS", entry->name, WS2_NS_NAME);
    catalog->namespaces = 1;
}

/* Every slot but the last, which older tables lack (rule LAY-8). */
static bool table_complete(const NSP_ROUTINE *table, bool has_ioctl)
{
    return table->NSPCleanup != NULL && table->NSPLookupServiceBegin != NULL && table->NSPLookupServiceNext != NULL &&
           table->NSPLookupServiceEnd != NULL && table->NSPSetService != NULL &&
           table->NSPInstallServiceClass != NULL && table->NSPRemoveServiceClass != NULL &&
           table->NSPGetServiceClassInfo != NULL && (!has_ioctl || table->NSPIoctl != NULL);
}

static int start(struct ws2_nsp *nsp, const struct ws2_ns_entry *entry)
{
    GUID id = entry->id;
    LPNSPSTARTUP startup = ws2_nsp_builtin_startup;
    if (entry->path[0] != '\0') {
        if (nsp->module == NULL) {
            nsp->module = ws2_os_module_open(entry->path);
        }
        startup = nsp->module == NULL ? NULL : (LPNSPSTARTUP)ws2_os_module_function(nsp->module, "NSPStartup");
    }
    if (startup == NULL) {
        return WSAEPROVIDERFAILEDINIT;
    }
    memset(&nsp->routine, 0, sizeof nsp->routine);
    nsp->routine.cbSize = sizeof nsp->routine;
    if (startup(&id, &nsp->routine) != 0) {
        return WSAEPROVIDERFAILEDINIT;
    }
    nsp->has_ioctl = nsp->routine.cbSize >= sizeof nsp->routine;
    if (nsp->routine.cbSize < offsetof(NSP_ROUTINE, NSPIoctl) || !table_complete(&nsp->routine, nsp->has_ioctl)) {
        if (nsp->routine.NSPCleanup != NULL) {
            (void)nsp->routine.NSPCleanup(&id);
        }
        return WSAEINVALIDPROCTABLE;
    }
    nsp->started = true;
    return 0;
}

/* The provider of an entry of the current catalogue, started. */
static struct ws2_nsp *provider_get(unsigned index, int *code)
{
    const struct ws2_ns_entry *entry = &ws2_catalog_current()->name_space[index];
    struct ws2_nsp *nsp = &providers[index];
    DWORD before = GetLastError();
    ws2_os_lock(ws2_os_loading_mutex());
    if (nsp->entry != NULL && !nsp->started &&
        (memcmp(&nsp->entry->id, &entry->id, sizeof entry->id) != 0 || nsp->entry != entry)) {
        nsp->module = NULL; /* another catalogue than at the last start: the place is another provider's */
    }
    if (nsp->entry != entry) { /* others read it */
        nsp->entry = entry;
    }
    *code = nsp->started ? 0 : start(nsp, entry);
    ws2_os_unlock(ws2_os_loading_mutex());
    SetLastError(before);
    return *code == 0 ? nsp : NULL;
}

static bool wanted(const struct ws2_ns_entry *entry, DWORD name_space, const GUID *id)
{
    if (!entry->active) {
        return false;
    }
    return id != NULL ? memcmp(&entry->id, id, sizeof *id) == 0
                      : name_space == NS_ALL || entry->name_space == name_space;
}

/**
 * The providers that a question goes to, in the catalogue's order, started.
 *
 * @param name_space  NS_ALL for all; looked at if id is NULL.
 * @param id          One provider, or NULL.
 * @param list        Filled.
 * @param code        Why there is none: WSASERVICE_NOT_FOUND, WSAEPROVIDERFAILEDINIT or WSAEINVALIDPROCTABLE.
 * @return            How many.
 *
 * Context: any thread; loads libraries. Source: rules NSP-8, NSPX-12, WSC-11.
 */
unsigned ws2_nsp_chosen(DWORD name_space, const GUID *id, struct ws2_nsp *list[WS2_NAMESPACES], int *code)
{
    const struct ws2_catalog *catalog = ws2_catalog_current();
    unsigned count = 0;
    unsigned i;
    *code = WSASERVICE_NOT_FOUND;
    for (i = 0; i < catalog->namespaces; i++) {
        if (wanted(&catalog->name_space[i], name_space, id)) {
            int failed;
            struct ws2_nsp *nsp = provider_get(i, &failed);
            if (nsp != NULL) {
                list[count++] = nsp;
            } else {
                *code = failed;
            }
        }
    }
    return count;
}

/**
 * End every namespace provider that was started. Libraries stay loaded.
 *
 * Context: before the last WSACleanup, holding no lock. Source: rules WS2-2, NSPX-3.
 */
void ws2_nsp_cleanup_all(void)
{
    unsigned i;
    for (i = 0; i < WS2_NAMESPACES; i++) {
        struct ws2_nsp *nsp = &providers[i];
        if (nsp->started) {
            GUID id = nsp->entry->id;
            nsp->started = false;
            (void)nsp->routine.NSPCleanup(&id);
        }
        if (nsp->entry != NULL) {
            nsp->entry = NULL;
            nsp->module = NULL; /* the next start may have another catalogue */
        }
    }
}
