/*
 * iphlpapi for Linux: the interfaces of configs/wire-pair.ini.
 */
#include "t_api.h"

#include <iphlpapi.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(IP_ADAPTER_ADDRESSES) == 448, "as on Windows");
_Static_assert(offsetof(IP_ADAPTER_ADDRESSES, FirstPrefix) == 176, "as on Windows");
_Static_assert(sizeof(IP_ADAPTER_UNICAST_ADDRESS) == 64, "as on Windows");
_Static_assert(sizeof(IP_ADAPTER_PREFIX) == 40, "as on Windows");

static PIP_ADAPTER_ADDRESSES ask(ULONG family, ULONG flags)
{
    ULONG bytes = 0;
    PIP_ADAPTER_ADDRESSES list;

    assert_int_equal(GetAdaptersAddresses(family, flags, NULL, NULL, &bytes), ERROR_BUFFER_OVERFLOW);
    assert_true(bytes >= sizeof *list);
    list = malloc(bytes);
    bytes--;
    assert_int_equal(GetAdaptersAddresses(family, flags, NULL, list, &bytes), ERROR_BUFFER_OVERFLOW);
    assert_int_equal(GetAdaptersAddresses(family, flags, NULL, list, &bytes), 0);
    return list;
}

/* The test fails where there is none. */
static PIP_ADAPTER_ADDRESSES named(PIP_ADAPTER_ADDRESSES list, const char *name)
{
    while (strcmp(list->AdapterName, name) != 0) {
        list = list->Next;
        if (list == NULL) {
            fail_msg("no interface %s", name);
            abort();
        }
    }
    return list;
}

static unsigned addresses_of(const IP_ADAPTER_ADDRESSES *adapter, int family)
{
    unsigned count = 0;
    for (PIP_ADAPTER_UNICAST_ADDRESS at = adapter->FirstUnicastAddress; at != NULL; at = at->Next) {
        count += at->Address.lpSockaddr->sa_family == family;
    }
    return count;
}

static void adapters__not_started__those_of_the_stack(void **state)
{
    static const unsigned char own[4] = {10, 88, 0, 1}, net[4] = {10, 88, 0, 0}, mac[6] = {2, 0, 0, 0, 0x88, 1};
    PIP_ADAPTER_ADDRESSES list = ask(AF_UNSPEC, GAA_FLAG_INCLUDE_PREFIX);
    PIP_ADAPTER_ADDRESSES west = named(list, "west");
    PIP_ADAPTER_UNICAST_ADDRESS four;

    (void)state;
    assert_non_null(west);
    assert_non_null(named(list, "east"));
    assert_int_equal(west->OperStatus, IfOperStatusUp);
    assert_int_equal(west->IfType, IF_TYPE_ETHERNET_CSMACD);
    assert_int_equal(west->Mtu, 1500);
    assert_int_equal(west->PhysicalAddressLength, 6);
    assert_memory_equal(west->PhysicalAddress, mac, 6);
    assert_int_equal(west->FriendlyName[0], 'w');
    assert_true(west->IfIndex != 0 && west->IfIndex == west->Ipv6IfIndex);
    assert_int_equal(addresses_of(west, AF_INET), 1);
    assert_true(addresses_of(west, AF_INET6) >= 1);
    four = west->FirstUnicastAddress;
    while (four->Address.lpSockaddr->sa_family != AF_INET) {
        four = four->Next;
    }
    assert_memory_equal(&((struct sockaddr_in *)(void *)four->Address.lpSockaddr)->sin_addr, own, 4);
    assert_int_equal(four->OnLinkPrefixLength, 24);
    assert_non_null(west->FirstPrefix);
    for (PIP_ADAPTER_PREFIX at = west->FirstPrefix; at != NULL; at = at->Next) {
        if (at->Address.lpSockaddr->sa_family == AF_INET) {
            assert_memory_equal(&((struct sockaddr_in *)(void *)at->Address.lpSockaddr)->sin_addr, net, 4);
            assert_int_equal(at->PrefixLength, 24);
        }
    }
    free(list);
}

static void adapters__one_family__only_its_addresses(void **state)
{
    PIP_ADAPTER_ADDRESSES list = ask(AF_INET6, GAA_FLAG_SKIP_FRIENDLY_NAME);
    PIP_ADAPTER_ADDRESSES west = named(list, "west");
    ULONG bytes = 0;

    (void)state;
    assert_non_null(west);
    assert_null(west->FriendlyName);
    assert_null(west->FirstPrefix);
    assert_int_equal(addresses_of(west, AF_INET), 0);
    assert_true(addresses_of(west, AF_INET6) >= 1);
    assert_int_equal(west->IfIndex, 0);
    free(list);
    assert_int_equal(GetAdaptersAddresses(99, 0, NULL, NULL, &bytes), ERROR_INVALID_PARAMETER);
    assert_int_equal(GetAdaptersAddresses(AF_INET, 0, NULL, NULL, NULL), ERROR_INVALID_PARAMETER);
}

static void interface__name_and_number__of_each_other(void **state)
{
    char name[IF_NAMESIZE] = "";
    NET_IFINDEX east = if_nametoindex("east");

    (void)state;
    assert_true(east != 0 && east != if_nametoindex("west"));
    assert_ptr_equal(if_indextoname(east, name), name);
    assert_string_equal(name, "east");
    assert_int_equal(if_nametoindex("no such one"), 0);
    assert_null(if_indextoname(999999, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapters__not_started__those_of_the_stack),
        cmocka_unit_test(adapters__one_family__only_its_addresses),
        cmocka_unit_test(interface__name_and_number__of_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
