/*
 * DNS with a cache: answers are kept for as long as DNS says, failures not at all. Source: rule NSPX-18.
 */
#include "ws2_hosts_priv.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_SLOTS 256u
#define CACHE_SECONDS_MAX 86400u

struct cached {
    ULONGLONG until_ms; /* of GetTickCount64 */
    int family;
    char name[WS2_HOST_NAME_BYTES];
    struct ws2_host_result result;
};

/* Under ws2_os_names_mutex. A name has one place; who comes later takes it. */
static struct cached *cache[CACHE_SLOTS];

static unsigned slot_of(const char *name, int family)
{
    uint32_t hash = 2166136261u ^ (uint32_t)family;
    for (; *name != '\0'; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
        hash = (hash ^ (uint8_t)c) * 16777619u;
    }
    return hash % CACHE_SLOTS;
}

static bool cache_find(const char *name, int family, struct ws2_host_result *result)
{
    unsigned slot = slot_of(name, family);
    const struct cached *cached;
    bool found;
    ws2_os_lock(ws2_os_names_mutex());
    cached = cache[slot];
    found = cached != NULL && cached->family == family && ws2_name_equal(cached->name, name) &&
            GetTickCount64() < cached->until_ms;
    if (found) {
        *result = cached->result;
    }
    ws2_os_unlock(ws2_os_names_mutex());
    return found;
}

static void cache_put(const char *name, int family, const struct ws2_host_result *result)
{
    uint32_t seconds = result->ttl_seconds > CACHE_SECONDS_MAX ? CACHE_SECONDS_MAX : result->ttl_seconds;
    unsigned slot = slot_of(name, family);
    struct cached *cached;
    struct cached *before;
    if (seconds == 0 || strlen(name) >= sizeof cached->name) {
        return;
    }
    cached = (struct cached *)malloc(sizeof *cached);
    if (cached == NULL) {
        return;
    }
    cached->until_ms = GetTickCount64() + (ULONGLONG)seconds * 1000u;
    cached->family = family;
    memcpy(cached->name, name, strlen(name) + 1);
    cached->result = *result;
    ws2_os_lock(ws2_os_names_mutex());
    before = cache[slot];
    cache[slot] = cached;
    ws2_os_unlock(ws2_os_names_mutex());
    free(before);
}

/** Forget every answer. Context: any thread; the last WSACleanup. */
void ws2_dns_flush(void)
{
    unsigned i;
    for (i = 0; i < CACHE_SLOTS; i++) {
        struct cached *before;
        ws2_os_lock(ws2_os_names_mutex());
        before = cache[i];
        cache[i] = NULL;
        ws2_os_unlock(ws2_os_names_mutex());
        free(before);
    }
}

/**
 * The addresses of a name, from the cache unless the question wants a fresh answer.
 *
 * @param result  Empty; filled on success.
 * @return        0, or a code of ws2_resolver_by_name.
 */
int ws2_dns_by_name(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    int code;
    if (!question->fresh && cache_find(question->name, question->family, result)) {
        return 0;
    }
    code = ws2_resolver_by_name(question, result);
    if (code == 0) {
        cache_put(question->name, question->family, result);
    }
    return code;
}

/** The name of an address; never from the cache. @return 0, or a code of ws2_resolver_by_address. */
int ws2_dns_by_address(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    return ws2_resolver_by_address(question, result);
}
