#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "device_linux.h"
#include "dpdk_priv.h"
#include "nic/conf.h"
#include "stack/err.h"
#include "stack/log.h"

/** Descriptors before the device was attached that is being opened; one port is opened at a time. */
static struct dpdk_fd_set fds_before;

/** An abstract name belongs to the network namespace, as the interface does, and ends with the process. */
static int claim_name(const struct nic_port_conf *conf, const char *kind, const char *device, intptr_t *claim_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "winlane/port/%s/%s", kind, device);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0) {
        nic_conf_error(conf, NULL, "cannot claim %s: %s", device, strerror(errno));
        return STK_EIO;
    }
    if (bind(fd, (const struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)len) == 0) {
        *claim_fd = fd;
        return 0;
    }
    error = errno;
    close(fd);
    nic_conf_error(conf, nic_conf_find(conf, "device"), "%s is %s", device,
                   error == EADDRINUSE ? "in use by another port or process" : strerror(error));
    if (error != EADDRINUSE)
        return STK_EIO;
    stk_log(STK_LOG_ERROR, "port %s: %s is already owned by another Winlane port or process", conf->name, device);
    return STK_EBUSY;
}

static int iface_check(const struct nic_port_conf *conf, const struct dpdk_device *device)
{
    const struct nic_kv *kv = nic_conf_find(conf, "device");
    struct ifreq request = {0};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    int err = 0;

    if (fd < 0) {
        nic_conf_error(conf, kv, "no packet socket: %s (it needs CAP_NET_RAW)", strerror(errno));
        return STK_EIO;
    }
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device->iface);
    if (ioctl(fd, SIOCGIFMTU, &request) != 0) {
        nic_conf_error(conf, kv, "no interface %s: %s", device->iface, strerror(errno));
        err = STK_ENOENT;
    } else if (request.ifr_mtu < (int)conf->mtu) {
        err = nic_conf_error(conf, kv, "interface %s has MTU %d, less than %u", device->iface, request.ifr_mtu,
                             (unsigned)conf->mtu);
    } else if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0) {
        nic_conf_error(conf, kv, "interface %s is down", device->iface);
        err = STK_EIO;
    }
    close(fd);
    return err;
}

bool drv_dpdk_os_has_pci(void)
{
    return true;
}

int drv_dpdk_os_check(const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    (void)conf, (void)keys; /* everything that conf.c and eal_args.c know exists here */
    return 0;
}

int drv_dpdk_device_claim(const struct nic_port_conf *conf, struct dpdk_device *device, intptr_t *claim)
{
    int err = 0;

    *claim = -1;
    if (device->iface[0] != '\0') {
        err = iface_check(conf, device);
        if (err == 0)
            err = claim_name(conf, "iface", device->iface, claim);
    } else if (drv_dpdk_pci_address(device->name, strlen(device->name))) {
        err = claim_name(conf, "pci", device->name, claim);
    }
    if (err == 0)
        drv_dpdk_fds_list(&fds_before);
    return err;
}

void drv_dpdk_device_release(intptr_t claim)
{
    if (claim >= 0)
        close((int)claim);
}

/** net_af_packet itself always says that the link is up. */
static bool iface_running(int socket_fd, const struct dpdk_device *device)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GLINK};
    struct ifreq request = {0};

    /* The claim's socket belongs to the interface's network namespace, whatever the thread's is by now. */
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device->iface);
    request.ifr_data = (void *)&value;
    if (ioctl(socket_fd, SIOCETHTOOL, &request) == 0)
        return value.data != 0;
    /* IFF_RUNNING follows the carrier up to a second late. */
    return ioctl(socket_fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0 &&
           (request.ifr_flags & IFF_UP) != 0;
}

bool drv_dpdk_device_running(const struct dpdk_device *device, intptr_t claim, intptr_t wait, bool *running)
{
    int error;
    socklen_t len = sizeof(error);

    if (device->iface[0] == '\0')
        return false;
    if (wait >= 0)
        (void)getsockopt((int)wait, SOL_SOCKET, SO_ERROR, &error, &len);
    *running = iface_running((int)claim, device);
    return true;
}

size_t drv_dpdk_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/** Call a function for each open descriptor but the one that lists them; stops when it returns true. */
static int fds_walk(bool (*visit)(int fd, void *context), void *context)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    int found = -1;

    if (dir == NULL)
        return -1;
    while (found < 0 && (entry = readdir(dir)) != NULL) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);

        if (*end == '\0' && end != entry->d_name && fd != dirfd(dir) && visit((int)fd, context))
            found = (int)fd;
    }
    closedir(dir);
    return found;
}

static bool fd_append(int fd, void *context)
{
    struct dpdk_fd_set *set = context;

    if (set->count < sizeof(set->fds) / sizeof(set->fds[0]))
        set->fds[set->count++] = fd;
    return false;
}

void drv_dpdk_fds_list(struct dpdk_fd_set *out)
{
    out->count = 0;
    (void)fds_walk(fd_append, out);
}

static bool fd_in(const struct dpdk_fd_set *set, int fd)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->fds[i] == fd)
            return true;
    }
    return set->count == sizeof(set->fds) / sizeof(set->fds[0]); /* a full list proves nothing */
}

/* Other threads of the application may open files meanwhile: ordinary files of theirs are left alone. */
static bool fd_of_dpdk(int fd)
{
    static const char *const kinds[] = {
        "anon_inode:", "pipe:", "socket:", "/memfd:", "/dev/vfio", "/dev/net/tun", "/dev/hugepages", "/sys/bus/pci"};
    char path[32], target[64];
    ssize_t len;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    len = readlink(path, target, sizeof(target) - 1);
    if (len < 0)
        return false;
    target[len] = '\0';
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strncmp(target, kinds[i], strlen(kinds[i])) == 0)
            return true;
    }
    return false;
}

static bool fd_cloexec(int fd, void *context)
{
    int flags;

    if (fd_in(context, fd) || !fd_of_dpdk(fd))
        return false;
    flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
        (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    return false;
}

void drv_dpdk_fds_cloexec(const struct dpdk_fd_set *before)
{
    struct dpdk_fd_set *set = (struct dpdk_fd_set *)(uintptr_t)before; /* only read */

    (void)fds_walk(fd_cloexec, set);
}

static bool fd_packet(int fd, void *context)
{
    int domain = 0;
    socklen_t len = sizeof(domain);

    return !fd_in(context, fd) && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_PACKET;
}

/** A packet socket that was not there before the device was attached, or -1. */
static int packet_socket(void)
{
    return fds_walk(fd_packet, &fds_before);
}

int drv_dpdk_device_attached(const struct nic_port_conf *conf, const struct dpdk_device *device)
{
    return device->iface[0] == '\0' ? 0 : drv_dpdk_packet_socket_ungroup(conf, device, packet_socket());
}

intptr_t drv_dpdk_device_started(const struct dpdk_device *device)
{
    drv_dpdk_fds_cloexec(&fds_before);
    return device->iface[0] == '\0' ? -1 : packet_socket();
}
