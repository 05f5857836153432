#include "wpcap_windows.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

/** Functions of wpcap.dll; NULL: not loaded, or a version without it. */
static struct {
    pcap_t *(*open_live)(const char *, int, int, int, char *);
    void (*close)(pcap_t *);
    char *(*geterr)(pcap_t *);
    int (*next_ex)(pcap_t *, struct pcap_pkthdr **, const u_char **);
    int (*sendpacket)(pcap_t *, const u_char *, int);
    int (*setnonblock)(pcap_t *, int, char *);
    int (*setdirection)(pcap_t *, pcap_direction_t);
    int (*stats)(pcap_t *, struct pcap_stat *);
} wpcap;

static char no_wpcap[] = "wpcap.dll was not loaded";

/** In Npcap's own folder, where its parts find each other, else in the system's. */
static HMODULE library_load(void)
{
    static const wchar_t in_system[] = L"\\Npcap\\wpcap.dll";
    wchar_t path[MAX_PATH + sizeof(in_system) / sizeof(in_system[0])];
    UINT len = GetSystemDirectoryW(path, MAX_PATH);
    HMODULE module = NULL;

    if (len != 0 && len < MAX_PATH) {
        memcpy(path + len, in_system, sizeof(in_system));
        module = LoadLibraryExW(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    }
    return module != NULL ? module : LoadLibraryExW(L"wpcap.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
}

bool drv_dpdk_wpcap_load(char *reason, size_t size)
{
    static const struct {
        const char *name;
        void *slot;
        bool needed;
    } functions[] = {
        {"pcap_close", &wpcap.close, true},
        {"pcap_geterr", &wpcap.geterr, true},
        {"pcap_next_ex", &wpcap.next_ex, true},
        {"pcap_sendpacket", &wpcap.sendpacket, true},
        {"pcap_setnonblock", &wpcap.setnonblock, true},
        {"pcap_stats", &wpcap.stats, true},
        {"pcap_setdirection", &wpcap.setdirection, false},
        {"pcap_open_live", &wpcap.open_live, true}, /* the last: with it all are there */
    };
    HMODULE module;

    if (wpcap.open_live != NULL)
        return true;
    module = library_load();
    if (module == NULL) {
        snprintf(reason, size, "wpcap.dll is not on this system (error %lu); Npcap brings it",
                 (unsigned long)GetLastError());
        return false;
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        FARPROC found = GetProcAddress(module, functions[i].name);

        if (found == NULL && functions[i].needed) {
            snprintf(reason, size, "wpcap.dll of this system has no %s", functions[i].name);
            return false;
        }
        memcpy(functions[i].slot, &found, sizeof(found));
    }
    return true;
}

pcap_t *wl_wpcap_open_live(const char *device, int snaplen, int promisc, int to_ms, char *errbuf)
{
    if (wpcap.open_live != NULL)
        return wpcap.open_live(device, snaplen, promisc, to_ms, errbuf);
    snprintf(errbuf, PCAP_ERRBUF_SIZE, "%s", no_wpcap);
    return NULL;
}

void wl_wpcap_close(pcap_t *pcap)
{
    if (wpcap.close != NULL)
        wpcap.close(pcap);
}

char *wl_wpcap_geterr(pcap_t *pcap)
{
    return wpcap.geterr != NULL ? wpcap.geterr(pcap) : no_wpcap;
}

int wl_wpcap_next_ex(pcap_t *pcap, struct pcap_pkthdr **header, const u_char **data)
{
    return wpcap.next_ex != NULL ? wpcap.next_ex(pcap, header, data) : PCAP_ERROR;
}

int wl_wpcap_sendpacket(pcap_t *pcap, const u_char *frame, int len)
{
    return wpcap.sendpacket != NULL ? wpcap.sendpacket(pcap, frame, len) : PCAP_ERROR;
}

int wl_wpcap_setnonblock(pcap_t *pcap, int nonblock, char *errbuf)
{
    if (wpcap.setnonblock != NULL)
        return wpcap.setnonblock(pcap, nonblock, errbuf);
    snprintf(errbuf, PCAP_ERRBUF_SIZE, "%s", no_wpcap);
    return PCAP_ERROR;
}

int wl_wpcap_setdirection(pcap_t *pcap, pcap_direction_t direction)
{
    return wpcap.setdirection != NULL ? wpcap.setdirection(pcap, direction) : PCAP_ERROR;
}

int wl_wpcap_stats(pcap_t *pcap, struct pcap_stat *stats)
{
    return wpcap.stats != NULL ? wpcap.stats(pcap, stats) : PCAP_ERROR;
}

const u_char *wl_wpcap_next(pcap_t *pcap, struct pcap_pkthdr *header)
{
    (void)pcap, (void)header;
    return NULL;
}

pcap_t *wl_wpcap_open_offline(const char *path, char *errbuf)
{
    snprintf(errbuf, PCAP_ERRBUF_SIZE, "%s: not by net_pcap on Windows", path);
    return NULL;
}

pcap_t *wl_wpcap_open_dead_with_tstamp_precision(int linktype, int snaplen, u_int precision)
{
    (void)linktype, (void)snaplen, (void)precision;
    return NULL;
}

pcap_dumper_t *wl_wpcap_dump_open(pcap_t *pcap, const char *path)
{
    (void)pcap, (void)path;
    return NULL;
}

void wl_wpcap_dump(u_char *dumper, const struct pcap_pkthdr *header, const u_char *frame)
{
    (void)dumper, (void)header, (void)frame;
}

int wl_wpcap_dump_flush(pcap_dumper_t *dumper)
{
    (void)dumper;
    return PCAP_ERROR;
}

void wl_wpcap_dump_close(pcap_dumper_t *dumper)
{
    (void)dumper;
}
