/*
 * External memory that ports were told of.
 *
 * DPDK keeps one list of it for the process, and devices behind one IOMMU container share their maps: what one of them
 * unmaps is gone for all. So memory is unmapped when the last port that uses it lets go, for each device that has mapped
 * it; mlx5 and kin keep maps of their own.
 */
#include <pthread.h>
#include <stdlib.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "dpdk_priv.h"
#include "stack/err.h"
#include "stack/log.h"

struct mem_user {
    struct dpdk_port *port; /* NULL: the place is free */
    bool uses;              /* else only its device's map is left */
    bool mapped;
};

struct mem {
    struct mem *next;
    void *base;
    size_t size;
    bool listed; /* in DPDK's list */
    struct mem_user users[NIC_PORTS_MAX];
};

static pthread_mutex_t mems_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mem *mems;

static struct mem *mem_find(const void *base, size_t size)
{
    struct mem *mem = mems;

    while (mem != NULL && (mem->base != base || mem->size != size))
        mem = mem->next;
    return mem;
}

static struct mem *mem_make(void *base, size_t size)
{
    struct mem *mem = calloc(1, sizeof(*mem));

    if (mem == NULL)
        return NULL;
    mem->base = base;
    mem->size = size;
    mem->next = mems;
    mems = mem;
    return mem;
}

static struct mem_user *user_find(struct mem *mem, const struct dpdk_port *port)
{
    for (uint32_t i = 0; i < NIC_PORTS_MAX; i++) {
        if (mem->users[i].port == port)
            return &mem->users[i];
    }
    return NULL;
}

static bool mem_used(const struct mem *mem)
{
    for (uint32_t i = 0; i < NIC_PORTS_MAX; i++) {
        if (mem->users[i].uses)
            return true;
    }
    return false;
}

static int device_map(const struct mem *mem, const struct dpdk_port *port, bool map)
{
    struct rte_eth_dev_info info;
    int err;

    if (rte_eth_dev_info_get(port->port_id, &info) != 0)
        return STK_EIO;
    err = map ? rte_dev_dma_map(info.device, mem->base, (uintptr_t)mem->base, mem->size)
              : rte_dev_dma_unmap(info.device, mem->base, (uintptr_t)mem->base, mem->size);
    return err == 0 || rte_errno == ENOTSUP ? 0 : STK_EIO;
}

static int user_map(struct mem *mem, struct mem_user *user)
{
    if (user->port->vdev)
        return 0; /* the processor copies: nothing to map */
    if (!mem->listed && rte_extmem_register(mem->base, mem->size, NULL, 0, drv_dpdk_page_bytes()) != 0)
        return STK_EIO;
    mem->listed = true;
    if (device_map(mem, user->port, true) != 0)
        return STK_EIO;
    user->mapped = true;
    return 0;
}

/* Nobody uses it. STK_EIO: some device's map stays. */
static int mem_free(struct mem *mem)
{
    struct mem **at = &mems;
    uint32_t mapped = 0, unmapped = 0;

    for (uint32_t i = 0; i < NIC_PORTS_MAX; i++) {
        if (!mem->users[i].mapped)
            continue;
        mapped++;
        unmapped += device_map(mem, mem->users[i].port, false) == 0;
    }
    if (mem->listed && rte_extmem_unregister(mem->base, mem->size) != 0)
        stk_log(STK_LOG_WARN, "dpdk: external memory stays known: %s", rte_strerror(rte_errno));
    while (*at != mem)
        at = &(*at)->next;
    *at = mem->next;
    free(mem);
    return mapped == 0 || unmapped != 0 ? 0 : STK_EIO; /* a shared map goes with the first */
}

int drv_dpdk_mem_register(struct nic_port *port, void *base, size_t size)
{
    struct mem_user *user;
    struct mem *mem;
    int err = STK_EIO;

    if (size == 0 || ((uintptr_t)base | size) % drv_dpdk_page_bytes() != 0)
        return STK_EINVAL;
    pthread_mutex_lock(&mems_lock);
    mem = mem_find(base, size);
    if (mem == NULL)
        mem = mem_make(base, size);
    user = mem == NULL ? NULL : user_find(mem, dpdk_of(port));
    if (user != NULL) { /* only the map was left, or it was told twice */
        err = user->uses ? STK_EIO : 0;
        user->uses = true;
    } else if (mem != NULL && (user = user_find(mem, NULL)) != NULL) {
        user->port = dpdk_of(port);
        err = user_map(mem, user);
        user->uses = err == 0;
        if (err != 0)
            user->port = NULL;
    }
    if (mem != NULL && !mem_used(mem))
        (void)mem_free(mem);
    pthread_mutex_unlock(&mems_lock);
    return err;
}

int drv_dpdk_mem_unregister(struct nic_port *port, void *base, size_t size)
{
    struct mem_user *user;
    struct mem *mem;
    int err = STK_ENOENT;

    pthread_mutex_lock(&mems_lock);
    mem = mem_find(base, size);
    user = mem == NULL ? NULL : user_find(mem, dpdk_of(port));
    if (user != NULL && user->uses) {
        user->uses = false;
        err = mem_used(mem) ? 0 : mem_free(mem);
    }
    pthread_mutex_unlock(&mems_lock);
    return err;
}

void drv_dpdk_mem_end(struct dpdk_port *port)
{
    struct mem *next;

    pthread_mutex_lock(&mems_lock);
    for (struct mem *mem = mems; mem != NULL; mem = next) {
        struct mem_user *user = user_find(mem, port);

        next = mem->next;
        if (user == NULL)
            continue;
        user->uses = false;
        if (mem_used(mem))
            *user = (struct mem_user){.port = NULL}; /* what its device keeps goes with the device */
        else
            (void)mem_free(mem);
    }
    pthread_mutex_unlock(&mems_lock);
}
