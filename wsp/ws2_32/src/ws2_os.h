/*
 * What the Winsock DLL asks of the operating system. Implemented once per platform (*_linux.c, *_windows.c); no Winsock
 * rule lives below this line. Paths and texts are UTF-8 on both sides of it.
 */
#ifndef WS2_OS_H
#define WS2_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ws2_mutex;

/** The lock of start-up and provider loading. */
struct ws2_mutex *ws2_os_process_mutex(void);

/** The lock of everything that the name functions keep. Held for short times; no other lock is taken under it. */
struct ws2_mutex *ws2_os_names_mutex(void);

/** The lock of loading namespace providers, whose start functions may call anything but these. */
struct ws2_mutex *ws2_os_loading_mutex(void);

/** The lock of the handle table's free list. */
struct ws2_mutex *ws2_os_table_mutex(void);

void ws2_os_lock(struct ws2_mutex *mutex);
void ws2_os_unlock(struct ws2_mutex *mutex);

/**
 * Install the fork handlers, once. `child` runs in every child process, before fork returns there.
 *
 * Context: under the process lock.
 */
void ws2_os_watch_fork(void (*child)(void));

/** Directory of this library, without a trailing separator. @return false if it cannot be found or does not fit. */
bool ws2_os_own_directory(char *out, size_t bytes);

/** A variable of the environment. @return false if it is not set, empty, or does not fit. */
bool ws2_os_environment(const char *name, char *out, size_t bytes);

/** May memory of this process be read? Asked of the kernel; never a fault. */
bool ws2_os_memory_readable(const void *at, size_t bytes);

/** Nonzero if the file can be opened for reading. */
bool ws2_os_file_readable(const char *path);

/** As fopen. */
FILE *ws2_os_file_open(const char *path, const char *mode);

/** Put a file in the place of another, which may be there: other processes see either, whole. @return false if not. */
bool ws2_os_file_replace(const char *from, const char *to);

/** A number that is another after a file was replaced or changed; 0 if it is not there. */
uint64_t ws2_os_file_stamp(const char *path);

/** Delete a file. @return false if it cannot be. */
bool ws2_os_file_remove(const char *path);

/**
 * Take a lock that all processes share, named by a file that is made if it is not there. Waits for a second or so.
 *
 * @return  To be given to ws2_os_file_unlock, or NULL: the folder cannot be written, or another process is inside.
 */
void *ws2_os_file_lock(const char *path);

void ws2_os_file_unlock(void *lock);

/** What separates the parts of a path, all accepted forms; the first is the one that we write. */
extern const char ws2_os_separators[];

/** Whether a path says by itself where the file is. */
bool ws2_os_path_absolute(const char *path);

/** File name of Winlane's provider library. */
extern const char ws2_os_provider_name[];

/**
 * Load a library; %variables% of the environment in its path are replaced, unknown ones stay.
 *
 * @return  NULL when it cannot be, with the loader's words on the standard error stream.
 */
void *ws2_os_module_open(const char *path);

/** Address of an exported function, or NULL. */
void (*ws2_os_module_function(void *module, const char *name))(void);

/** The host's own name. @return false if it does not fit. */
bool ws2_os_host_name(char *out, size_t bytes);

/** Path of the hosts file. @return false if it cannot be found out. */
bool ws2_os_hosts_path(char *out, size_t bytes);

#define WS2_SERVICE_ALIASES 8

struct ws2_service {
    char name[64]; /* the official one */
    char proto[16];
    uint16_t port_be;
    unsigned aliases;
    char alias[WS2_SERVICE_ALIASES][64];
};

/** A service by its name or an alias. proto may be NULL. @return false if unknown. */
bool ws2_os_service_by_name(const char *name, const char *proto, struct ws2_service *out);

/** A service by port (network order). proto may be NULL. @return false if unknown. */
bool ws2_os_service_by_port(uint16_t port_be, const char *proto, struct ws2_service *out);

#endif
