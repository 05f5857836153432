/**
 * @file
 * Socket options: a row per level and option, in groups.
 *
 * Source: rules WSPGETSOCKOPT, WSPSETSOCKOPT, NUM 6.1 and sections 5.1 to 5.5 of the options' list, 7.8.
 */
#ifndef WSP_OPTION_H
#define WSP_OPTION_H

#include "wsp_socket.h"

enum wsp_option_access {
    WSP_OPT_GET = 1,
    WSP_OPT_SET = 2,
    WSP_OPT_BOTH = 3,
    WSP_OPT_WHOLE = 4, /**< a small number that is given and taken whole only */
};

/* Families and socket types of a row, as bits. */
enum wsp_option_where {
    WSP_OPT_V4 = 1u << 0,
    WSP_OPT_V6 = 1u << 1,
    WSP_OPT_STREAM = 1u << 2,
    WSP_OPT_DGRAM = 1u << 3,
    WSP_OPT_RAW = 1u << 4,
};

/** Options whose value is remembered and has no effect here: index in wsp_socket.values. */
enum wsp_option_value {
    WSP_VALUE_DEBUG,
    WSP_VALUE_DONTROUTE,
    WSP_VALUE_GROUP_PRIORITY,
    WSP_VALUE_KEEPALIVE_VALS,
    WSP_VALUE_PVD_CONFIG,
    WSP_VALUE_CMSG,     /**< enum wsp_cmsg_bit bits */
    WSP_VALUE_STAMP_RX, /**< SIO_TIMESTAMPING */
    WSP_VALUE_STAMP_TX, /**< SIO_TIMESTAMPING: enum wsp_stamp_tx */
    WSP_VALUE_V4_DUAL,  /**< IPV6_V6ONLY of an AF_INET socket, the other way round */
    WSP_VALUES
};

/** Facts that come with a datagram as control messages: bits of values[WSP_VALUE_CMSG]. */
enum wsp_cmsg_bit {
    WSP_CMSG_V4_PKTINFO,
    WSP_CMSG_V4_TTL,
    WSP_CMSG_V4_IF,
    WSP_CMSG_V4_DSTADDR,
    WSP_CMSG_V4_TOS,
    WSP_CMSG_V4_ECN,
    WSP_CMSG_V4_ORIGINAL_IF,
    WSP_CMSG_V6_PKTINFO,
    WSP_CMSG_V6_HOPLIMIT,
    WSP_CMSG_V6_IF,
    WSP_CMSG_V6_DSTADDR,
    WSP_CMSG_V6_TCLASS,
    WSP_CMSG_V6_ECN,
    WSP_CMSG_V6_ORIGINAL_IF,
};

/** Whether a datagram may be sent with SO_TIMESTAMP_ID, and whether its time is kept. */
enum wsp_stamp_tx { WSP_STAMP_TX_OFF, WSP_STAMP_TX_LOST, WSP_STAMP_TX_KEPT };

struct wsp_option_row;

/**
 * Read an option's value.
 *
 * @param value  At least row->size bytes.
 * @param len    In: capacity; out: size.
 * @return       0 or a WSAE* code; nothing is written on failure.
 */
typedef int (*wsp_option_get_fn)(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len);

/** Set an option from len >= row->size bytes. @return  0 or a WSAE* code. */
typedef int (*wsp_option_set_fn)(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len);

struct wsp_option_row {
    int level;
    int name;
    unsigned where;  /**< enum wsp_option_where */
    unsigned access; /**< enum wsp_option_access */
    int size;        /**< bytes */
    int arg;         /**< enum stk_opt, enum wsp_option_value, or what the functions make of it */
    int32_t min, max;
    wsp_option_get_fn get;
    wsp_option_set_fn set;
};

/** Rows of one file. */
struct wsp_option_group {
    const struct wsp_option_row *rows;
    unsigned count;
};

extern const struct wsp_option_group wsp_option_socket; /**< SOL_SOCKET */
extern const struct wsp_option_group wsp_option_tcp;    /**< IPPROTO_TCP */
extern const struct wsp_option_group wsp_option_udp;    /**< IPPROTO_UDP */
extern const struct wsp_option_group wsp_option_ip;     /**< IPPROTO_IP, IPPROTO_IPV6 without multicast */
extern const struct wsp_option_group wsp_option_iflist; /**< interfaces that datagrams are taken from */
extern const struct wsp_option_group wsp_option_mcast;  /**< multicast of both families */
extern const struct wsp_option_group *const wsp_option_groups[];
extern const unsigned wsp_option_groups_count;

#define WSP_OPT_IP46 (WSP_OPT_V4 | WSP_OPT_V6)
#define WSP_OPT_MSGS (WSP_OPT_DGRAM | WSP_OPT_RAW)
#define WSP_OPT_ANY (WSP_OPT_IP46 | WSP_OPT_MSGS | WSP_OPT_STREAM)

#define WSP_OPTION_GROUP(rows)                 \
    {                                          \
        rows, sizeof(rows) / sizeof((rows)[0]) \
    }
/** A number that the stack keeps. */
#define WSP_OPT_ROW_BOOL(level, name, where, opt)                                                       \
    {                                                                                                   \
        level, name, where, WSP_OPT_BOTH, 4, opt, 0, 1, wsp_option_get_stack, wsp_option_set_stack_bool \
    }
#define WSP_OPT_ROW_INT(level, name, where, opt, min, max)                                             \
    {                                                                                                  \
        level, name, where, WSP_OPT_BOTH, 4, opt, min, max, wsp_option_get_stack, wsp_option_set_stack \
    }
#define WSP_OPT_ROW_STORED(level, name, where, value, max)                                             \
    {                                                                                                  \
        level, name, where, WSP_OPT_BOTH, 4, value, 0, max, wsp_option_get_value, wsp_option_set_value \
    }
#define WSP_OPT_ROW_REFUSED(level, name, where)                                                      \
    {                                                                                                \
        level, name, where, WSP_OPT_BOTH, 0, 0, 0, 0, wsp_option_get_invalid, wsp_option_set_invalid \
    }
#define WSP_OPT_ROW_SETTER(level, name, where, type, arg, fn)                   \
    {                                                                           \
        level, name, where, WSP_OPT_SET, (int)sizeof(type), arg, 0, 0, NULL, fn \
    }

/** Give a 32-bit value. */
int wsp_option_put(char *value, int *len, uint32_t what);

/* What rows are made of. */
int wsp_option_get_value(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len);
int wsp_option_set_value(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len);
int wsp_option_get_invalid(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len);
int wsp_option_set_invalid(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len);
int wsp_option_get_stack(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len);
int wsp_option_set_stack(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len);
int wsp_option_set_stack_bool(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len);

/** The stack's option of a row: IPPROTO_IP on an IPv6 socket is about its IPv4 traffic (DS-5). */
enum stk_opt wsp_option_stack_opt(const struct wsp_socket *sock, const struct wsp_option_row *row);

/** Set an int32 option of the stack. @return  0 or a WSAE* code. */
int wsp_option_stack_set(struct wsp_socket *sock, enum stk_opt opt, int32_t value);

/** Hop limits: -1 asks for the default. */
int wsp_option_set_hops(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len);

/**
 * SO_BSP_STATE: a CSADDR_INFO, its addresses behind it.
 *
 * @retval WSAEFAULT  No room for the addresses; nothing is written.
 *
 * Context: any thread. Source: rules 5.1.
 */
int wsp_option_get_state(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len);

/* Slots 15, 27. */
int WSPAPI wsp_get_sock_opt(SOCKET s, int level, int optname, char *optval, LPINT optlen, LPINT lpErrno);
int WSPAPI wsp_set_sock_opt(SOCKET s, int level, int optname, const char *optval, int optlen, LPINT lpErrno);

#endif
