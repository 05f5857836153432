#include <string.h>

#include "nic/driver.h"

bool nic_frame_ok(const struct nic_port *port, const struct nic_buf *head, uint32_t min)
{
    uint32_t segs = 0;
    uint64_t bytes = 0;

    for (const struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        if (++segs > NIC_SEGS_MAX)
            return false;
        bytes += seg->len;
    }
    return bytes == head->pkt_len && bytes >= min && bytes <= port->info.mtu + NIC_L2_OVERHEAD;
}

void nic_frame_copy(const struct nic_buf *head, uint8_t *out)
{
    for (const struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        memcpy(out, seg->data, seg->len);
        out += seg->len;
    }
}
