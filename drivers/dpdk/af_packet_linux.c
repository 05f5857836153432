#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device_linux.h"
#include "dpdk_priv.h"
#include "nic/conf.h"
#include "stack/err.h"

/** Where a socket's rings are mapped. Returns MAP_FAILED if not, or not in that size. */
static void *rings_find(int fd, size_t size)
{
    char line[512], wanted[48];
    struct stat st;
    void *found = MAP_FAILED;
    FILE *maps = fopen("/proc/self/maps", "re");

    if (maps == NULL)
        return MAP_FAILED;
    if (fstat(fd, &st) == 0) {
        snprintf(wanted, sizeof(wanted), "socket:[%ju]", (uintmax_t)st.st_ino);
        while (found == MAP_FAILED && fgets(line, sizeof(line), maps) != NULL) {
            uintptr_t first, last;

            if (strstr(line, wanted) != NULL && sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &first, &last) == 2 &&
                last - first == size)
                found = (void *)first; /* NOLINT(performance-no-int-to-ptr): the kernel's text is the only source */
        }
    }
    fclose(maps);
    return found;
}

static bool option_copy(int from, int to, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(from, SOL_PACKET, name, &value, &len) == 0 &&
           setsockopt(to, SOL_PACKET, name, &value, sizeof(value)) == 0;
}

/** A packet socket with the rings and options of another one, not bound yet. Returns -1 with errno. */
static int socket_like(int old, const struct tpacket_req *rings)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (option_copy(old, fd, PACKET_VERSION) && option_copy(old, fd, PACKET_LOSS) &&
        option_copy(old, fd, PACKET_QDISC_BYPASS) &&
        setsockopt(fd, SOL_PACKET, PACKET_RX_RING, rings, sizeof(*rings)) == 0 &&
        setsockopt(fd, SOL_PACKET, PACKET_TX_RING, rings, sizeof(*rings)) == 0)
        return fd;
    close(fd);
    return -1;
}

int drv_dpdk_packet_socket_ungroup(const struct nic_port_conf *conf, const struct dpdk_device *device, int fd)
{
    struct tpacket_req rings = {
        .tp_block_size = device->block_bytes,
        .tp_block_nr = device->slots / (device->block_bytes / device->frame_bytes),
        .tp_frame_size = device->frame_bytes,
        .tp_frame_nr = device->slots,
    };
    size_t size = 2 * (size_t)rings.tp_block_size * rings.tp_block_nr; /* receive ring, then transmit ring */
    struct sockaddr_ll address = {0};
    socklen_t address_len = sizeof(address);
    void *at = rings_find(fd, size);
    int fresh = -1;

    if (at != MAP_FAILED && getsockname(fd, (struct sockaddr *)&address, &address_len) == 0)
        fresh = socket_like(fd, &rings);
    if (fresh < 0)
        goto failed;
    /* The new rings take the place of the old ones, in memory and in the table of descriptors; nobody polls yet. */
    if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fresh, 0) == MAP_FAILED ||
        bind(fresh, (const struct sockaddr *)&address, sizeof(address)) != 0 || dup3(fresh, fd, O_CLOEXEC) < 0)
        goto close_fresh;
    close(fresh);
    return 0;

close_fresh:
    close(fresh);
failed:
    nic_conf_error(conf, nic_conf_find(conf, "device"), "the packet socket cannot leave its fanout group: %s",
                   strerror(errno));
    return STK_EIO;
}
