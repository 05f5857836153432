/*
 * Classes of services by GUID: the ones that names of hosts and services are asked by, and one for each port of TCP and
 * UDP. Source: rules A.19.22, NSPX-13 to NSPX-15.
 */
#ifndef WL_SVCGUID_H
#define WL_SVCGUID_H

#include "guiddef.h"

#define WL_SVCID(data1, data3)           \
    {                                    \
        (data1), 0, (data3),             \
        {                                \
            0xC0, 0, 0, 0, 0, 0, 0, 0x46 \
        }                                \
    }

#define SVCID_HOSTNAME WL_SVCID(0x0002A800, 0)
#define SVCID_INET_HOSTADDRBYINETSTRING WL_SVCID(0x0002A801, 0)
#define SVCID_INET_SERVICEBYNAME WL_SVCID(0x0002A802, 0)
#define SVCID_INET_HOSTADDRBYNAME WL_SVCID(0x0002A803, 0)

#define SVCID_TCP_RR(port, rr) WL_SVCID(0x00090000 | (port), (rr))
#define SVCID_TCP(port) SVCID_TCP_RR(port, 0)
#define SVCID_UDP_RR(port, rr) WL_SVCID(0x000A0000 | (port), (rr))
#define SVCID_UDP(port) SVCID_UDP_RR(port, 0)
#define SVCID_NETWARE(id) WL_SVCID(0x000B0000 | (id), 0)
#define SVCID_DNS(type) SVCID_TCP_RR(53, type)

static inline int wl_svcid_in(const GUID *id, uint32_t group)
{
    static const GUID tail = WL_SVCID(0, 0);
    return (id->Data1 & 0xFFFF0000u) == group && id->Data2 == 0 &&
           memcmp(id->Data4, tail.Data4, sizeof tail.Data4) == 0;
}

static inline void wl_svcid_set(GUID *id, uint32_t data1, uint16_t data3)
{
    const GUID value = WL_SVCID(data1, data3);
    *id = value;
}

#define IS_SVCID_TCP(id) wl_svcid_in((id), 0x00090000)
#define IS_SVCID_UDP(id) wl_svcid_in((id), 0x000A0000)
#define IS_SVCID_NETWARE(id) (wl_svcid_in((id), 0x000B0000) && (id)->Data3 == 0)
#define IS_SVCID_DNS(id) ((id)->Data1 == 0x00090035 && wl_svcid_in((id), 0x00090000))
#define PORT_FROM_SVCID_TCP(id) ((uint16_t)((id)->Data1 & 0xFFFF))
#define PORT_FROM_SVCID_UDP(id) ((uint16_t)((id)->Data1 & 0xFFFF))
#define SAPID_FROM_SVCID_NETWARE(id) ((uint16_t)((id)->Data1 & 0xFFFF))
#define RR_FROM_SVCID(id) ((id)->Data3)
#define SET_TCP_SVCID_RR(id, port, rr) wl_svcid_set((id), 0x00090000u | (port), (rr))
#define SET_TCP_SVCID(id, port) SET_TCP_SVCID_RR(id, port, 0)
#define SET_UDP_SVCID_RR(id, port, rr) wl_svcid_set((id), 0x000A0000u | (port), (rr))
#define SET_UDP_SVCID(id, port) SET_UDP_SVCID_RR(id, port, 0)
#define SET_NETWARE_SVCID(id, sap) wl_svcid_set((id), 0x000B0000u | (sap), 0)

/* Types of DNS records as classes. */
#define SVCID_DNS_TYPE_A SVCID_DNS(0x0001)
#define SVCID_DNS_TYPE_NS SVCID_DNS(0x0002)
#define SVCID_DNS_TYPE_CNAME SVCID_DNS(0x0005)
#define SVCID_DNS_TYPE_PTR SVCID_DNS(0x000C)
#define SVCID_DNS_TYPE_MX SVCID_DNS(0x000F)
#define SVCID_DNS_TYPE_TEXT SVCID_DNS(0x0010)
#define SVCID_DNS_TYPE_AAAA SVCID_DNS(0x001C)
#define SVCID_DNS_TYPE_SRV SVCID_DNS(0x0021)

/* Classes of well-known ports. */
#define SVCID_ECHO_TCP SVCID_TCP(7)
#define SVCID_DISCARD_TCP SVCID_TCP(9)
#define SVCID_DAYTIME_TCP SVCID_TCP(13)
#define SVCID_FTP_DATA_TCP SVCID_TCP(20)
#define SVCID_FTP_TCP SVCID_TCP(21)
#define SVCID_TELNET_TCP SVCID_TCP(23)
#define SVCID_SMTP_TCP SVCID_TCP(25)
#define SVCID_TIME_TCP SVCID_TCP(37)
#define SVCID_DOMAIN_TCP SVCID_TCP(53)
#define SVCID_FINGER_TCP SVCID_TCP(79)
#define SVCID_HTTP_TCP SVCID_TCP(80)
#define SVCID_POP3_TCP SVCID_TCP(110)
#define SVCID_NNTP_TCP SVCID_TCP(119)
#define SVCID_ECHO_UDP SVCID_UDP(7)
#define SVCID_DISCARD_UDP SVCID_UDP(9)
#define SVCID_DAYTIME_UDP SVCID_UDP(13)
#define SVCID_TIME_UDP SVCID_UDP(37)
#define SVCID_DOMAIN_UDP SVCID_UDP(53)
#define SVCID_TFTP_UDP SVCID_UDP(69)
#define SVCID_NTP_UDP SVCID_UDP(123)
#define SVCID_SNMP_UDP SVCID_UDP(161)

#endif
