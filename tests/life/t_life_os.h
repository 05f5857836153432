/**
 * @file
 * What t_life.c asks of the system, beyond what t_life.h offers to the modes:
 * t_life_linux.c and t_life_windows.c.
 */
#ifndef T_LIFE_OS_H
#define T_LIFE_OS_H

#include "t_life.h"

/* A limit only tells a hang: a machine that builds something else beside the test is many times slower. */
#define T_PATIENCE 4u

/** The test's own folder. */
extern char t_folder[320];

/** Make a folder of a new name and store it in t_folder. */
bool t_os_folder_make(void);

/** Remove it and the files in it. */
void t_os_folder_remove(void);

#endif
