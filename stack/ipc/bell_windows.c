#include "ipc/bell.h"

#include "stack/err.h"

#include <windows.h>

/* A HANDLE of the kernel is a small positive number. */
static HANDLE event_of(intptr_t fd)
{
    return (HANDLE)fd;
}

intptr_t stk_bell_fd_open(void)
{
    /* Reset by hand: stays signalled through several waits, as a readable descriptor does. */
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    return event != NULL && (intptr_t)event > 0 ? (intptr_t)event : STK_EIO;
}

void stk_bell_fd_close(intptr_t fd)
{
    if (fd >= 0) {
        (void)CloseHandle(event_of(fd));
    }
}

void stk_bell_fd_ring(intptr_t fd)
{
    (void)SetEvent(event_of(fd));
}

void stk_bell_fd_clear(intptr_t fd)
{
    (void)ResetEvent(event_of(fd));
}
