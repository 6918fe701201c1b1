/* This computer as a board: its port is a TCP socket on the loopback interface, for one computer at a time.
 *
 *     firmware [PORT]    prints "listening on 127.0.0.1:PORT"; 0, or none, takes a free one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "unetmm_board.h"
#include "unetmm_firmware.h"

enum { BUFFER = 4096, PATIENCE = 20, NANOSECONDS = 1000000000 };

static int connection = -1;
static uint8_t received[BUFFER];
static ssize_t count, next;
static uint8_t sent[BUFFER];
static size_t waiting;

/* Sends what has gathered; a computer that went away is noticed when nothing can be received any more. */
static void flush(void)
{
    size_t done = 0;
    while (done < waiting) {
        const ssize_t some = send(connection, sent + done, waiting - done, 0);
        if (some <= 0) {
            break;
        }
        done += (size_t)some;
    }
    waiting = 0;
}

int board_receive(void)
{
    if (next < count) {
        return received[next++];
    }
    flush();
    struct pollfd looked = {connection, POLLIN, 0};
    if (poll(&looked, 1, PATIENCE) == 0) {
        return BOARD_NOTHING;
    }
    count = recv(connection, received, sizeof received, 0);
    next = 0;
    return count > 0 ? received[next++] : BOARD_CLOSED;
}

void board_send(uint8_t byte)
{
    sent[waiting++] = byte;
    if (waiting == sizeof sent || (byte == 0 && waiting > 1)) {
        flush();
    }
}

uint64_t board_ticks(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

uint32_t board_tick_hz(void)
{
    return NANOSECONDS;
}

uint32_t board_clock_hz(void)
{
    return 0;
}

uint32_t board_stack_used(void)
{
    return 0;
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

int main(int arguments, char **argument)
{
    (void)signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)(arguments > 1 ? strtoul(argument[1], NULL, 10) : 0));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    if (server < 0 || setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return fail("socket");
    }
    if (bind(server, (struct sockaddr *)&address, size) != 0 || listen(server, 1) != 0) {
        return fail("port");
    }
    if (getsockname(server, (struct sockaddr *)&address, &size) != 0) {
        return fail("port");
    }
    printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    for (;;) {
        connection = accept(server, NULL, NULL);
        if (connection < 0) {
            return fail("accept");
        }
        (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        count = next = 0;
        waiting = 0;
        unetmm_firmware();
        (void)close(connection);
    }
}
