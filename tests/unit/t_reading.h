/**
 * @file
 * Reading of files that goes wrong. The linker sends the platform's call, as
 * the linked archives make it, through here: read on Linux, ReadFile on
 * Windows.
 */
#ifndef T_READING_H
#define T_READING_H

/** What reading does. */
enum t_reading {
    T_READ_WELL,
    T_READ_BYTES,       /**< a few at a time */
    T_READ_INTERRUPTED, /**< where calls can be interrupted, every second one is; else as T_READ_BYTES */
    T_READ_ERROR,
    T_READ_ERROR_LATER,
    T_READ_GROWING /**< there is always more */
};

/** From now on, and count from 0. */
void t_reading_set(enum t_reading way);

/** Calls since t_reading_set. */
unsigned t_reading_calls(void);

#endif
