/**
 * @file
 * The pcap driver's own structures. All of it belongs to the port's thread.
 */
#ifndef DRV_PCAP_PRIV_H
#define DRV_PCAP_PRIV_H

#include <pcap/pcap.h>

#include "drv/pcap.h"
#include "nic/capture.h"
#include "nic/driver.h"
#include "nic/pool.h"

/** A capture file that is read frame by frame. */
struct pcap_replay {
    pcap_t *pcap; /**< NULL: no file, or its end was reached */
    char *path;
    bool loop;
    bool pace;
    bool started;
    bool frame_ready;  /**< frame and header hold the next one */
    bool frame_seen;   /**< this pass over the file had a frame */
    uint64_t base_ns;  /**< the caller's time of the pass's first frame */
    uint64_t first_ns; /**< the file's time of it */
    uint64_t due_ns;   /**< of the frame that is ready */
    const struct pcap_pkthdr *header;
    const uint8_t *frame; /**< libpcap's, until the next is read */
    uint64_t snapped;     /**< frames left out because the file has only their beginning */
};

/**
 * Open a file for replay.
 *
 * @return  0, STK_ENOENT, STK_EINVAL (not a capture of Ethernet frames), STK_EIO or STK_ENOMEM; conf->error filled.
 */
int drv_pcap_replay_open(struct pcap_replay *self, const struct nic_port_conf *conf, const char *path);

/** Close; also one that was never opened. */
void drv_pcap_replay_close(struct pcap_replay *self);

/**
 * Have the next frame ready, if there is one.
 *
 * @param errors  Incremented when the file turns out to be damaged.
 */
bool drv_pcap_replay_load(struct pcap_replay *self, uint64_t now_ns, uint64_t *errors);

/** The file's time of the frame that is ready. */
uint64_t drv_pcap_replay_time_ns(const struct pcap_replay *self);

#endif
