/*
 * Pointers that cannot be read: WSAEFAULT instead of the end of the program, where a function of this DLL looks at the
 * program's memory before a provider does. Source: rules A.10.10, POLL-4.
 */
#include "ws2_os.h"
#include "ws2_priv.h"

/**
 * May memory be read? What was readable in the calling thread's last calls is taken to be so still.
 *
 * @param bytes  0: yes.
 *
 * Context: any thread.
 */
bool ws2_memory_readable(const void *at, size_t bytes)
{
    struct ws2_thread_data *data = ws2_thread_data();
    struct ws2_range *range;
    unsigned i;
    for (i = 0; data != NULL && i < WS2_RANGES; i++) {
        if (data->range[i].at == at && data->range[i].bytes >= bytes) {
            return true;
        }
    }
    if (!ws2_os_memory_readable(at, bytes)) {
        return false;
    }
    if (data != NULL) {
        range = &data->range[data->range_next++ % WS2_RANGES];
        range->at = at;
        range->bytes = bytes;
    }
    return true;
}
