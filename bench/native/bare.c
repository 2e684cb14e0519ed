// The limit: whatever the feed brings is one frame, and one send() puts it on each socket. No queue, no filter, no log, no check:
// what the kernel alone costs.   bare FEED    prints the port it listens on
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX 16384
static int sockets[MAX], count;

static void put(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t n = send(fd, data, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) continue;
    if (n < 0) return;
    data += n;
    length -= n;
  }
}

int main(int argc, char **argv) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), feed = socket(AF_UNIX, SOCK_STREAM, 0), epfd = epoll_create1(0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (argc < 2 || bind(listener, (struct sockaddr *)&at, size) || listen(listener, 4096) || getsockname(listener, (struct sockaddr *)&at, &size)) return 1;
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", argv[1]);
  printf("{\"port\":%d}\n", ntohs(at.sin_port));
  fflush(stdout);
  while (connect(feed, (struct sockaddr *)&to, sizeof to)) usleep(10000);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[256];
  epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &e);
  e.data.fd = feed;
  epoll_ctl(epfd, EPOLL_CTL_ADD, feed, &e);
  char *buffer = malloc(65536 + 16), request[4096];
  for (;;) {
    int n = epoll_wait(epfd, events, 256, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        for (int one; (one = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
          int yes = 1;
          setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
          e.data.fd = one;
          epoll_ctl(epfd, EPOLL_CTL_ADD, one, &e);
        }
      } else if (fd == feed) {
        ssize_t got = recv(feed, buffer + 10, 65536, 0);
        if (got <= 0) return 0;
        if (memmem(buffer + 10, got, "{\"QMP\"", 6)) continue;
        // Whole lines: the load writes whole bursts, smaller than this buffer or in several.
        while (buffer[10 + got - 1] != '\n') {
          ssize_t more = recv(feed, buffer + 10 + got, 65536 - got, 0);
          if (more <= 0) break;
          got += more;
        }
        char *frame;
        if (got < 126) { frame = buffer + 8; frame[1] = got; }
        else if (got < 65536) { frame = buffer + 6; frame[1] = 126; frame[2] = got >> 8; frame[3] = got & 255; }
        else { frame = buffer; frame[1] = 127; for (int k = 0; k < 8; k++) frame[2 + k] = (uint64_t)got >> (56 - 8 * k); }
        frame[0] = (char)0x81;
        for (int k = 0; k < count; k++) put(sockets[k], frame, buffer + 10 + got - frame);
      } else {
        ssize_t got = recv(fd, request, sizeof request, 0);
        if (got <= 0) {
          for (int k = 0; k < count; k++) if (sockets[k] == fd) sockets[k] = sockets[--count];
          close(fd);
        } else if (got > 4 && !memcmp(request, "GET ", 4) && count < MAX) {
          const char *yes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
          put(fd, yes, strlen(yes));
          sockets[count++] = fd;
        }
      }
    }
  }
}
