/*
 * Questions that are asked in the background: see ws2_work.c.
 */
#ifndef WS2_WORK_H
#define WS2_WORK_H

#include "ws2_lookup.h"

/* First member of a question. */
struct ws2_work {
    struct ws2_ticket ticket; /* its handle; released when the thread is done with it, too */
    struct ws2_live live;
    void (*run)(struct ws2_work *work);
    struct ws2_work *next; /* of those that wait for a thread */
    bool waits;
};

bool ws2_work_start(struct ws2_work *work);
void ws2_work_give_up(struct ws2_work *work);
bool ws2_work_cancel(HANDLE handle, enum ws2_ticket_kind kind);
void ws2_work_end_all(void);
void ws2_work_forked(void);

#endif
