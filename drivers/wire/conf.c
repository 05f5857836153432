#include <string.h>

#include "nic/conf.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "wire_priv.h"

#define IMPAIR(field) (offsetof(struct wire_conf, impair) + offsetof(struct drv_wire_impair, field))
#define FIELD(field) offsetof(struct wire_conf, field)

static const struct nic_conf_key keys[] = {
    {"link", NIC_CONF_STRING, FIELD(link), 1, WIRE_LINK_NAME_SIZE - 1, NULL},
    {"loss", NIC_CONF_PROB, IMPAIR(loss), 0, 0, NULL},
    {"duplicate", NIC_CONF_PROB, IMPAIR(duplicate), 0, 0, NULL},
    {"reorder", NIC_CONF_PROB, IMPAIR(reorder), 0, 0, NULL},
    {"corrupt", NIC_CONF_PROB, IMPAIR(corrupt), 0, 0, NULL},
    {"delay", NIC_CONF_TIME, IMPAIR(delay_ns), 0, 3600 * STK_S_NS, NULL},
    {"jitter", NIC_CONF_TIME, IMPAIR(jitter_ns), 0, 3600 * STK_S_NS, NULL},
    {"reorder_gap", NIC_CONF_TIME, IMPAIR(reorder_gap_ns), 1, 3600 * STK_S_NS, NULL},
    {"seed", NIC_CONF_INT, FIELD(seed), 0, 0, NULL},
    {"queue", NIC_CONF_INT, FIELD(queue), 1, 65536, NULL},
    {"offload", NIC_CONF_BOOL, FIELD(offload), 0, 0, NULL},
    {"promisc", NIC_CONF_BOOL, FIELD(promisc), 0, 0, NULL},
    {"clock", NIC_CONF_TIME, FIELD(clock_ahead_ns), 0, 3600 * STK_S_NS, NULL},
};

int drv_wire_conf_parse(const struct nic_port_conf *conf, struct wire_conf *out)
{
    int err;

    *out = (struct wire_conf){.impair = {.reorder_gap_ns = STK_MS_NS}, .promisc = true};
    err = nic_conf_parse(conf, keys, sizeof(keys) / sizeof(keys[0]), out);
    if (err == 0 && out->link == NULL)
        err = nic_conf_error(conf, NULL, "driver wire needs the key link");
    if (err == 0 && conf->buffers > 1u << 20)
        err = nic_conf_error(conf, NULL, "buffers %u is more than %u", (unsigned)conf->buffers, 1u << 20);
    return err;
}
