/**
 * @file
 * wpcap.dll, which is Npcap's, or Wine's own, found when a port asks for it.
 *
 * DPDK's net_pcap was built to call wl_wpcap_X where it would call pcap_X: the
 * library of capture files in this module has those names.
 */
#ifndef DRV_DPDK_WPCAP_WINDOWS_H
#define DRV_DPDK_WPCAP_WINDOWS_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * Load it, once.
 *
 * @param reason  size bytes, filled where it is not to be had.
 *
 * Context: with the driver's lock. The DLL stays loaded.
 */
bool drv_dpdk_wpcap_load(char *reason, size_t size);

/* What net_pcap calls; each is as libpcap documents it, and fails as that where wpcap.dll has it not. */
pcap_t *wl_wpcap_open_live(const char *device, int snaplen, int promisc, int to_ms, char *errbuf);
void wl_wpcap_close(pcap_t *pcap);
char *wl_wpcap_geterr(pcap_t *pcap);
int wl_wpcap_next_ex(pcap_t *pcap, struct pcap_pkthdr **header, const u_char **data);
int wl_wpcap_sendpacket(pcap_t *pcap, const u_char *frame, int len);
int wl_wpcap_setnonblock(pcap_t *pcap, int nonblock, char *errbuf);
int wl_wpcap_setdirection(pcap_t *pcap, pcap_direction_t direction);
int wl_wpcap_stats(pcap_t *pcap, struct pcap_stat *stats);

/* Files: refused before they are asked for. */
const u_char *wl_wpcap_next(pcap_t *pcap, struct pcap_pkthdr *header);
pcap_t *wl_wpcap_open_offline(const char *path, char *errbuf);
pcap_t *wl_wpcap_open_dead_with_tstamp_precision(int linktype, int snaplen, u_int precision);
pcap_dumper_t *wl_wpcap_dump_open(pcap_t *pcap, const char *path);
void wl_wpcap_dump(u_char *dumper, const struct pcap_pkthdr *header, const u_char *frame);
int wl_wpcap_dump_flush(pcap_dumper_t *dumper);
void wl_wpcap_dump_close(pcap_dumper_t *dumper);

#endif
