#include "file_priv.h"

#include <pcap/pcap.h>

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <windows.h>

#include "nic/capture.h"

/** 1 January 1970 in units of 100 ns since 1601. */
#define UNIX_EPOCH_100NS UINT64_C(116444736000000000)

/*
 * libpcap takes handles here, not files of the C library, and gives no way to close one whose content it refuses. So it
 * opens by name what was found to be there; the handle is not inherited from the moment that it is known.
 */
struct pcap *nic_capture_file_read(const char *path, char *buffer, char *reason)
{
    int fd = _open(path, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    pcap_t *pcap;

    (void)buffer; /* libpcap's file has been read from when it comes to light */
    if (fd < 0) {
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", strerror(errno));
        return NULL;
    }
    _close(fd);
    pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (pcap == NULL)
        errno = EINVAL;
    else
        SetHandleInformation((HANDLE)_get_osfhandle(_fileno(pcap_file(pcap))), HANDLE_FLAG_INHERIT, 0);
    return pcap;
}

/**
 * A handle of the file alone, without the C library's descriptor; not inherited. NULL: the system has none left, as the
 * last error says.
 */
static HANDLE handle_take(int fd)
{
    HANDLE self = GetCurrentProcess(), taken = NULL;
    DWORD error;

    if (!DuplicateHandle(self, (HANDLE)_get_osfhandle(fd), self, &taken, 0, FALSE, DUPLICATE_SAME_ACCESS))
        taken = NULL;
    error = GetLastError();
    _close(fd);
    SetLastError(error);
    return taken;
}

/** A descriptor for writing to a new or emptied file; -1 with reason. */
static int file_make(const char *path, char *reason)
{
    int fd = _open(path, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE);

    if (fd < 0)
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", strerror(errno));
    return fd;
}

FILE *nic_file_create(const char *path, char *reason)
{
    int fd = file_make(path, reason);
    FILE *file = fd < 0 ? NULL : _fdopen(fd, "wb");

    if (fd >= 0 && file == NULL) {
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", strerror(errno));
        _close(fd);
    }
    return file;
}

struct pcap_dumper *nic_capture_file_write(struct pcap *pcap, const char *path, char *reason)
{
    int fd = file_make(path, reason);
    pcap_dumper_t *dumper;
    HANDLE file;

    if (fd < 0)
        return NULL;
    file = handle_take(fd);
    if (file == NULL) {
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "no handle (error %lu)", (unsigned long)GetLastError());
        return NULL;
    }
    dumper = pcap_dump_hopen(pcap, (intptr_t)file); /* closes the handle if the header cannot be written */
    if (dumper == NULL)
        snprintf(reason, NIC_CAPTURE_REASON_SIZE, "%s", pcap_geterr(pcap));
    return dumper;
}

uint64_t nic_wall_ns(void)
{
    FILETIME now;

    GetSystemTimePreciseAsFileTime(&now);
    return (((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) - UNIX_EPOCH_100NS) * 100;
}
