/**
 * @file
 * A port that takes external memory and is slow to give it back: the wire, but
 * what a frame refers to is held for a while after it was sent, and looked at
 * when it is let go. Buffers that come back to the driver are written over.
 *
 * A program that links this has such ports wherever a configuration says "wire".
 */
#ifndef TESTS_SIM_HOLD_H
#define TESTS_SIM_HOLD_H

#include "nic/nic.h"

#define SIM_HOLD_MAX 4096
#define SIM_HOLD_TOLD_MAX 256

/** What all such ports of the program do, and did. One thread. */
struct sim_hold {
    uint64_t ns;        /**< frames are held for up to this long, by chance; 0: not at all */
    bool endless;       /**< until it is false again */
    bool by_link;       /**< nor before the link's state is asked for */
    uint64_t frames;    /**< that were held */
    uint64_t pieces;    /**< of external memory */
    uint64_t changed;   /**< pieces that were not the same when they were let go */
    uint32_t held;      /**< frames now */
    uint32_t held_max;  /**< at one time */
    uint64_t scribbled; /**< buffers written over */
    bool refuse;        /**< no memory is taken note of */
    uint32_t told;      /**< runs of pages that ports know of now */
    uint64_t forgot;    /**< that they were told to forget */
    uint64_t early;     /**< of these, while a frame referred to them */
    uint64_t unknown;   /**< pieces of memory that the port was not told of */
};

extern struct sim_hold sim_hold;

/** Does any port know this byte's page? */
bool sim_hold_knows(const void *at);

#endif
