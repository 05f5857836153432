/*
 * A board of cells kept at two places, brought up to date in the four ways that the documentation compares, from the worst
 * to the best: a connection and four tiny messages for every cell, with a send buffer of 0; a connection and one message
 * for every cell that changed; one connection for all; the whole board at once, a bit for each cell.
 *   board server PORT            serves one client of each way, then ends
 *   board client SERVER PORT
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 8
#define COLS 8
#define CELLS (ROWS * COLS)
#define BLOCK (CELLS / 8)

static unsigned char shown[CELLS];

/* --- Both sides ---------------------------------------------------------------- */

static int send_all(SOCKET s, const void *data, int len)
{
    const char *at = data;
    while (len > 0) {
        int n = send(s, at, len, 0);
        if (n <= 0) {
            return 1;
        }
        at += n;
        len -= n;
    }
    return 0;
}

static int recv_all(SOCKET s, void *data, int len)
{
    char *at = data;
    while (len > 0) {
        int n = recv(s, at, len, 0);
        if (n <= 0) {
            return 1;
        }
        at += n;
        len -= n;
    }
    return 0;
}

static void next_generation(const unsigned char *now, unsigned char *next)
{
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < COLS; c++) {
            int around = 0;
            for (int i = 0; i < 9; i++) {
                int row = (r + i / 3 + ROWS - 1) % ROWS;
                int col = (c + i % 3 + COLS - 1) % COLS;
                around += i != 4 ? now[row * COLS + col] : 0;
            }
            next[r * COLS + c] = (unsigned char)(around == 3 || (around == 2 && now[r * COLS + c]));
        }
    }
}

/* --- The server ------------------------------------------------------------------ */

/* Three bytes are a cell, answered by one; the board ends with a cell outside of it, answered by all cells. */
static int serve_cells(SOCKET s, int *ended)
{
    unsigned char cell[3];
    while (recv_all(s, cell, 3) == 0) {
        if (cell[0] >= ROWS) {
            *ended = 1;
            return send_all(s, shown, CELLS);
        }
        shown[cell[0] * COLS + cell[1] % COLS] = cell[2];
        if (send_all(s, cell + 2, 1) != 0) {
            return 1;
        }
    }
    return 0;
}

static int serve_block(SOCKET s)
{
    unsigned char block[BLOCK];
    if (recv_all(s, block, BLOCK) != 0) {
        return 1;
    }
    for (int i = 0; i < CELLS; i++) {
        shown[i] = (block[i / 8] >> (i % 8)) & 1;
    }
    return send_all(s, shown, CELLS);
}

static int serve(unsigned short port)
{
    struct sockaddr_in local;
    SOCKET listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    int bad;
    int ways = 0;

    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons(port);
    bad = listener == INVALID_SOCKET || bind(listener, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR ||
          listen(listener, SOMAXCONN) == SOCKET_ERROR;
    while (bad == 0 && ways < 4) {
        SOCKET s = accept(listener, NULL, NULL);
        int ended = 0;
        if (s == INVALID_SOCKET) {
            bad = 1;
        } else if (ways == 3) {
            bad = serve_block(s);
            ways++;
        } else {
            bad = serve_cells(s, &ended);
            ways += ended;
        }
        closesocket(s);
    }
    if (listener != INVALID_SOCKET) {
        closesocket(listener);
    }
    return bad;
}

/* --- The client ------------------------------------------------------------------ */

static SOCKET connect_to(const struct sockaddr_in *server, int buffer)
{
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);

    if (s != INVALID_SOCKET &&
        ((buffer == 0 && setsockopt(s, SOL_SOCKET, SO_SNDBUF, (const char *)&buffer, sizeof(buffer)) == SOCKET_ERROR) ||
         connect(s, (const struct sockaddr *)server, sizeof(*server)) == SOCKET_ERROR)) {
        printf("board: %d\n", WSAGetLastError());
        closesocket(s);
        s = INVALID_SOCKET;
    }
    return s;
}

/* parts: how many messages a cell is sent in. */
static int set_cell(SOCKET s, int at, unsigned char alive, int parts)
{
    unsigned char cell[3] = {(unsigned char)(at / COLS), (unsigned char)(at % COLS), alive};
    unsigned char back = 2;

    for (int i = 0; i < parts; i++) {
        if (send_all(s, cell + i * 3 / parts, 3 / parts) != 0) {
            return 1;
        }
    }
    return recv_all(s, &back, 1) != 0 || back != alive;
}

static int compare(SOCKET s, const unsigned char *board)
{
    unsigned char theirs[CELLS];
    return recv_all(s, theirs, CELLS) != 0 || memcmp(theirs, board, CELLS) != 0;
}

static int end_of_board(SOCKET s, const unsigned char *board)
{
    static const unsigned char end[3] = {ROWS, 0, 0};
    return send_all(s, end, 3) != 0 || compare(s, board) != 0;
}

/* A connection for every cell, in three messages and without a buffer; or for those that changed, in one message. */
static int many_connections(const struct sockaddr_in *server, const unsigned char *old, const unsigned char *board,
                            int worst)
{
    SOCKET s;
    int bad = 0;

    for (int i = 0; bad == 0 && i < CELLS; i++) {
        if (!worst && old[i] == board[i]) {
            continue;
        }
        s = connect_to(server, worst ? 0 : 1);
        bad = s == INVALID_SOCKET || set_cell(s, i, board[i], worst ? 3 : 1) != 0;
        closesocket(s);
    }
    s = connect_to(server, 1);
    bad = bad != 0 || s == INVALID_SOCKET || end_of_board(s, board) != 0;
    closesocket(s);
    return bad;
}

static int one_connection(const struct sockaddr_in *server, const unsigned char *old, const unsigned char *board)
{
    SOCKET s = connect_to(server, 1);
    int bad = s == INVALID_SOCKET;

    for (int i = 0; bad == 0 && i < CELLS; i++) {
        bad = old[i] != board[i] && set_cell(s, i, board[i], 1) != 0;
    }
    bad = bad != 0 || end_of_board(s, board) != 0;
    closesocket(s);
    return bad;
}

static int one_block(const struct sockaddr_in *server, const unsigned char *board)
{
    unsigned char block[BLOCK] = {0};
    SOCKET s = connect_to(server, 1);
    int bad;

    for (int i = 0; i < CELLS; i++) {
        block[i / 8] |= (unsigned char)(board[i] << (i % 8));
    }
    bad = s == INVALID_SOCKET || send_all(s, block, BLOCK) != 0 || compare(s, board) != 0;
    closesocket(s);
    return bad;
}

static int play(const char *name, unsigned short port)
{
    static const unsigned char glider[] = {1, COLS + 2, 2 * COLS, 2 * COLS + 1, 2 * COLS + 2};
    unsigned char boards[5][CELLS] = {{0}};
    struct sockaddr_in server;

    ZeroMemory(&server, sizeof(server));
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    server.sin_addr.s_addr = inet_addr(name);
    for (size_t i = 0; i < sizeof(glider); i++) {
        boards[0][glider[i]] = 1;
    }
    for (int i = 0; i < 4; i++) {
        next_generation(boards[i], boards[i + 1]);
    }
    if (many_connections(&server, boards[0], boards[1], 1) != 0 ||
        many_connections(&server, boards[1], boards[2], 0) != 0 || one_connection(&server, boards[2], boards[3]) != 0 ||
        one_block(&server, boards[4]) != 0) {
        printf("board: the boards differ, or %d\n", WSAGetLastError());
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (!(argc == 3 && strcmp(argv[1], "server") == 0) && !(argc == 4 && strcmp(argv[1], "client") == 0)) {
        printf("usage: %s server PORT | client SERVER PORT\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = argc == 3 ? serve((unsigned short)atoi(argv[2])) : play(argv[2], (unsigned short)atoi(argv[3]));
    WSACleanup();
    return bad;
}
