/**
 * @file
 * What the driver tests ask of the system.
 */
#ifndef T_OS_H
#define T_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** The pcap driver's key for a file where what is written goes nowhere. */
extern const char t_null_file_key[];

/** Make a folder for this test alone. Returns false with a message: not possible. */
bool t_folder_make(char *path, size_t size);

/** Remove a folder of t_folder_make with the files in it. Returns 0: gone. */
int t_folder_remove(const char *path);

/** Cut a file to a number of bytes. Returns 0: done. */
int t_file_cut(const char *path, uint32_t bytes);

/** Let some time pass; not less than that. */
void t_sleep_us(uint32_t us);

/** Whether a wait handle of a port says within the time that there is something to receive. */
bool t_handle_ready(intptr_t handle, uint32_t ms);

/** Whether a child process would inherit an open file. */
bool t_file_inherited(FILE *file);

/** Whether the topologies that need_root can be set up by this process. */
bool t_is_root(void);

#endif
