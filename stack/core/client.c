#include "core/client_rio.h"

#include "core/engine_ops.h"
#include "stack/log.h"
#include "stack/process.h"

#include <stdio.h>
#include <stdlib.h>

#define SPIN_NS_DEFAULT ((int64_t)50 * 1000)

STK_U32 stk_client_forked;

/** The clients of this process, for threads that end. */
struct client_list {
    STK_U32 lock;
    struct stk_client *first;
    uint64_t ids; /**< given out so far */
};

/** The one engine of this process. */
struct client_process {
    STK_U32 lock;
    uint32_t refs;
    struct stk_client *client;  /**< kept, with its engine, when refs is 0: parked */
    struct client_start *start; /**< an engine start that is not finished */
    uint32_t drain_ms;          /**< at exit */
    bool exit_watched;
    bool dumped; /**< the counters, at exit */
};

/** One engine start, on a thread of its own; freed by who is last. */
struct client_start {
    struct stk_config *config;
    const struct stk_engine_ops *ops;
    struct stk_engine *engine;
    int result;
    STK_U32 done;
    char error[STK_CONF_ERROR_SIZE];
};

static struct client_list list;
static struct client_process process;

/* --- Clients of a region -------------------------------------------------- */

static int64_t client_spin_ns(int32_t app_spin_us)
{
    if (app_spin_us == -1) {
        return -1;
    }
    if (app_spin_us >= 0) {
        return (int64_t)app_spin_us * 1000;
    }
    /* Adaptive: on one processor spinning only keeps the other side from running. */
    return stk_process_cpus() < 2 ? 0 : SPIN_NS_DEFAULT;
}

static int client_make(struct stk_region *region, stk_pump_fn pump, void *context, struct stk_client **out)
{
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0) {
        return STK_EFORKED;
    }
    stk_client_os_fork_watch();
    struct stk_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return STK_ENOMEM;
    }
    client->socks = calloc(region->socks_count, sizeof(*client->socks));
    if (client->socks == NULL) {
        free(client);
        return STK_ENOMEM;
    }
    client->region = region;
    client->pump = pump;
    client->pump_context = context;
    client->spin_ns = client_spin_ns(region->app_spin_us);
    stk_client_rings_init(client);
    stk_lock_take(&list.lock);
    client->id = ++list.ids;
    client->next = list.first;
    list.first = client;
    stk_lock_give(&list.lock);
    *out = client;
    return STK_OK;
}

static void client_unlink(struct stk_client *client)
{
    stk_lock_take(&list.lock);
    struct stk_client **at = &list.first;
    while (*at != NULL && *at != client) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = client->next;
    }
    stk_lock_give(&list.lock);
}

void stk_client_thread_end(uint32_t thread)
{
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0) {
        return;
    }
    stk_lock_take(&list.lock);
    for (struct stk_client *client = list.first; client != NULL; client = client->next) {
        stk_client_rings_free(client, thread);
    }
    stk_lock_give(&list.lock);
}

int stk_client_attach_region(struct stk_region *region, struct stk_client **out)
{
    return client_make(region, NULL, NULL, out);
}

int stk_client_attach_stepped(struct stk_region *region, stk_pump_fn pump, void *context, struct stk_client **out)
{
    return client_make(region, pump, context, out);
}

/** End all sockets; graceful closes are drained. */
static void client_end_sockets(struct stk_client *client, uint32_t drain_timeout_ms)
{
    struct stk_sub_abi sub = {.op = STK_SUB_DETACH, .arg = {drain_timeout_ms}};
    struct stk_rep_abi rep;
    /* The stack bounds the draining itself; the slack is for a thread that does not get to run. */
    int64_t bound = ((int64_t)drain_timeout_ms + 2000) * (int64_t)STK_MS_NS;
    int result = stk_client_call(client, &sub, &rep, bound);
    if (result != STK_OK && result != STK_ETIMEDOUT) {
        stk_log(STK_LOG_INFO, "detach: %s", stk_err_text(result));
    }
    for (uint32_t i = 0; i < client->region->socks_count; i++) {
        if (client->socks[i].abi != NULL) {
            atomic_store_explicit(&client->socks[i].held, 0, memory_order_relaxed);
        }
    }
}

static void client_free(struct stk_client *client)
{
    stk_client_rio_end(client);
    client_unlink(client);
    free(client->socks);
    free(client);
}

/* --- The engine of this process ------------------------------------------- */

static void config_free(struct stk_config *config)
{
    if (config != NULL) {
        free(config->strings);
        free(config);
    }
}

static size_t config_strings_bytes(const struct stk_config *config)
{
    size_t bytes = 1;
    for (uint32_t p = 0; p < config->ports_count; p++) {
        for (uint32_t a = 0; a < config->ports[p].args_count; a++) {
            bytes += strlen(config->ports[p].args[a].key) + strlen(config->ports[p].args[a].value) + 2;
        }
    }
    return bytes;
}

static const char *string_move(char **at, const char *text)
{
    const char *copy = *at;
    size_t bytes = strlen(text) + 1;
    memcpy(*at, text, bytes);
    *at += bytes;
    return copy;
}

/** Copies a configuration: a start that outlives its caller still needs it. */
static struct stk_config *config_copy(const struct stk_config *config)
{
    struct stk_config *copy = malloc(sizeof(*copy));
    char *strings = malloc(config_strings_bytes(config));
    if (copy == NULL || strings == NULL) {
        free(copy);
        free(strings);
        return NULL;
    }
    memcpy(copy, config, sizeof(*copy));
    copy->strings = strings;
    for (uint32_t p = 0; p < copy->ports_count; p++) {
        for (uint32_t a = 0; a < copy->ports[p].args_count; a++) {
            struct stk_conf_arg *arg = &copy->ports[p].args[a];
            arg->key = string_move(&strings, arg->key);
            arg->value = string_move(&strings, arg->value);
        }
    }
    return copy;
}

static void *start_main(void *arg)
{
    struct client_start *start = arg;
    start->result = stk_engine_ops_find(&start->ops, start->error, sizeof(start->error));
    if (start->result == STK_OK) {
        start->result = start->ops->start(start->config, &start->engine, start->error, sizeof(start->error));
    }
    (void)atomic_exchange_explicit(&start->done, 1, memory_order_seq_cst);
    stk_futex_wake(&start->done, UINT32_MAX);
    return NULL;
}

static struct client_start *start_begin(const struct stk_config *config)
{
    struct client_start *start = calloc(1, sizeof(*start));
    if (start == NULL) {
        return NULL;
    }
    start->config = config_copy(config);
    if (start->config == NULL || stk_client_os_run(start_main, start) != STK_OK) {
        config_free(start->config);
        free(start);
        return NULL;
    }
    return start;
}

static bool start_wait(struct client_start *start, uint32_t timeout_ms)
{
    struct client_deadline deadline = {stk_clock_ns(), (int64_t)timeout_ms * (int64_t)STK_MS_NS};
    while (atomic_load_explicit(&start->done, memory_order_seq_cst) == 0) {
        int64_t left = stk_client_left(&deadline, stk_clock_ns());
        if (left == 0) {
            return false;
        }
        (void)stk_futex_wait(&start->done, 0, left);
    }
    return true;
}

static int start_error(int result)
{
    if (result == STK_EBUSY || result == STK_EINVAL || result == STK_ENOMEM) {
        return result;
    }
    return STK_ENETDOWN;
}

static void error_say(char *error, size_t error_size, const char *text)
{
    if (error != NULL && error_size > 0) {
        (void)snprintf(error, error_size, "%s", text);
    }
}

/** Starts the engine, or goes on waiting for a start that an earlier call gave up on. */
static int process_start(const struct stk_config *config, char *error, size_t error_size)
{
    if (process.start == NULL) {
        process.start = start_begin(config);
        if (process.start == NULL) {
            error_say(error, error_size, "no memory or no thread for the engine");
            return STK_ENOMEM;
        }
    }
    struct client_start *start = process.start;
    if (!start_wait(start, config->engine.start_timeout_ms)) {
        error_say(error, error_size, "the engine did not start within engine.start_timeout_ms");
        return STK_ENETDOWN;
    }
    process.start = NULL;
    int result = start->result;
    if (result == STK_OK) {
        const _Atomic uint64_t *clock = start->ops->clock(start->engine);
        result = client_make(start->ops->region(start->engine), clock != NULL ? start->ops->pump : NULL, start->engine,
                             &process.client);
        if (result == STK_OK) {
            process.client->engine = start->engine;
            process.client->ops = start->ops;
            stk_client_rings_limit(process.client, config->engine.threads_max);
            if (clock != NULL) {
                stk_clock_virtual_set(clock);
            }
        } else {
            start->ops->destroy(start->engine);
        }
    } else {
        error_say(error, error_size, start->error);
    }
    config_free(start->config);
    free(start);
    return result == STK_OK ? STK_OK : start_error(result);
}

/** Ends all sockets and lets the engine rest. A lost one has no thread that could answer. */
static void process_park(uint32_t drain_timeout_ms)
{
    client_end_sockets(process.client, drain_timeout_ms);
    if (stk_client_usable(process.client) == STK_OK) {
        (void)process.client->ops->park(process.client->engine);
    }
}

/** A process that ends without detaching: graceful closes are drained, the rest is reset. */
static void process_exit(void)
{
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0 || !stk_client_os_owner() ||
        !stk_lock_try(&process.lock)) {
        return;
    }
    if (process.refs > 0 && process.client != NULL) {
        process.refs = 0;
        process_park(process.drain_ms);
    }
    if (!process.dumped) {
        process.dumped = true;
        stk_client_dump_exit();
    }
    stk_lock_give(&process.lock);
}

static int process_attach(const struct stk_config *config, char *error, size_t error_size)
{
    if (process.client == NULL) {
        int result = process_start(config, error, error_size);
        if (result != STK_OK) {
            return result;
        }
    } else if (process.refs == 0) {
        int result = process.client->ops->unpark(process.client->engine);
        if (result != STK_OK) {
            error_say(error, error_size, "the parked engine does not run again");
            return STK_ENETDOWN;
        }
    }
    if (!process.exit_watched) {
        process.exit_watched = stk_client_os_exit_watch(process_exit);
    }
    stk_client_dump_watch(process.client, &config->engine);
    process.drain_ms = config->engine.drain_timeout_ms;
    process.refs++;
    return STK_OK;
}

int stk_client_attach(const struct stk_config *config, struct stk_client **out, char *error, size_t error_size)
{
    if (atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0) {
        error_say(error, error_size, "used in a child after fork");
        return STK_EFORKED;
    }
    if (config == NULL || out == NULL) {
        error_say(error, error_size, "no configuration");
        return STK_EINVAL;
    }
    stk_client_os_fork_watch();
    stk_lock_take(&process.lock);
    int result = process_attach(config, error, error_size);
    if (result == STK_OK) {
        *out = process.client;
    }
    stk_lock_give(&process.lock);
    return result;
}

void stk_client_detach(struct stk_client *client, uint32_t drain_timeout_ms)
{
    if (client == NULL || atomic_load_explicit(&stk_client_forked, memory_order_relaxed) != 0) {
        return;
    }
    if (client->engine == NULL) {
        client_end_sockets(client, drain_timeout_ms);
        client_free(client);
        return;
    }
    stk_lock_take(&process.lock);
    if (process.refs > 0 && --process.refs == 0) {
        process_park(drain_timeout_ms);
    }
    stk_lock_give(&process.lock);
}

int stk_client_alive(const struct stk_client *client)
{
    return stk_client_usable(client);
}
