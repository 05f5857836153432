/*
 * Between the handle table and the platform's way of making handle values.
 */
#ifndef WS2_HANDLE_PRIV_H
#define WS2_HANDLE_PRIV_H

#include "ws2_priv.h"

#define WS2_HANDLE_PAGE_SLOTS (1u << 10)
#define WS2_HANDLE_PAGES (1u << 10)
#define WS2_HANDLE_SLOTS (WS2_HANDLE_PAGES * WS2_HANDLE_PAGE_SLOTS)

struct ws2_slot *ws2_handle_slot_make(uint32_t index);

struct ws2_slot *ws2_handle_begin(struct ws2_slot *slot, enum ws2_kind kind);

struct ws2_slot *ws2_slot_obtain(void);
struct ws2_slot *ws2_slot_adopt(void *pipe); /* Windows */
void ws2_slot_recycle(struct ws2_slot *slot);

#endif
