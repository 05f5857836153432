/*
 * Fetches one file through WinHTTP, which is somebody else's user of the ws2_32.dll in this process.
 *
 *   e2e_winhttp HOST PORT PATH FILE
 *
 * Winsock is started here because Wine's winhttp.dll asks for addresses before it starts Winsock itself, which Wine's own
 * ws2_32.dll allows and Windows does not.
 */
#include <winsock2.h>

#include <windows.h>

#include <winhttp.h>

#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what)
{
    (void)fprintf(stderr, "e2e_winhttp: %s: error %lu\n", what, GetLastError());
    return 1;
}

static int body_save(HINTERNET request, const char *name)
{
    FILE *file = fopen(name, "wb");
    char *data = malloc(65536);
    DWORD got = 1;
    int status = file == NULL || data == NULL;

    while (status == 0 && got != 0) {
        if (!WinHttpReadData(request, data, 65536, &got)) {
            status = failed("WinHttpReadData");
        } else if (fwrite(data, 1, got, file) != got) {
            status = 1;
        }
    }
    free(data);
    return (file != NULL && fclose(file) != 0) || status != 0;
}

int wmain(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv)
{
    WSADATA winsock;
    HINTERNET session;
    HINTERNET connection;
    HINTERNET request;
    char name[MAX_PATH];

    if (argc != 5 || wcstombs(name, argv[4], sizeof(name)) >= sizeof(name)) {
        return 2;
    }
    if (WSAStartup(MAKEWORD(2, 2), &winsock) != 0) {
        return failed("WSAStartup");
    }
    session = WinHttpOpen(L"e2e", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
    connection = session == NULL ? NULL : WinHttpConnect(session, argv[1], (INTERNET_PORT)_wtoi(argv[2]), 0);
    request = connection == NULL ? NULL : WinHttpOpenRequest(connection, L"GET", argv[3], NULL, NULL, NULL, 0);
    if (request == NULL) {
        return failed("open");
    }
    if (!WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0) || !WinHttpReceiveResponse(request, NULL)) {
        return failed("request");
    }
    if (body_save(request, name) != 0) {
        return 1;
    }
    (void)WinHttpCloseHandle(request);
    (void)WinHttpCloseHandle(connection);
    (void)WinHttpCloseHandle(session);
    return WSACleanup() == 0 ? 0 : failed("WSACleanup");
}
