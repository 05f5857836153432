#include "nic/conf.h"
#include "replay_priv.h"
#include "stack/clock.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(field) offsetof(struct replay_conf, field)
#define HOUR_NS (3600 * STK_S_NS)

static const struct nic_conf_key keys[] = {
    {"file", NIC_CONF_STRING, FIELD(file), 0, 0, NULL},
    {"mode", NIC_CONF_STRING, FIELD(mode_text), 0, 0, "recorded|tcp"},
    {"play", NIC_CONF_STRING, FIELD(play_text), 0, 0, "all|client|server"},
    {"speed", NIC_CONF_STRING, FIELD(speed_text), 0, 0, NULL},
    {"checksum", NIC_CONF_STRING, FIELD(checksum_text), 0, 0, "verify|ignore|auto"},
    {"rewrite", NIC_CONF_STRING, FIELD(rewrite_text), 0, 0, NULL},
    {"filter", NIC_CONF_STRING, FIELD(filter), 0, 0, NULL},
    {"report", NIC_CONF_STRING, FIELD(report), 0, 0, NULL},
    {"loops", NIC_CONF_INT, FIELD(loops), 0, 0, NULL},
    {"stop_at", NIC_CONF_INT, FIELD(stop_at), 0, 0, NULL},
    {"start", NIC_CONF_TIME, FIELD(start_ns), 0, HOUR_NS, NULL},
    {"timeout", NIC_CONF_TIME, FIELD(timeout_ns), 1, 24 * HOUR_NS, NULL},
    {"memory", NIC_CONF_SIZE, FIELD(memory), 65536, UINT64_C(64) << 30, NULL},
};

/* "max", or a factor: "1", "10x", "0.25". */
static bool speed_read(const char *text, uint32_t *out)
{
    uint64_t whole = 0, part = 0, unit = REPLAY_SPEED_ONE;

    if (strcmp(text, "max") == 0) {
        *out = REPLAY_SPEED_MAX;
        return true;
    }
    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        whole = whole > 1000000 ? whole : whole * 10 + (uint64_t)(*text - '0');
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9' && unit > 1; text++) {
            unit /= 10;
            part += (uint64_t)(*text - '0') * unit;
        }
    }
    if (*text == 'x')
        text++;
    *out = (uint32_t)(whole * REPLAY_SPEED_ONE + part);
    return *text == '\0' && whole <= 1000000 && *out != 0;
}

static int texts_read(const struct nic_port_conf *conf, struct replay_conf *out)
{
    const char *fault;

    out->mode = strcmp(out->mode_text, "tcp") == 0 ? REPLAY_MODE_TCP : REPLAY_MODE_RECORDED;
    out->play = strcmp(out->play_text, "client") == 0   ? REPLAY_PLAY_CLIENT
                : strcmp(out->play_text, "server") == 0 ? REPLAY_PLAY_SERVER
                                                        : REPLAY_PLAY_ALL;
    out->checksum = strcmp(out->checksum_text, "verify") == 0   ? REPLAY_CHECKSUM_VERIFY
                    : strcmp(out->checksum_text, "ignore") == 0 ? REPLAY_CHECKSUM_IGNORE
                                                                : REPLAY_CHECKSUM_AUTO;
    out->stepped = strcmp(out->speed_text, "stepped") == 0;
    if (!speed_read(out->stepped ? "1" : out->speed_text, &out->speed))
        return nic_conf_error(conf, nic_conf_find(conf, "speed"),
                              "'%s' is neither a factor (1, 10x, 0.25), nor max, nor stepped", out->speed_text);
    if (out->rewrite_text == NULL)
        return 0;
    fault = nic_rewrite_parse(out->rewrite_text, &out->rewrite);
    return fault == NULL ? 0 : nic_conf_error(conf, nic_conf_find(conf, "rewrite"), "%s", fault);
}

static int modes_check(const struct nic_port_conf *conf, const struct replay_conf *out)
{
    if (out->file == NULL)
        return nic_conf_error(conf, NULL, "driver replay needs the key file");
    if (out->mode == REPLAY_MODE_TCP && out->play == REPLAY_PLAY_ALL)
        return nic_conf_error(conf, nic_conf_find(conf, "play"), "mode tcp plays one side: client or server");
    if (out->mode == REPLAY_MODE_RECORDED && out->play != REPLAY_PLAY_ALL)
        return nic_conf_error(conf, nic_conf_find(conf, "play"),
                              "mode recorded plays all; the key filter chooses frames");
    if (out->mode == REPLAY_MODE_TCP && out->loops != 1)
        return nic_conf_error(conf, nic_conf_find(conf, "loops"), "mode tcp plays once");
    if (conf->buffers > 1u << 20)
        return nic_conf_error(conf, NULL, "buffers %u is more than %u", (unsigned)conf->buffers, 1u << 20);
    return 0;
}

int replay_conf_parse(const struct nic_port_conf *conf, struct replay_conf *out)
{
    int err;

    *out = (struct replay_conf){.mode_text = "recorded",
                                .play_text = "all",
                                .speed_text = "1",
                                .checksum_text = "auto",
                                .loops = 1,
                                .start_ns = STK_S_NS,
                                .timeout_ns = 60 * STK_S_NS,
                                .memory = UINT64_C(256) << 20};
    err = nic_conf_parse(conf, keys, sizeof(keys) / sizeof(keys[0]), out);
    if (err == 0)
        err = texts_read(conf, out);
    return err != 0 ? err : modes_check(conf, out);
}
