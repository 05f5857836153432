/**
 * @file
 * Rules by which ends of captured packets are changed: "ip A -> B, port A -> B, mac A -> B, vlan A -> B|none". No state; any
 * thread.
 */
#ifndef NIC_REWRITE_H
#define NIC_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#define NIC_REWRITE_RULES_MAX 16

enum nic_rewrite_kind { NIC_REWRITE_MAC, NIC_REWRITE_IP, NIC_REWRITE_PORT, NIC_REWRITE_VLAN };

struct nic_rewrite_rule {
    enum nic_rewrite_kind kind;
    uint8_t bytes;    /**< of an address or a port */
    uint8_t from[16]; /**< network order */
    uint8_t to[16];
    int32_t vlan_from; /**< -1: untagged */
    int32_t vlan_to;
};

struct nic_rewrite {
    uint32_t count;
    struct nic_rewrite_rule rules[NIC_REWRITE_RULES_MAX];
};

/**
 * Read rules, parted by commas. Of two rules for the same end the first holds; what was changed is not changed again.
 *
 * @return  NULL, or what is wrong, static text.
 */
const char *nic_rewrite_parse(const char *text, struct nic_rewrite *out);

/** Read an address. @param bytes  Out: 4 or 16. @return  false: it is none. */
bool nic_rewrite_ip_read(const char *text, uint8_t out[16], uint8_t *bytes);

/** What becomes of a MAC address, an IP address or a port of so many bytes, in network order. @return  NULL: it stays. */
const uint8_t *nic_rewrite_find(const struct nic_rewrite *rewrite, enum nic_rewrite_kind kind, const uint8_t *value,
                                uint8_t bytes);

#endif
