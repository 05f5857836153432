/**
 * @file
 * A driver's own keys, as a table: typed, with ranges, and errors that name
 * file, line and key. Used by nic/ and drivers/.
 */
#ifndef NIC_CONF_H
#define NIC_CONF_H

#include "nic/nic.h"

enum nic_conf_type {
    NIC_CONF_INT,    /**< decimal number; uint64_t */
    NIC_CONF_SIZE,   /**< bytes, with K, M or G (powers of 1024); uint64_t */
    NIC_CONF_TIME,   /**< a number with ns, us, ms or s, or 0; uint64_t ns */
    NIC_CONF_PROB,   /**< 0.05 or 5%; uint64_t in parts of NIC_CONF_PROB_ONE */
    NIC_CONF_BOOL,   /**< yes, no, on, off, true, false, 1, 0; bool */
    NIC_CONF_STRING, /**< not empty; const char *, borrowed from the configuration */
};

#define NIC_CONF_PROB_ONE (UINT64_C(1) << 32)

/** One key: where its value goes, and what it may be. */
struct nic_conf_key {
    const char *key;
    enum nic_conf_type type;
    size_t offset;       /**< of the field in the caller's structure */
    uint64_t min;        /**< of a number (in the unit stored) or the length of a string */
    uint64_t max;        /**< 0: no upper limit */
    const char *choices; /**< strings: "a|b|c", or NULL for any */
};

/**
 * Read all of a port's own keys into a structure.
 *
 * @param conf   Its args are read; its error is filled on failure.
 * @param keys   count known keys.
 * @param out    The caller's structure, holding the defaults; fields whose key is absent stay.
 * @return       0, or:
 * @retval STK_EINVAL  unknown key, key given twice, malformed value or out of range.
 *
 * Context: any thread. Does not allocate; independent of the locale.
 */
int nic_conf_parse(const struct nic_port_conf *conf, const struct nic_conf_key *keys, size_t count, void *out);

/**
 * Find a key of a port, for an error message about it.
 *
 * @return  The pair, or NULL: not given.
 *
 * Context: any thread.
 */
const struct nic_kv *nic_conf_find(const struct nic_port_conf *conf, const char *key);

#endif
