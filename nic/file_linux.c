#include "file_priv.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nic/capture.h"
#include "stack/clock.h"

struct pcap *nic_capture_file_read(const char *path, char *buffer, char *reason)
{
    FILE *file = fopen(path, "rbe");
    pcap_t *pcap;

    if (file == NULL) {
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", strerror(errno));
        return NULL;
    }
    /* libpcap asks for each packet's header and bytes by themselves; the C library takes a size only with the bytes. */
    if (buffer != NULL)
        (void)setvbuf(file, buffer, _IOFBF, NIC_CAPTURE_READ_BYTES);
    pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (pcap == NULL) {
        fclose(file);
        errno = EINVAL;
    }
    return pcap;
}

FILE *nic_file_create(const char *path, char *reason)
{
    FILE *file = fopen(path, "wbe");

    if (file == NULL)
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", strerror(errno));
    return file;
}

struct pcap_dumper *nic_capture_file_write(struct pcap *pcap, const char *path, char *reason)
{
    FILE *file = nic_file_create(path, reason);
    pcap_dumper_t *dumper;

    if (file == NULL)
        return NULL;
    dumper = pcap_dump_fopen(pcap, file); /* closes the file if its header cannot be written */
    if (dumper == NULL)
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", pcap_geterr(pcap));
    return dumper;
}

uint64_t nic_wall_ns(void)
{
    struct timespec now;

    if (timespec_get(&now, TIME_UTC) != TIME_UTC)
        return 0;
    return (uint64_t)now.tv_sec * STK_S_NS + (uint64_t)now.tv_nsec;
}
