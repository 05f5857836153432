/**
 * @file
 * Files that a provider is asked to send, by handles of the system's (Windows) or of the host's (Linux). What fails here ends
 * the test.
 */
#ifndef T_DATA_FILE_H
#define T_DATA_FILE_H

#include <ws2spi.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum t_data_kind {
    T_DATA_PLAIN,
    T_DATA_OVERLAPPED,
    T_DATA_UNBUFFERED,
    T_DATA_WRITE_ONLY,
};

/** A file that goes away with its handle: nothing up to `at`, then bytes. */
HANDLE t_data_open(enum t_data_kind kind, const void *bytes, size_t count, uint64_t at);
void t_data_close(HANDLE file);

uint64_t t_data_position(HANDLE file);
void t_data_seek(HANDLE file, uint64_t at);
/** Make it shorter. false: the system lets nobody do that while the file is looked at. */
bool t_data_cut(HANDLE file, uint64_t bytes);

#endif
