#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/conf.h"
#include "pcap_priv.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"

int drv_pcap_replay_open(struct pcap_replay *self, const struct nic_port_conf *conf, const char *path)
{
    const struct nic_kv *kv = nic_conf_find(conf, "rx_file");
    char reason[NIC_CAPTURE_REASON_SIZE] = "";
    const char *type;

    errno = 0;
    self->pcap = nic_capture_file_read(path, NULL, reason);
    if (self->pcap == NULL) {
        bool absent = errno == ENOENT;

        nic_conf_error(conf, kv, "%s: %s", path, reason);
        return absent ? STK_ENOENT : STK_EINVAL;
    }
    if (pcap_datalink(self->pcap) != DLT_EN10MB) {
        type = pcap_datalink_val_to_name(pcap_datalink(self->pcap));
        nic_conf_error(conf, kv, "%s: link type %s is not Ethernet (EN10MB)", path, type == NULL ? "unknown" : type);
        pcap_close(self->pcap);
        self->pcap = NULL;
        return STK_EINVAL;
    }
    self->path = strdup(path);
    if (self->path != NULL)
        return 0;
    pcap_close(self->pcap);
    self->pcap = NULL;
    return STK_ENOMEM;
}

void drv_pcap_replay_close(struct pcap_replay *self)
{
    if (self->snapped != 0)
        stk_log(STK_LOG_WARN, "pcap: %s: %llu frames left out, the file has only their beginning (snapshot length)",
                self->path, (unsigned long long)self->snapped);
    if (self->pcap != NULL)
        pcap_close(self->pcap);
    free(self->path);
    *self = (struct pcap_replay){0};
}

/** From the start again, if that is wanted and the file has frames at all. */
static bool rewind_file(struct pcap_replay *self, uint64_t now_ns)
{
    char reason[NIC_CAPTURE_REASON_SIZE] = "";
    bool again = self->loop && self->frame_seen;

    pcap_close(self->pcap);
    self->pcap = again ? nic_capture_file_read(self->path, NULL, reason) : NULL;
    if (again && self->pcap == NULL)
        stk_log(STK_LOG_ERROR, "pcap: %s: %s; replay ends", self->path, reason);
    self->frame_seen = false;
    self->started = false;
    self->base_ns = now_ns;
    return self->pcap != NULL;
}

static bool next(struct pcap_replay *self, uint64_t now_ns, uint64_t *errors)
{
    for (;;) {
        struct pcap_pkthdr *header;
        int result = pcap_next_ex(self->pcap, &header, &self->frame);

        if (result == 1) {
            self->header = header;
            self->frame_seen = true;
            return true;
        }
        if (result == PCAP_ERROR) {
            ++*errors;
            stk_log(STK_LOG_ERROR, "pcap: %s: %s; replay ends", self->path, pcap_geterr(self->pcap));
            self->frame_seen = false;
        }
        if (!rewind_file(self, now_ns))
            return false;
    }
}

uint64_t drv_pcap_replay_time_ns(const struct pcap_replay *self)
{
    const struct pcap_pkthdr *header = self->header;
    /* libpcap takes the file's seconds, 32 bits without a sign, for negative from 2038 on. */
    uint64_t seconds = header->ts.tv_sec < 0 ? (uint32_t)header->ts.tv_sec : (uint64_t)header->ts.tv_sec;

    /* A file opened with nanosecond precision has nanoseconds in tv_usec. */
    return seconds * STK_S_NS + (uint64_t)header->ts.tv_usec;
}

bool drv_pcap_replay_load(struct pcap_replay *self, uint64_t now_ns, uint64_t *errors)
{
    uint64_t time_ns;

    if (self->frame_ready)
        return true;
    if (self->pcap == NULL || !next(self, now_ns, errors))
        return false;
    self->frame_ready = true;
    if (!self->pace) {
        self->due_ns = 0;
        return true;
    }
    time_ns = drv_pcap_replay_time_ns(self);
    if (!self->started) {
        self->started = true;
        self->base_ns = now_ns;
        self->first_ns = time_ns;
    }
    /* Times that run backwards do not delay what follows. */
    self->due_ns = self->base_ns + (time_ns > self->first_ns ? time_ns - self->first_ns : 0);
    return true;
}
