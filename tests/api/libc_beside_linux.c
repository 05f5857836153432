/*
 * libc's sockets beside Winsock's. Every function returns 0 when all went as it must, else the number of the step.
 */
#include "libc_beside_linux.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef T_HAVE_PCAP
#include <pcap/pcap.h>
#endif

static int accept_and_read(int listener, int client)
{
    char byte = 0;
    int served = accept(listener, NULL, NULL);
    int bad;
    if (served < 0) {
        return 5;
    }
    bad = send(client, "k", 1, 0) != 1 || recv(served, &byte, 1, 0) != 1 || byte != 'k';
    close(served);
    return bad ? 6 : 0;
}

int t_libc_stream_round_trip(void)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sin;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    int result = 0;
    if (listener < 0 || client < 0) {
        result = 1;
    } else if (bind(listener, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(listener, 1) != 0) {
        result = 2;
    } else if (getsockname(listener, (struct sockaddr *)&sin, &len) != 0) {
        result = 3;
    } else if (connect(client, (struct sockaddr *)&sin, sizeof sin) != 0) {
        result = 4;
    } else {
        result = accept_and_read(listener, client);
    }
    close(listener);
    close(client);
    return result;
}

int t_libc_select_works(void)
{
    struct timeval now = {0, 0};
    fd_set set;
    int ends[2];
    int result = 0;
    if (pipe(ends) != 0) {
        return 1;
    }
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    if (select(ends[0] + 1, &set, NULL, NULL, &now) != 0) {
        result = 2;
    }
    FD_SET(ends[0], &set);
    if (write(ends[1], "x", 1) != 1 || select(ends[0] + 1, &set, NULL, NULL, &now) != 1) {
        result = 3;
    }
    close(ends[0]);
    close(ends[1]);
    return result;
}

static bool address_is_in_libc(void *address)
{
    Dl_info info;
    if (address == NULL || dladdr(address, &info) == 0) {
        return false;
    }
#ifdef T_SANITIZED
    /* A sanitizer's own wrapper stands in front of libc's function. */
    return strstr(info.dli_fname, "ws2_32") == NULL;
#else
    return strstr(info.dli_fname, "/libc.so") != NULL;
#endif
}

bool t_libc_symbol_is_libcs(const char *name)
{
    return address_is_in_libc(dlsym(RTLD_DEFAULT, name));
}

int t_libc_pcap_works(void)
{
#ifdef T_HAVE_PCAP
    char text[PCAP_ERRBUF_SIZE];
    pcap_if_t *list = NULL;
    void *module = dlopen(T_PCAP_SONAME, RTLD_NOW | RTLD_NOLOAD);
    int result = 0;
    if (module == NULL || !address_is_in_libc(dlsym(module, "socket"))) {
        result = 1;
    } else if (pcap_findalldevs(&list, text) != 0) {
        result = 2; /* it opens sockets to ask the kernel for interfaces */
    }
    if (list != NULL) {
        pcap_freealldevs(list);
    }
    if (module != NULL) {
        dlclose(module);
    }
    return result;
#else
    return T_LIBC_ABSENT;
#endif
}

#ifdef T_EAL_SONAME
/* What the EAL leaves of its runtime directory, its socket included. */
static void drop_directory(const char *path)
{
    char file[512];
    struct dirent *entry;
    DIR *directory = path == NULL ? NULL : opendir(path);
    if (directory == NULL) {
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(directory);
    rmdir(path);
}
#endif

int t_libc_dpdk_works(void)
{
#ifdef T_EAL_SONAME
    /* A driver that opens packet sockets, on top of the EAL, whose process channel is a socket of libc's. */
    void *eal = dlopen(T_EAL_SONAME, RTLD_NOW | RTLD_GLOBAL);
    int (*init)(int, char **);
    int (*cleanup)(void);
    const char *(*runtime_dir)(void);
    char runtime[256];
    int result;
    char words[][40] = {"test", "--no-huge", "--no-pci", "--no-telemetry", "-m", "32", "--file-prefix="};
    char *argv[sizeof words / sizeof words[0] + 1] = {NULL};
    size_t i = sizeof words / sizeof words[0] - 1;
    snprintf(words[i], sizeof words[i], "--file-prefix=wl_api_%ld", (long)getpid());
    if (eal == NULL || !address_is_in_libc(dlsym(eal, "socket"))) {
        return 1;
    }
    for (i = 0; i < sizeof words / sizeof words[0]; i++) {
        argv[i] = words[i];
    }
    *(void **)&init = dlsym(eal, "rte_eal_init");
    *(void **)&cleanup = dlsym(eal, "rte_eal_cleanup");
    *(void **)&runtime_dir = dlsym(eal, "rte_eal_get_runtime_dir");
    if (init == NULL || cleanup == NULL || runtime_dir == NULL) {
        return 2;
    }
    if (init((int)i, argv) < 0) {
        return 3;
    }
    snprintf(runtime, sizeof runtime, "%s", runtime_dir());
    result = cleanup() == 0 ? 0 : 4;
    drop_directory(runtime);
    return result;
#else
    return T_LIBC_ABSENT;
#endif
}
