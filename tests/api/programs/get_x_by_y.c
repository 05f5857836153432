/*
 * The old calls for hosts and services made of the lookup functions: a query each for a host by name, a service by name
 * and the host's own name, with the old call's result beside it.
 *   get_x_by_y HOST SERVICE
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <svcguid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 4096

union room {
    WSAQUERYSETA query;
    char bytes[ROOM];
};

/* The first result of a lookup in place; the other ones are asked for, too. 0: at least one came. */
static int look_up(const GUID *class_id, char *name, DWORD flags, union room *place)
{
    AFPROTOCOLS families[2] = {{AF_INET, IPPROTO_UDP}, {AF_INET, IPPROTO_TCP}};
    WSAQUERYSETA query;
    union room more;
    GUID service_class = *class_id;
    HANDLE lookup;
    DWORD bytes = sizeof(*place);
    int result;

    ZeroMemory(&query, sizeof(query));
    query.dwSize = sizeof(query);
    query.lpszServiceInstanceName = name;
    query.lpServiceClassId = &service_class;
    query.dwNameSpace = NS_ALL;
    query.dwNumberOfProtocols = 2; /* the old calls know IPv4 alone */
    query.lpafpProtocols = families;
    if (WSALookupServiceBeginA(&query, flags, &lookup) == SOCKET_ERROR) {
        printf("get_x_by_y: begin: %d\n", WSAGetLastError());
        return 1;
    }
    ZeroMemory(place, sizeof(*place));
    result = WSALookupServiceNextA(lookup, flags, &bytes, &place->query);
    if (result == SOCKET_ERROR) {
        printf("get_x_by_y: next: %d\n", WSAGetLastError());
    }
    for (int i = 0; result == 0 && i < 16; i++) {
        bytes = sizeof(more);
        ZeroMemory(&more, sizeof(more));
        if (WSALookupServiceNextA(lookup, flags, &bytes, &more.query) == SOCKET_ERROR) {
            result = WSAGetLastError() == WSA_E_NO_MORE || WSAGetLastError() == WSAENOMORE ? 0 : 1;
            break;
        }
    }
    return WSALookupServiceEnd(lookup) != 0 || result != 0;
}

static int host_by_name(char *name)
{
    static const GUID inet_host = SVCID_INET_HOSTADDRBYNAME;
    union room place;
    struct hostent *host = gethostbyname(name);
    const struct sockaddr_in *at;

    if (host == NULL || look_up(&inet_host, name, LUP_RETURN_NAME | LUP_RETURN_ADDR | LUP_RETURN_BLOB, &place) != 0) {
        return 1;
    }
    if (place.query.dwNumberOfCsAddrs == 0 && place.query.lpBlob == NULL) {
        printf("get_x_by_y: a host without an address\n");
        return 1;
    }
    if (place.query.dwNumberOfCsAddrs == 0) {
        return 0; /* a hostent, with offsets for pointers */
    }
    at = (const struct sockaddr_in *)place.query.lpcsaBuffer[0].RemoteAddr.lpSockaddr;
    printf("get_x_by_y: %s is %s\n", place.query.lpszServiceInstanceName, inet_ntoa(at->sin_addr));
    return memcmp(&at->sin_addr, host->h_addr_list[0], 4) != 0;
}

static int own_name(void)
{
    static const GUID host_name = SVCID_HOSTNAME;
    union room place;
    char name[256] = "";

    if (gethostname(name, sizeof(name)) != 0 || look_up(&host_name, NULL, LUP_RETURN_NAME, &place) != 0) {
        return 1;
    }
    printf("get_x_by_y: this host is %s\n", place.query.lpszServiceInstanceName);
    return strcmp(name, place.query.lpszServiceInstanceName) != 0;
}

static int service_by_name(char *name)
{
    static const GUID service_by_name_class = SVCID_INET_SERVICEBYNAME;
    union room place;
    struct servent *service = getservbyname(name, "tcp");
    char text[128];

    snprintf(text, sizeof(text), "%s/tcp", name);
    if (service == NULL || look_up(&service_by_name_class, text, LUP_RETURN_NAME | LUP_RETURN_BLOB, &place) != 0) {
        return 1;
    }
    if (place.query.lpBlob == NULL || place.query.lpBlob->cbSize < sizeof(struct servent)) {
        printf("get_x_by_y: a service without a blob\n");
        return 1;
    }
    return ((const struct servent *)(const void *)place.query.lpBlob->pBlobData)->s_port != service->s_port;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 3) {
        printf("usage: %s HOST SERVICE\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = host_by_name(argv[1]) + own_name() + service_by_name(argv[2]);
    WSACleanup();
    return bad;
}
