// The load: monitor, subscribers and clock in one process. It listens as a QMP monitor (or publishes to NATS), holds the WebSocket
// connections, and takes both time stamps of a delivery by one clock. Commands come on stdin, one JSON line answers each.
//
//   load DIALECT FEED PORT PID BYTES
//     DIALECT  gateway | plain | socketio | nats      FEED  unix path to listen on, or the TCP port of NATS
//     PID      whose CPU is counted                    BYTES length of one event as it is fed
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { GATEWAY, PLAIN, SOCKETIO, NATS };
enum { CLOSED, CONNECTING, UPGRADING, SUBSCRIBING, LIVE };
#define MARK '^' // stands once in each event
#define HEAD 320
#define SPIN 1000000000 // a load that sleeps has to be woken, and the server's send() would pay for it
#define RING (1 << 20)
#define MAX_CONNS 16384
#define MAX_MONITORS 2048

typedef struct {
  int fd, state, filter;
  uint8_t header[14];
  int header_have, opcode;
  uint64_t left;             // of the payload under way
  uint64_t marks;            // in it so far
  uint64_t count;            // events received whole
  int head_have;
  char head[HEAD];           // of the payload, while it matters
} Conn;

typedef struct { int fd, have; char line[4096]; } Monitor;

static int dialect, port, pid, event_bytes, epfd, feed_listen = -1, feed_tcp = -1;
static const char *feed;
static Conn *conns;
static int conn_count, live_count, filters = 1, by_source;
static Monitor monitors[MAX_MONITORS];
static int monitor_count, turn_of;
static uint64_t *sent_at, sent, received_bytes, reached; // reached: connections that have all that was sent
static uint64_t base;                                   // events sent before the present connections
static char cursor[96], resume_from[96];
static int resuming;
static char *scratch;
static char *batch;

#define BUCKETS 4096
static uint64_t histogram[BUCKETS], histogram_count;
static uint64_t latest;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}
static void die(const char *what) { fprintf(stderr, "load: %s: %s\n", what, strerror(errno)); exit(1); }

static int bucket_of(uint64_t ns) { // 64 steps for each power of two: within 1.6 %
  if (ns < 64) return ns;
  int log = 63 - __builtin_clzll(ns);
  int index = (log - 5) * 64 + ((ns >> (log - 6)) & 63);
  return index < BUCKETS ? index : BUCKETS - 1;
}
static double value_of(int bucket) {
  if (bucket < 64) return bucket;
  int log = bucket / 64 + 5;
  return (double)((1ull << log) + ((uint64_t)(bucket % 64) << (log - 6)));
}
static double quantile(double q) {
  uint64_t want = (uint64_t)(q * histogram_count), seen = 0;
  for (int i = 0; i < BUCKETS; i++) if ((seen += histogram[i]) > want) return value_of(i) / 1e6;
  return 0;
}

typedef struct { double cpu, own; uint64_t at, bytes; } Meter;
static double cpu_of(int of) { // utime + stime of all threads, in seconds
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", of);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[n] = 0;
  unsigned long u = 0, s = 0;
  char *at = strrchr(text, ')');
  if (at) sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s);
  return (double)(u + s) / sysconf(_SC_CLK_TCK);
}
static double own_cpu(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
static Meter meter(void) { return (Meter){cpu_of(pid), own_cpu(), now(), received_bytes}; }

static void put(int fd, const char *data, size_t length) { // small, or to a feed: waits where it must
  while (length > 0) {
    ssize_t n = send(fd, data, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) { usleep(50); continue; }
    if (n < 0) return;
    data += n;
    length -= n;
  }
}
static void put_frame(int fd, int opcode, const char *text, size_t length) { // masked by zeros
  char out[1200];
  int at = 0;
  out[at++] = 0x80 | opcode;
  if (length < 126) out[at++] = 0x80 | length;
  else { out[at++] = 0x80 | 126; out[at++] = length >> 8; out[at++] = length & 255; }
  memset(out + at, 0, 4);
  at += 4;
  memcpy(out + at, text, length);
  put(fd, out, at + length);
}

static void subscribe_text(Conn *c, char *text, size_t size) {
  char types[96] = "", after[128] = "";
  if (by_source) snprintf(types, sizeof types, ",\"sources\":[\"vm%d\"]", c->filter);
  else if (filters > 1) snprintf(types, sizeof types, ",\"types\":[\"JOB_STATUS_CHANGE\",\"NONE_%d\"]", c->filter);
  else snprintf(types, sizeof types, ",\"types\":[\"JOB_STATUS_CHANGE\"]");
  if (resuming) snprintf(after, sizeof after, ",\"after\":\"%s\"", resume_from);
  snprintf(text, size, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":{\"snapshot\":false%s%s}}", types, after);
}

static void went_live(Conn *c) { if (c->state != LIVE) { c->state = LIVE; live_count++; } }

static void upgraded(Conn *c) {
  char text[512];
  c->state = SUBSCRIBING;
  if (dialect == GATEWAY) {
    subscribe_text(c, text, sizeof text);
    put_frame(c->fd, 1, text, strlen(text));
  } else if (dialect == PLAIN) went_live(c);
  else if (dialect == NATS) {
    snprintf(text, sizeof text, "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1}\r\nSUB f%d 1\r\nPING\r\n", c->filter);
    put_frame(c->fd, 2, text, strlen(text));
  }
}

static void frame_done(Conn *c) {
  if (c->opcode == 9) { put_frame(c->fd, 10, "", 0); return; }
  if (c->opcode == 8) { fprintf(stderr, "load: closed by the server\n"); return; }
  c->head[c->head_have] = 0;
  if (c->state == SUBSCRIBING) {
    if (dialect == GATEWAY && strstr(c->head, "\"result\"")) went_live(c);
    if (dialect == GATEWAY && strstr(c->head, "\"error\"")) { fprintf(stderr, "load: %s\n", c->head); exit(1); }
    if (dialect == SOCKETIO && c->head[0] == '0') put_frame(c->fd, 1, "40", 2);
    if (dialect == SOCKETIO && strncmp(c->head, "40", 2) == 0) went_live(c);
    if (dialect == NATS && strstr(c->head, "PONG")) went_live(c);
  }
  if (c == conns && dialect == GATEWAY) {
    char *at = strstr(c->head, "\"cursor\":\"");
    if (at) sscanf(at + 10, "%90[^\"]", cursor);
  }
  if (c->marks == 0) return;
  uint64_t at = now();
  for (uint64_t i = 0; i < c->marks; i++) {
    uint64_t sent_then = sent_at[(c->count + base + i) % RING];
    histogram[bucket_of(at > sent_then ? at - sent_then : 0)]++;
  }
  histogram_count += c->marks;
  c->count += c->marks;
  c->marks = 0;
  latest = at;
  if (c->count + base == sent) reached++;
}

static void eat(Conn *c, const uint8_t *data, size_t length) {
  while (length > 0) {
    if (c->left == 0) {
      c->header[c->header_have++] = *data++;
      length--;
      int code = c->header[1] & 127, want = c->header_have < 2 ? 2 : code < 126 ? 2 : code == 126 ? 4 : 10;
      if (c->header_have < want) continue;
      c->opcode = c->header[0] & 15;
      c->left = code;
      if (code >= 126) { c->left = 0; for (int i = 2; i < want; i++) c->left = c->left << 8 | c->header[i]; }
      c->header_have = 0;
      c->head_have = 0;
      if (c->left == 0) frame_done(c);
      continue;
    }
    size_t take = length < c->left ? length : c->left;
    size_t keep = HEAD - 1 - c->head_have;
    if (c->state == LIVE && c != conns) keep = 0;
    if (keep > take) keep = take;
    memcpy(c->head + c->head_have, data, keep);
    c->head_have += keep;
    uint64_t marks = 0;
    for (size_t i = 0; i < take; i++) marks += data[i] == MARK;
    c->marks += marks;
    data += take;
    length -= take;
    c->left -= take;
    if (c->left == 0) frame_done(c);
  }
}

static void readable(Conn *c) {
  ssize_t n = recv(c->fd, scratch, 1 << 18, 0);
  if (n <= 0) {
    if (n < 0 && errno == EAGAIN) return;
    fprintf(stderr, "load: connection lost (state %d)\n", c->state);
    exit(1);
  }
  received_bytes += n;
  char *data = scratch;
  if (c->state == UPGRADING) {
    char *end = memmem(data, n, "\r\n\r\n", 4);
    if (!end) return; // the answers are small and come whole
    if (strncmp(data, "HTTP/1.1 101", 12) != 0) { fprintf(stderr, "load: %.60s\n", data); exit(1); }
    n -= end + 4 - data;
    data = end + 4;
    upgraded(c);
  }
  eat(c, (uint8_t *)data, n);
}

static void writable(Conn *c) {
  char text[512];
  char path[32];
  snprintf(path, sizeof path, "/f%d", c->filter);
  snprintf(text, sizeof text,
           "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
           dialect == GATEWAY ? "/v1" : dialect == SOCKETIO ? "/socket.io/?EIO=4&transport=websocket" : path, port,
           dialect == GATEWAY ? "Sec-WebSocket-Protocol: qmp-gateway.v1\r\n" : "");
  put(c->fd, text, strlen(text));
  c->state = UPGRADING;
  struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)(c - conns)};
  epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &e);
}

static void start(Conn *c) {
  memset(c, 0, offsetof(Conn, head));
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  c->filter = (c - conns) % filters;
  c->state = CONNECTING;
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("connect");
  struct epoll_event e = {.events = EPOLLOUT, .data.u64 = (uint64_t)(c - conns)};
  epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &e);
}

// The monitor's side.
static void answer(Monitor *m, char *line) {
  char text[1024], id[96] = "", *at = NULL;
  for (char *next = line; (next = strstr(next, "\"id\":\"")); next++) at = next;
  if (at) sscanf(at + 6, "%90[^\"]", id);
  const char *value = "{}";
  if (strstr(line, "\"query-commands\"")) value = "[{\"name\":\"query-jobs\"},{\"name\":\"query-block-jobs\"},{\"name\":\"job-cancel\"}]";
  else if (strstr(line, "\"query-jobs\"")) value = "[{\"id\":\"drive0\",\"type\":\"mirror\",\"status\":\"running\",\"current-progress\":1,\"total-progress\":100}]";
  else if (strstr(line, "\"query-block-jobs\""))
    value = "[{\"type\":\"mirror\",\"device\":\"drive0\",\"len\":100,\"offset\":1,\"speed\":0,\"busy\":true,\"paused\":false,\"ready\":false,\"io-status\":\"ok\",\"status\":\"running\"}]";
  else if (strstr(line, "\"query-cpus-fast\"")) value = "[]";
  snprintf(text, sizeof text, "{\"return\": %s, \"id\": \"%s\"}\r\n", value, id);
  put(m->fd, text, strlen(text));
}
static void monitor_readable(Monitor *m) {
  ssize_t n = recv(m->fd, m->line + m->have, sizeof m->line - 1 - m->have, 0);
  if (n <= 0) return;
  m->have += n;
  m->line[m->have] = 0;
  char *start = m->line, *end;
  while ((end = strchr(start, '\n'))) {
    *end = 0;
    if (strstr(start, "execute")) answer(m, start);
    start = end + 1;
  }
  m->have -= start - m->line;
  memmove(m->line, start, m->have);
}
static void accept_monitor(void) {
  int fd = accept4(feed_listen, NULL, NULL, 0);
  if (fd < 0 || monitor_count >= MAX_MONITORS) return;
  int size = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  Monitor *m = &monitors[monitor_count];
  *m = (Monitor){.fd = fd};
  const char *greeting = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"bench\"}, \"capabilities\": [\"oob\"]}}\r\n";
  put(fd, greeting, strlen(greeting));
  struct epoll_event e = {.events = EPOLLIN, .data.u64 = MAX_CONNS + 1 + monitor_count++};
  epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e);
}

static void wait_events(int64_t ns) {
  struct epoll_event events[512];
  struct timespec t = {ns / 1000000000, ns % 1000000000};
  int n = epoll_pwait2(epfd, events, 512, &t, NULL);
  for (int i = 0; i < n; i++) {
    uint64_t at = events[i].data.u64;
    if (at < MAX_CONNS) {
      if (conns[at].state == CONNECTING) writable(&conns[at]);
      else readable(&conns[at]);
    } else if (at == MAX_CONNS) accept_monitor();
    else monitor_readable(&monitors[at - MAX_CONNS - 1]);
  }
}

static int one_event(char *out, uint64_t number) {
  const char *status = number & 1 ? "paused" : "running";
  int length = sprintf(out, "{\"timestamp\": {\"seconds\": %llu, \"microseconds\": %llu}, \"event\": \"JOB_STATUS_CHANGE\", \"data\": {\"status\": \"%s\", \"id\": \"drive0\", \"tag\": \"^",
                       1795392000ull + number / 900000, (unsigned long long)(100000 + number % 900000), status);
  while (length < event_bytes - 5) out[length++] = 'x';
  return length + sprintf(out + length, "\"}}\r\n");
}

/** One write of `count` events; the time is the intended one. */
static void burst(int count, uint64_t at) {
  char *to = batch;
  for (int i = 0; i < count; i++) {
    sent_at[sent++ % RING] = at;
    if (dialect != NATS) { to += one_event(to, sent); continue; }
    char text[4096];
    int length = one_event(text, sent) - 2;
    for (int f = 0; f < filters; f++) {
      to += sprintf(to, "PUB f%d %d\r\n", f, length);
      memcpy(to, text, length);
      memcpy(to + length, "\r\n", 2);
      to += length + 2;
    }
  }
  reached = 0;
  int fd = dialect == NATS ? feed_tcp : monitors[turn_of++ % (monitor_count ? monitor_count : 1)].fd;
  put(fd, batch, to - batch);
}

static void clear(void) { memset(histogram, 0, sizeof histogram); histogram_count = 0; }

static void report(const char *name, Meter a, double seconds, const char *more) {
  Meter b = meter();
  printf("{\"name\":\"%s\",\"deliveries\":%llu,\"seconds\":%.6f,\"cpu\":%.3f,\"clientCpu\":%.3f,\"bytes\":%llu,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f%s}\n",
         name, (unsigned long long)histogram_count, seconds, b.cpu - a.cpu, b.own - a.own, (unsigned long long)(b.bytes - a.bytes),
         quantile(.5), quantile(.99), quantile(.999), more);
  fflush(stdout);
}

static void close_all(void) {
  for (int i = 0; i < conn_count; i++) {
    struct linger hard = {1, 0};
    setsockopt(conns[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(conns[i].fd);
  }
  conn_count = live_count = 0;
}

/** `count` connections, `window` handshakes at a time, live when subscribed and `missed` events are there. */
static uint64_t connect_all(int count, int window, uint64_t missed) {
  uint64_t began = now();
  base = sent - missed;
  reached = 0;
  int begun = 0;
  while (live_count < count || (missed && reached < (uint64_t)count)) {
    while (begun < count && begun - live_count < window) start(&conns[begun++]), conn_count = begun;
    wait_events(100000000);
    if (now() - began > 60000000000ull) { fprintf(stderr, "load: %d of %d live after 60 s\n", live_count, count); exit(1); }
  }
  return now() - began;
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  dialect = !strcmp(argv[1], "gateway") ? GATEWAY : !strcmp(argv[1], "plain") ? PLAIN : !strcmp(argv[1], "nats") ? NATS : SOCKETIO;
  feed = argv[2];
  port = atoi(argv[3]);
  pid = atoi(argv[4]);
  event_bytes = atoi(argv[5]);
  conns = calloc(MAX_CONNS, sizeof(Conn));
  sent_at = calloc(RING, 8);
  scratch = malloc(1 << 18);
  batch = malloc(16 << 20);
  epfd = epoll_create1(0);
  if (dialect == NATS) {
    feed_tcp = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(feed)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(feed_tcp, (struct sockaddr *)&to, sizeof to) < 0) die("nats");
    put(feed_tcp, "CONNECT {\"verbose\":false}\r\n", 27);
  } else {
    feed_listen = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", feed);
    unlink(feed);
    if (bind(feed_listen, (struct sockaddr *)&at, sizeof at) < 0 || listen(feed_listen, 4096) < 0) die("feed");
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = MAX_CONNS};
    epoll_ctl(epfd, EPOLL_CTL_ADD, feed_listen, &e);
  }
  printf("{\"name\":\"ready\"}\n");
  fflush(stdout);

  char line[256];
  for (;;) {
    // Between commands pings are answered and monitors accepted.
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    FD_SET(epfd, &set);
    if (select(epfd + 1, &set, NULL, NULL, NULL) < 0) continue;
    if (FD_ISSET(epfd, &set)) wait_events(0);
    if (!FD_ISSET(0, &set)) continue;
    if (read(0, line, 1) != 1) return 0;
    int length = 1;
    while (line[length - 1] != '\n' && length < 255) if (read(0, line + length, 1) == 1) length++; else return 0;
    line[length] = 0;
    char name[32] = "";
    double a = 0, b = 0, c = 0, d = 0;
    sscanf(line, "%31s %lf %lf %lf %lf", name, &a, &b, &c, &d);
    char more[256] = "";

    if (!strcmp(name, "monitors")) { // until so many are connected, and have been quiet for a moment
      while (monitor_count < a) wait_events(10000000);
      for (uint64_t until = now() + 300000000ull; now() < until;) wait_events(10000000);
      snprintf(more, sizeof more, ",\"monitors\":%d", monitor_count);
      clear();
      report(name, meter(), 0, more);
    } else if (!strcmp(name, "connect")) { // count, filters, window, whether each filter is one source
      by_source = d;
      filters = b > 0 ? b : 1;
      resuming = 0;
      Meter m = meter();
      uint64_t took = connect_all(a, c > 0 ? c : 64, 0);
      clear();
      report(name, m, took / 1e9, "");
    } else if (!strcmp(name, "drop")) {
      memcpy(resume_from, cursor, sizeof cursor);
      close_all();
      clear();
      report(name, meter(), 0, "");
    } else if (!strcmp(name, "resume")) { // count, events that were missed
      resuming = 1;
      clear();
      Meter m = meter();
      uint64_t took = connect_all(a, MAX_CONNS, b);
      resuming = 0;
      report(name, m, took / 1e9, "");
    } else if (!strcmp(name, "closed")) { // bursts, events in each: the next when all have the last
      clear();
      Meter m = meter();
      for (int i = 0; i < a; i++) {
        burst(b, now());
        while (reached < (uint64_t)conn_count) {
          wait_events(SPIN);
          if (now() - sent_at[(sent - 1) % RING] > 20000000000ull) { fprintf(stderr, "load: a burst is lost: %llu of %d\n", (unsigned long long)reached, conn_count); exit(1); }
        }
      }
      report(name, m, (now() - m.at) / 1e9, "");
    } else if (!strcmp(name, "open")) { // bursts a second, events in each, seconds: on time whatever happens
      clear();
      Meter m = meter();
      double gap = 1e9 / a;
      uint64_t from = sent;
      for (uint64_t i = 0; i * gap < c * 1e9;) {
        uint64_t due = m.at + (uint64_t)(i * gap), t = now();
        if (t >= due) { burst(b, due); i++; wait_events(0); }
        else wait_events(due - t);
      }
      double seconds = (now() - m.at) / 1e9;
      uint64_t give_up = now() + 3000000000ull;
      while (reached < (uint64_t)conn_count && now() < give_up) wait_events(100000000);
      snprintf(more, sizeof more, ",\"expected\":%llu,\"drainMs\":%.3f", (unsigned long long)((sent - from) * conn_count), (now() - m.at) / 1e6 - seconds * 1e3);
      report(name, m, seconds, more);
    } else if (!strcmp(name, "feed")) { // events that nobody of ours receives: as fast as the server reads, until it rests
      clear();
      Meter m = meter();
      for (double left = a; left > 0; left -= 256) burst(left < 256 ? left : 256, now());
      uint64_t done = now();
      int queued = 0;
      if (dialect != NATS) do { ioctl(monitors[0].fd, SIOCOUTQ, &queued); usleep(500); } while (queued > 0);
      for (double was = -1, is = cpu_of(pid); is != was;) { for (uint64_t until = now() + 60000000ull; now() < until;) wait_events(5000000); was = is; is = cpu_of(pid); }
      report(name, m, (done - m.at) / 1e9, "");
    } else if (!strcmp(name, "idle")) {
      clear();
      Meter m = meter();
      for (uint64_t until = now() + (uint64_t)(a * 1e9); now() < until;) wait_events(100000000);
      report(name, m, a, "");
    } else if (!strcmp(name, "churn") && dialect == GATEWAY) { // joins and leaves of one connection's second filter
      clear();
      Meter m = meter();
      char text[512];
      Conn *one = &conns[conn_count];
      start(one);
      one->filter = 0;
      while (one->state != LIVE) wait_events(100000000);
      live_count--;
      m = meter();
      for (int i = 0; i < a; i++) {
        subscribe_text(one, text, sizeof text); // replaces its own subscription: one leave, one join
        one->state = SUBSCRIBING;
        put_frame(one->fd, 1, text, strlen(text));
        while (one->state != LIVE) wait_events(100000000);
        live_count--;
      }
      report(name, m, (now() - m.at) / 1e9, "");
      struct linger hard = {1, 0};
      setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      close(one->fd);
    } else if (!strcmp(name, "quit")) return 0;
  }
}
