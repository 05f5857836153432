/*
 * Namespace providers as the DLL sees them. Source: rules NSPX-1 to NSPX-3, NSPX-12, NSPX-23, LAY-8.
 */
#ifndef WS2_NSP_H
#define WS2_NSP_H

#include "ws2_priv.h"

struct ws2_nsp {
    const struct ws2_ns_entry *entry;
    NSP_ROUTINE routine; /* valid while started */
    bool has_ioctl;
    bool started;
    void *module; /* NULL for the built-in one; stays loaded */
};

extern const GUID ws2_nsp_builtin_id;

unsigned ws2_nsp_chosen(DWORD name_space, const GUID *id, struct ws2_nsp *list[WS2_NAMESPACES], int *code);
void ws2_nsp_cleanup_all(void);

/** The built-in provider's start function: DNS, the hosts file and the services file. */
INT WSPAPI ws2_nsp_builtin_startup(LPGUID provider, LPNSP_ROUTINE routines);

/* ---- packing results (ws2_pack.c) ---- */

/* Room into which a result is laid from both ends' knowledge: what does not fit is counted all the same. */
struct ws2_pack {
    uint8_t *base;
    size_t room;
    size_t used; /* may be more than room: what is needed */
};

void *ws2_pack_take(struct ws2_pack *pack, size_t bytes, size_t align);
void *ws2_pack_copy(struct ws2_pack *pack, const void *from, size_t bytes, size_t align);
WCHAR *ws2_pack_wide(struct ws2_pack *pack, const WCHAR *text);
char *ws2_pack_text(struct ws2_pack *pack, const char *text);
WCHAR *ws2_pack_widened(struct ws2_pack *pack, const char *text);
char *ws2_pack_narrowed(struct ws2_pack *pack, const WCHAR *text);

#endif
