#include <string.h>

#include "nic/driver.h"

/** Most bytes of this frame: a VLAN tag does not count towards the MTU (IEEE 802.3 3.2.7). */
static uint32_t frame_max(const struct nic_port *port, const struct nic_buf *head)
{
    uint32_t bytes = port->info.mtu + NIC_FRAME_MIN;
    bool tagged = head->len >= NIC_FRAME_MIN && ((head->data[12] == 0x81 && head->data[13] == 0x00) ||
                                                 (head->data[12] == 0x88 && head->data[13] == 0xa8));

    return tagged ? bytes + 4 : bytes;
}

bool nic_frame_ok(const struct nic_port *port, const struct nic_buf *head, uint32_t min)
{
    uint32_t segs = 0;
    uint64_t bytes = 0;

    for (const struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        if (++segs > NIC_SEGS_MAX)
            return false;
        bytes += seg->len;
    }
    if (bytes != head->pkt_len || bytes < min)
        return false;
    return bytes <= port->info.mtu + NIC_FRAME_MIN || bytes <= frame_max(port, head);
}

void nic_frame_copy(const struct nic_buf *head, uint8_t *out)
{
    for (const struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        memcpy(out, seg->data, seg->len);
        out += seg->len;
    }
}
