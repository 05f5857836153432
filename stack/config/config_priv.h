/**
 * @file
 * Inside of the configuration parser. One struct stk_conf_parse lives for one
 * stk_config_parse call and belongs to its thread; nothing here is shared.
 *
 * Flow: the reader (conf_reader.c) hands lines to libinih and opens sections;
 * libinih splits key and value; the key table (conf_keys.c) finds the parser
 * of a value (conf_value.c, conf_route.c); what needs the whole file is
 * checked at its end (conf_check.c). The first failure is reported
 * (conf_report.c) and ends the reading.
 */
#ifndef STACK_CONFIG_PRIV_H
#define STACK_CONFIG_PRIV_H

#include "stack/config.h"
#include "stack/printf.h"

/** Longest line that libinih's buffer of 200 bytes holds with a newline and a NUL. */
#define STK_CONF_LINE_MAX 198
/** Longest key: libinih keeps this much of it for continuation lines. */
#define STK_CONF_KEY_MAX 49
/** At most so many keys in one section's table. */
#define STK_CONF_KEYS_MAX 32
/** Bytes of a file that are read at most. */
#define STK_CONF_FILE_MAX (1024u * 1024u)
/** Room for an address with its prefix in text. */
#define STK_CONF_NET_TEXT 48

struct stk_conf_parse;
struct stk_conf_key;

/** Reads one value into the open section; 0, or what stk_conf_fail returned. */
typedef int (*stk_conf_value_fn)(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);

/** A key of a section. */
struct stk_conf_key {
    const char *name;
    stk_conf_value_fn read;
    uint64_t min; /**< in the unit that is stored */
    uint64_t max;
    const char *range; /**< both limits in words, for messages */
    uint64_t scale;    /**< durations: nanoseconds of the stored unit */
    uint16_t offset;   /**< into the section's structure */
    uint16_t size;     /**< bytes of the field */
    bool list;         /**< may be given several times */
};

/** A section's kind: its keys, and where they go. */
struct stk_conf_kind {
    const char *name;
    const struct stk_conf_key *keys;
    uint32_t keys_count;
};

/** A section that is open or was read. */
struct stk_conf_section {
    const struct stk_conf_kind *kind;
    struct stk_conf_port *port; /**< of a [port NAME], else NULL */
    uint32_t line;              /**< of the header; 0: not seen */
    uint32_t key_lines[STK_CONF_KEYS_MAX];
    uint32_t addr_lines[STK_CONF_ADDRS_MAX];
    uint32_t route_lines[STK_CONF_ROUTES_MAX];
    uint32_t neigh_lines[STK_CONF_NEIGHS_MAX];
};

#define STK_CONF_SECTION_ENGINE 0
#define STK_CONF_SECTION_LOG 1
#define STK_CONF_SECTION_PORTS 2
#define STK_CONF_SECTIONS (STK_CONF_SECTION_PORTS + STK_CONF_PORTS_MAX)

struct stk_conf_parse {
    const char *text; /**< size bytes, borrowed */
    size_t size;
    size_t at;     /**< first byte not yet handed out */
    uint32_t line; /**< the line handed out last, from 1 */
    bool indented; /**< it begins with a blank: continues the key before */
    const char *name;
    char *error;
    size_t error_size;
    int result; /**< first failure, or 0 */
    struct stk_config *config;
    struct stk_conf_section *open;   /**< NULL: before the first header */
    const struct stk_conf_key *last; /**< key that a continuation line belongs to; NULL: a driver's own */
    bool last_set;                   /**< a key was read in this section */
    size_t strings_used;             /**< bytes of config->strings */
    struct stk_conf_section sections[STK_CONF_SECTIONS];
};

/** Where a message points. */
struct stk_conf_where {
    const struct stk_conf_section *section; /**< NULL: outside of any */
    const char *key;                        /**< NULL: the section as a whole */
    uint32_t line;
};

/** Outcome of reading a number. */
enum stk_conf_num {
    STK_CONF_NUM_OK,
    STK_CONF_NUM_MALFORMED,
    STK_CONF_NUM_UNIT,
    STK_CONF_NUM_NO_UNIT,
    STK_CONF_NUM_HUGE
};

/** What a number counts. */
enum stk_conf_unit { STK_CONF_UNIT_COUNT, STK_CONF_UNIT_BYTES, STK_CONF_UNIT_TIME };

/**
 * Report a failure at a place: "FILE:LINE: [section] key: reason". Only the
 * first one of a parse is kept.
 *
 * @param result  What the parse is to return, negative.
 * @return        result.
 */
STK_PRINTF(4, 5)
int stk_conf_fail_at(struct stk_conf_parse *parse, struct stk_conf_where where, int result, const char *format, ...);

/** The same (STK_EINVAL) for a key's value on the current line. */
STK_PRINTF(3, 4)
int stk_conf_fail(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *format, ...);

/** A place on the current line, in the open section. @param key may be NULL. */
struct stk_conf_where stk_conf_here(const struct stk_conf_parse *parse, const char *key);

/**
 * The name most like a misspelt one: at most two letters wrong, missing,
 * doubled or swapped, or the beginning of the other.
 *
 * @param best   In: the best so far or NULL; out: name, if it is nearer.
 * @param score  In and out: edits of best; UINT32_MAX at first.
 */
void stk_conf_nearest(const char *wrong, const char *name, const char **best, uint32_t *score);

/**
 * Run the text through libinih.
 *
 * @return  0, or the failure reported.
 * @retval STK_EPROTO  not INI.
 */
int stk_conf_read(struct stk_conf_parse *parse);

/**
 * Open the section of a header line.
 *
 * @param header  The text between the brackets, trimmed; not NUL-terminated.
 * @param len     Bytes.
 */
int stk_conf_section_open(struct stk_conf_parse *parse, const char *header, size_t len);

/**
 * Take "name = value" of the current line in the open section.
 *
 * @param name   Trimmed, borrowed.
 * @param value  Trimmed, without a comment, borrowed.
 */
int stk_conf_key_set(struct stk_conf_parse *parse, const char *name, const char *value);

/** Take a continuation line: another value of a list, or more of a driver's own value. */
int stk_conf_key_continue(struct stk_conf_parse *parse, const char *value);

/**
 * Line of a key in a section.
 *
 * @return  0: not given.
 */
uint32_t stk_conf_key_line(const struct stk_conf_section *section, const char *name);

/** Drivers that a port may name, NULL-terminated. */
extern const char *const stk_conf_drivers[];

/** Fill in the defaults of a port. */
void stk_conf_port_defaults(struct stk_conf_port *port);

/** Fill in the defaults of [engine]. */
void stk_conf_engine_defaults(struct stk_conf_engine *engine);

/**
 * Check what only the whole file shows, and number the interfaces that have
 * no index.
 *
 * @return  0, or STK_EINVAL or STK_EPROTO, reported.
 */
int stk_conf_check(struct stk_conf_parse *parse);

/**
 * Read a whole number with a unit of its kind: counts k; bytes B, KiB, MiB, GiB;
 * time ns, us, ms, s, min (into ns).
 *
 * @param out  Set if STK_CONF_NUM_OK.
 */
enum stk_conf_num stk_conf_number_read(const char *text, enum stk_conf_unit unit, uint64_t *out);

/**
 * Read an IPv4 or IPv6 address, whole text.
 *
 * @param family  Set to enum stk_family.
 * @return        false: not an address; outputs untouched.
 * Source: RFC 4291 2.2; IPv4 as four decimal numbers without leading zeros (RFC 6943 3.1.1).
 */
bool stk_conf_ip_read(const char *text, uint16_t *family, uint8_t ip[16]);

/**
 * Read "address/prefix length".
 *
 * @return  NULL, or what is wrong.
 */
const char *stk_conf_net_read(const char *text, struct stk_conf_net *out);

/** Read six pairs of hexadecimal digits with ':' or '-' between. @return false: malformed. */
bool stk_conf_mac_read(const char *text, uint8_t mac[6]);

/** Write an address, RFC 5952. @param text STK_CONF_NET_TEXT bytes. @return text. */
const char *stk_conf_ip_text(uint16_t family, const uint8_t ip[16], char *text);

/** Write "address/prefix length". @param text STK_CONF_NET_TEXT bytes. @return text. */
const char *stk_conf_net_text(const struct stk_conf_net *net, char *text);

/** Do the first prefix_len bits of both addresses agree? */
bool stk_conf_ip_match(const uint8_t a[16], const uint8_t b[16], uint32_t prefix_len);

/** Are bits behind the prefix set? */
bool stk_conf_net_has_host_bits(const struct stk_conf_net *net);

/**
 * May a host use this as its own unicast address?
 *
 * @return  NULL, or what is wrong with it.
 * Source: RFC 1122 3.2.1.3, RFC 4291 2.5-2.7.
 */
const char *stk_conf_ip_host_fault(uint16_t family, const uint8_t ip[16]);

/** The readers of values, for the key table. */
int stk_conf_value_count(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_bytes(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_time(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_spin(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_cpu(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_bool(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_clock(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_text(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_level(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_driver(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_port_range(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_signal(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_vlan(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_mac(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_address(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_route(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);
int stk_conf_value_neighbour(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *value);

/**
 * Number of a signal that may dump counters ("USR1", "SIGUSR1").
 *
 * @return  The number, or 0: not such a name on this system.
 */
int32_t stk_conf_signal_number(const char *name);

/** Names that stk_conf_signal_number takes, for messages. */
const char *stk_conf_signal_names(void);

/**
 * Read a whole file.
 *
 * @param out   malloc'ed, owned by the caller; size bytes and a NUL behind them.
 * @param why   Set to words on failure, static.
 * @return      0, or:
 * @retval STK_ENOENT  no such file.
 * @retval STK_EIO     not a regular file, not readable, larger than STK_CONF_FILE_MAX.
 * @retval STK_ENOMEM  out of memory.
 *
 * Context: any thread. Does file system calls.
 */
int stk_conf_file_read(const char *path, char **out, size_t *size, const char **why);

/** Does anything of this name exist? Context: any thread; does a file system call. */
bool stk_conf_file_exists(const char *path);

/** Longest default path with its NUL. */
#define STK_CONF_PATH_MAX 512

/**
 * Where a configuration is looked for that nobody named: here, then where the system keeps such files.
 *
 * @param number  0: the first place.
 * @param path    size bytes, written if there is such a place.
 * @return        false: there are no more.
 */
bool stk_conf_file_default(uint32_t number, char *path, size_t size);

#endif
