/**
 * @file
 * Files that TransmitFile and TransmitPackets send, by the program's handle. One file per platform implements it.
 *
 * A file's bytes are looked at through windows into it, and nothing is told to a port that the program has associated the file
 * with. On Windows a window is a mapping: nobody can make the file shorter meanwhile. On Linux anybody can, and reading what a
 * mapping showed before then ends the process; so a window is memory that part of the file is read into.
 *
 * On Linux handles are those of the DLL that loaded us, which gives the descriptor behind one (wl_file_descriptor); on Windows
 * they are the kernel's.
 *
 * Source: rules TF-5, TF-6, TF-16, TF-17, TF-21, TP-3, TP-4.
 */
#ifndef WSP_FILE_H
#define WSP_FILE_H

#include "wsp_sdk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One file that is open: the program may close its handle, and move its position. Zero bytes: none. */
struct wsp_file {
    intptr_t handle;  /**< of our own */
    intptr_t mapping; /**< Windows: the section; 0: none */
    bool open;
};

/** Part of a file in memory. Zero bytes: none. */
struct wsp_window {
    void *at;     /**< the memory, or where the system put the mapping */
    size_t bytes; /**< from there on */
    const char *data;
    size_t size; /**< bytes of data, as far as the file goes */
};

/**
 * Open what is behind a handle.
 *
 * @return  0, or ERROR_INVALID_HANDLE, ERROR_ACCESS_DENIED (it cannot be read), ERROR_NOT_SUPPORTED (Linux: another DLL loaded us),
 *          WSAENOBUFS.
 *
 * Context: any thread.
 */
int wsp_file_open(struct wsp_file *file, HANDLE handle);

/** Close it; nothing if it is not open. Context: any thread. */
void wsp_file_close(struct wsp_file *file);

/** Bytes in the file now. Context: any thread. */
uint64_t wsp_file_size(const struct wsp_file *file);

/** The position that the program's handle has, and setting it. Context: any thread. */
uint64_t wsp_file_position(const struct wsp_file *file);
void wsp_file_seek(const struct wsp_file *file, uint64_t position);

/**
 * Look at part of a file.
 *
 * @param window  Given back with wsp_window_close. Nothing of the file is there (it has become shorter): size is 0.
 * @param bytes   > 0. Less may be shown, but not of 65536 bytes that are there.
 * @return        0, or WSAENOBUFS, WSAEINVAL: no file that can be looked at so.
 *
 * Context: any thread. May wait for the disk.
 */
int wsp_window_open(struct wsp_window *window, struct wsp_file *file, uint64_t offset, size_t bytes);
void wsp_window_close(struct wsp_window *window);

#endif
