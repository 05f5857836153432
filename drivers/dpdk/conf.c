#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk_priv.h"
#include "nic/conf.h"
#include "stack/err.h"

#define FIELD(field) offsetof(struct dpdk_conf, field)
#define MEMORY_MB_MIN 32
#define MEMORY_MB_MAX (1u << 20)
/** Bytes of a packet socket's ring slot that are not the frame: its header and address, aligned. */
#define PACKET_SLOT_OVERHEAD 96u
#define DRIVER_AF_PACKET "net_af_packet"
#define DRIVER_PCAP "net_pcap"

static const struct nic_conf_key keys_table[] = {
    {"device", NIC_CONF_STRING, FIELD(device), 1, DPDK_DEVICE_SIZE / 2, NULL},
    {"ring_pair", NIC_CONF_STRING, FIELD(ring_pair), 1, 24, NULL},
    {"eal", NIC_CONF_STRING, FIELD(eal), 0, 1024, NULL},
    {"hugepages", NIC_CONF_STRING, FIELD(hugepages), 0, 0, "yes|no|auto"},
    {"memory_mb", NIC_CONF_INT, FIELD(memory_mb), MEMORY_MB_MIN, MEMORY_MB_MAX, NULL},
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool drv_dpdk_pci_address(const char *text, size_t len)
{
    static const char *const shapes[] = {"xxxx:xx:xx.x", "xx:xx.x"};

    for (size_t s = 0; s < 2; s++) {
        size_t i = 0;

        if (strlen(shapes[s]) != len)
            continue;
        while (i < len && (shapes[s][i] == 'x' ? is_hex(text[i]) : text[i] == shapes[s][i]))
            i++;
        if (i == len)
            return text[len - 1] >= '0' && text[len - 1] <= '7';
    }
    return false;
}

static bool vdev_name(const char *text, size_t len)
{
    if (len < 6 || strncmp(text, "net_", 4) != 0)
        return false;
    for (size_t i = 4; i < len; i++) {
        if ((text[i] < 'a' || text[i] > 'z') && (text[i] < '0' || text[i] > '9') && text[i] != '_')
            return false;
    }
    return true;
}

static int text_check(const struct nic_port_conf *conf, const char *key, const char *text)
{
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            return nic_conf_error(conf, nic_conf_find(conf, key), "has a character that is not printable ASCII");
    }
    return 0;
}

static int device_check(const struct nic_port_conf *conf, struct dpdk_conf *out)
{
    const struct nic_kv *kv = nic_conf_find(conf, "device");
    struct dpdk_device device;
    size_t len;

    if (out->ring_pair != NULL) {
        if (out->device != NULL)
            return nic_conf_error(conf, kv, "not together with ring_pair");
        out->kind = DPDK_DEVICE_PAIR;
        return text_check(conf, "ring_pair", out->ring_pair);
    }
    if (out->device == NULL)
        return nic_conf_error(conf, NULL, "driver dpdk needs the key device (or ring_pair)");
    /* Windows has interfaces with blanks in their names. */
    if (strchr(out->device, ' ') != NULL && strncmp(out->device, DRIVER_PCAP, strlen(DRIVER_PCAP)) != 0)
        return nic_conf_error(conf, kv, "'%s' has a blank", out->device);
    len = strcspn(out->device, ",");
    if (drv_dpdk_pci_address(out->device, len))
        out->kind = DPDK_DEVICE_PCI;
    else if (vdev_name(out->device, len))
        out->kind = DPDK_DEVICE_VDEV;
    else
        return nic_conf_error(conf, kv, "'%s' is neither a PCI address nor a virtual device (net_...)", out->device);
    return drv_dpdk_device_parse(conf, out, &device);
}

int drv_dpdk_conf_parse(const struct nic_port_conf *conf, struct dpdk_conf *out)
{
    char reason[200];
    int err;

    *out = (struct dpdk_conf){0};
    err = nic_conf_parse(conf, keys_table, sizeof(keys_table) / sizeof(keys_table[0]), out);
    if (err == 0)
        err = text_check(conf, "device", out->device);
    if (err == 0)
        err = text_check(conf, "eal", out->eal);
    if (err == 0)
        err = device_check(conf, out);
    if (err != 0)
        return err;
    if (drv_dpdk_eal_args_parse(NULL, out->eal, reason, sizeof(reason)) != 0)
        return nic_conf_error(conf, nic_conf_find(conf, "eal"), "%s", reason);
    if (conf->buffers != 0 && (conf->buffers < 64 || conf->buffers > 1u << 20))
        return nic_conf_error(conf, NULL, "buffers %u is outside 64 to %u", (unsigned)conf->buffers, 1u << 20);
    if (conf->rx_slots > 65536 || conf->tx_slots > 65536)
        return nic_conf_error(conf, NULL, "rx_slots and tx_slots are at most 65536");
    return 0;
}

bool drv_dpdk_arg_value(const char *args, const char *key, char *out, size_t out_size)
{
    size_t key_len = strlen(key);

    for (const char *at = args; *at != '\0';) {
        size_t len = strcspn(at, ",");

        if (len > key_len && strncmp(at, key, key_len) == 0 && at[key_len] == '=') {
            snprintf(out, out_size, "%.*s", (int)(len - key_len - 1), at + key_len + 1);
            return true;
        }
        at += len + (at[len] == ',');
    }
    return false;
}

static uint32_t arg_number(const char *args, const char *key, uint32_t absent)
{
    char text[24];
    char *end;
    unsigned long value;

    if (!drv_dpdk_arg_value(args, key, text, sizeof(text)))
        return absent;
    value = strtoul(text, &end, 10);
    return *end != '\0' || text[0] < '0' || text[0] > '9' || value > 1u << 30 ? 0 : (uint32_t)value;
}

static void arg_append(struct dpdk_device *device, const char *key, uint32_t value)
{
    char old[24];
    size_t len = strlen(device->args);

    if (!drv_dpdk_arg_value(device->args, key, old, sizeof(old)))
        snprintf(device->args + len, sizeof(device->args) - len, "%s%s=%u", len == 0 ? "" : ",", key, (unsigned)value);
}

/** Ring geometry for the MTU: slots that hold a frame and blocks that hold whole slots, of whole pages. */
static int af_packet_parse(const struct nic_port_conf *conf, struct dpdk_device *out)
{
    const struct nic_kv *kv = nic_conf_find(conf, "device");
    uint32_t slot = (conf->mtu + NIC_L2_OVERHEAD + PACKET_SLOT_OVERHEAD + 1023) / 1024 * 1024;
    uint32_t slots = conf->rx_slots != 0 ? (conf->rx_slots + 3) / 4 * 4 : DPDK_SLOTS_DEFAULT;
    uint32_t block, count;
    char iface[64];

    if (!drv_dpdk_arg_value(out->args, "iface", iface, sizeof(iface)) || iface[0] == '\0')
        return nic_conf_error(conf, kv, DRIVER_AF_PACKET " needs iface=NAME");
    if (strlen(iface) >= sizeof(out->iface))
        return nic_conf_error(conf, kv, "'%s' is too long for an interface", iface);
    memcpy(out->iface, iface, strlen(iface) + 1);
    if (arg_number(out->args, "qpairs", 1) != 1)
        return nic_conf_error(conf, kv, "qpairs is not 1");
    arg_append(out, "framesz", slot);
    slot = arg_number(out->args, "framesz", 0);
    if (slot < conf->mtu + NIC_L2_OVERHEAD + PACKET_SLOT_OVERHEAD || slot > 1u << 16 || slot % 16 != 0)
        return nic_conf_error(conf, kv, "framesz is not a multiple of 16 that holds a frame of MTU %u",
                              (unsigned)conf->mtu);
    arg_append(out, "blocksz", slot * 4);
    block = arg_number(out->args, "blocksz", 0);
    if (block == 0 || block % 4096 != 0 || block % slot != 0)
        return nic_conf_error(conf, kv, "blocksz is not a multiple of 4096 and of framesz");
    arg_append(out, "framecnt", slots);
    count = arg_number(out->args, "framecnt", 0);
    if (count == 0 || count % (block / slot) != 0)
        return nic_conf_error(conf, kv, "framecnt is not a multiple of the frames in a block");
    arg_append(out, "qdisc_bypass", 1);
    /* Its driver copies what a slot holds without looking at the buffer's size. */
    out->frame_bytes = slot;
    out->block_bytes = block;
    out->slots = count;
    return 0;
}

int drv_dpdk_device_parse(const struct nic_port_conf *conf, const struct dpdk_conf *keys, struct dpdk_device *out)
{
    size_t len = strcspn(keys->device, ",");

    memset(out, 0, sizeof(*out));
    if (len >= sizeof(out->name))
        return nic_conf_error(conf, nic_conf_find(conf, "device"), "the device's name is too long");
    memcpy(out->name, keys->device, len);
    if (keys->device[len] == ',')
        snprintf(out->args, sizeof(out->args), "%s", keys->device + len + 1);
    if (strncmp(out->name, DRIVER_AF_PACKET, strlen(DRIVER_AF_PACKET)) == 0)
        return af_packet_parse(conf, out);
    return 0;
}
