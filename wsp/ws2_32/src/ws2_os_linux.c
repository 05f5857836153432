/*
 * The operating system's part of the Winsock DLL, Linux: locks, fork, the loader, host name, services, and the small
 * kernel services of windows.h that have no state (time, heap, process). Names of libc are used here and nowhere else.
 */
#include "ws2_os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct ws2_mutex {
    pthread_mutex_t mutex;
};

static struct ws2_mutex process_mutex = {PTHREAD_MUTEX_INITIALIZER};
static struct ws2_mutex table_mutex = {PTHREAD_MUTEX_INITIALIZER};
static void (*fork_child)(void);

struct ws2_mutex *ws2_os_process_mutex(void)
{
    return &process_mutex;
}

struct ws2_mutex *ws2_os_table_mutex(void)
{
    return &table_mutex;
}

void ws2_os_lock(struct ws2_mutex *mutex)
{
    pthread_mutex_lock(&mutex->mutex);
}

void ws2_os_unlock(struct ws2_mutex *mutex)
{
    pthread_mutex_unlock(&mutex->mutex);
}

static void fork_prepare(void)
{
    pthread_mutex_lock(&process_mutex.mutex);
    pthread_mutex_lock(&table_mutex.mutex);
}

static void fork_parent(void)
{
    pthread_mutex_unlock(&table_mutex.mutex);
    pthread_mutex_unlock(&process_mutex.mutex);
}

static void fork_in_child(void)
{
    fork_parent();
    fork_child();
}

void ws2_os_watch_fork(void (*child)(void))
{
    if (fork_child == NULL) {
        fork_child = child;
        (void)pthread_atfork(fork_prepare, fork_parent, fork_in_child);
    }
}

bool ws2_os_own_directory(char *out, size_t bytes)
{
    Dl_info info;
    const char *slash;
    size_t length;
    if (dladdr(&process_mutex, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    slash = strrchr(info.dli_fname, '/');
    length = slash == NULL ? 0 : (size_t)(slash - info.dli_fname);
    if (length == 0 || length >= bytes) {
        return false;
    }
    memcpy(out, info.dli_fname, length);
    out[length] = '\0';
    return true;
}

bool ws2_os_file_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

bool ws2_os_environment(const char *name, char *out, size_t bytes)
{
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0' || strlen(value) >= bytes) {
        return false;
    }
    memcpy(out, value, strlen(value) + 1);
    return true;
}

FILE *ws2_os_file_open(const char *path, const char *mode)
{
    return fopen(path, mode);
}

bool ws2_os_file_replace(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

bool ws2_os_file_remove(const char *path)
{
    return unlink(path) == 0;
}

void *ws2_os_file_lock(const char *path)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};
    int *lock = (int *)malloc(sizeof *lock);
    unsigned tries = 100;
    if (lock == NULL) {
        return NULL;
    }
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    while (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        if (--tries == 0 || (errno != EWOULDBLOCK && errno != EINTR)) {
            close(*lock);
            *lock = -1;
            break;
        }
        nanosleep(&pause, NULL);
    }
    if (*lock < 0) {
        free(lock);
        return NULL;
    }
    return lock;
}

void ws2_os_file_unlock(void *lock)
{
    close(*(int *)lock);
    free(lock);
}

const char ws2_os_separators[] = "/";
const char ws2_os_provider_name[] = "libwinlane.so";

bool ws2_os_path_absolute(const char *path)
{
    return path[0] == '/';
}

/*
 * A provider looks WPUCompleteOverlappedRequest up by name in the DLL that loaded it (rule WPU-21). A program may have
 * loaded us privately, so our names are made global first; none of them is libc's.
 */
static void make_own_names_global(void)
{
    Dl_info info;
    if (dladdr(&process_mutex, &info) != 0 && info.dli_fname != NULL) {
        (void)dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_GLOBAL);
    }
}

void *ws2_os_module_open(const char *path)
{
    void *module;
    make_own_names_global();
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        const char *why = dlerror();
        fprintf(stderr, "ws2_32: provider %s: %s\n", path, why == NULL ? "cannot be loaded" : why);
    }
    return module;
}

void (*ws2_os_module_function(void *module, const char *name))(void)
{
    /* ISO C has no conversion from an object pointer to a function pointer; POSIX guarantees the representation. */
    union {
        void *object;
        void (*function)(void);
    } both;
    both.object = dlsym(module, name);
    return both.function;
}

bool ws2_os_host_name(char *out, size_t bytes)
{
    char name[256];
    size_t length;
    if (gethostname(name, sizeof name) != 0) {
        return false;
    }
    name[sizeof name - 1] = '\0';
    length = strlen(name);
    if (length >= bytes) {
        return false;
    }
    memcpy(out, name, length + 1);
    return true;
}

static void copy_text(char *out, size_t bytes, const char *in)
{
    snprintf(out, bytes, "%s", in);
}

bool ws2_os_hosts_path(char *out, size_t bytes)
{
    copy_text(out, bytes, "/etc/hosts");
    return true;
}

bool ws2_os_service_by_name(const char *name, const char *proto, uint16_t *port_be, char proto_out[16])
{
    char scratch[1024];
    struct servent entry;
    struct servent *found = NULL;
    if (getservbyname_r(name, proto, &entry, scratch, sizeof scratch, &found) != 0 || found == NULL) {
        return false;
    }
    *port_be = (uint16_t)found->s_port;
    copy_text(proto_out, 16, found->s_proto);
    return true;
}

bool ws2_os_service_by_port(uint16_t port_be, const char *proto, char name_out[64], char proto_out[16])
{
    char scratch[1024];
    struct servent entry;
    struct servent *found = NULL;
    if (getservbyport_r(port_be, proto, &entry, scratch, sizeof scratch, &found) != 0 || found == NULL) {
        return false;
    }
    copy_text(name_out, 64, found->s_name);
    copy_text(proto_out, 16, found->s_proto);
    return true;
}
