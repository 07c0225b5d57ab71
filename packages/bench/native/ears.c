/*
 * The subscribers of a fan-out: many websockets in one process that count what they hear.
 *
 * Why in C: a server that joins nothing writes 350,000 deliveries a second on one core, and the reader of a run has less
 * than one core for itself. A read costs Node 4 to 5 microseconds, and this 2. A reader that comes late makes the server's
 * writes cheap (METHOD.md), so the reader has to be the faster one. Where no compiler is, src/wire/subscriber.ts does the same.
 *
 * Speaks just enough WebSocket (RFC 6455), Engine.IO 4 and Socket.IO 5 to subscribe, stay and count: server frames have no
 * mask and are never in pieces.
 *
 * stdin, a line each:   open <port> <socket.io|plain> <count> <at a time> <channel>    reset    tally <messages>
 * stdout, a line each:  opened <count>    reset    heard <deliveries>    tally <json>    failed <why>
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { read_bytes = 256 * 1024, events_max = 1024, sample_every = 16, samples_max = 1 << 20, notify_micros = 4000 };

struct ear {
  int fd;
  int upgraded, ready, sample;
  unsigned char *rest;
  size_t rest_bytes, rest_room;
  /* Publications received, and the sum of their numbers: together they show a loss and a double. */
  uint64_t count, sum;
  /* A hash of the numbers in their order: equal for all who heard the same order. */
  uint32_t order;
};

static struct ear **ears;
static int ears_count, ears_wanted, ears_opening, ears_ready, at_a_time, port, plain;
static char channel[512];
static int epoll_fd;
static uint64_t deliveries, reads, told, told_at;
static uint32_t *samples;
static size_t samples_count;
static unsigned char buffer[read_bytes];

static void say(const char *format, ...) {
  va_list list;
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  putchar('\n');
  fflush(stdout);
}

static void fail(const char *format, ...) {
  va_list list;
  printf("failed ");
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  putchar('\n');
  fflush(stdout);
  exit(1);
}

/* The machine's monotonic clock, which the publisher reads, too. */
static uint64_t now_micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void write_all(struct ear *ear, const void *bytes, size_t length) {
  if (write(ear->fd, bytes, length) != (ssize_t)length) fail("writing to the server: %s", strerror(errno));
}

/* A text frame as a client sends it. The mask is zero: allowed, and then masking changes nothing. */
static void send_text(struct ear *ear, const char *text) {
  unsigned char frame[1024];
  size_t length = strlen(text), head = 0;
  frame[head++] = 0x81;
  if (length < 126) {
    frame[head++] = 0x80 | (unsigned char)length;
  } else {
    frame[head++] = 0x80 | 126;
    frame[head++] = (unsigned char)(length >> 8);
    frame[head++] = (unsigned char)length;
  }
  memset(frame + head, 0, 4);
  head += 4;
  memcpy(frame + head, text, length);
  write_all(ear, frame, head + length);
}

static void open_some(void) {
  while (ears_count < ears_wanted && ears_opening < at_a_time) {
    struct ear *ear = calloc(1, sizeof *ear);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    char request[512];
    ear->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ear->fd < 0) fail("a socket for subscriber %d: %s", ears_count, strerror(errno));
    if (connect(ear->fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connecting subscriber %d: %s", ears_count, strerror(errno));
    setsockopt(ear->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(ear->fd, F_SETFL, O_NONBLOCK);
    ear->sample = ears_count % sample_every == 0;
    ears = realloc(ears, sizeof *ears * (size_t)(ears_count + 1));
    ears[ears_count++] = ear;
    ears_opening++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = ear};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ear->fd, &event);
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                          plain ? "/" : "/socket.io/?EIO=4&transport=websocket", port);
    write_all(ear, request, (size_t)length);
  }
}

static void ready(struct ear *ear) {
  if (ear->ready) return;
  ear->ready = 1;
  ears_opening--;
  ears_ready++;
  if (ears_ready == ears_wanted) say("opened %d", ears_ready);
  else open_some();
}

static int starts(const unsigned char *text, size_t length, const char *head, size_t head_length) {
  return length >= head_length && memcmp(text, head, head_length) == 0;
}
#define STARTS(text, length, head) starts(text, length, head, sizeof head - 1)

static uint64_t number_at(const unsigned char **at) {
  uint64_t value = 0;
  while (**at >= '0' && **at <= '9') value = value * 10 + (uint64_t)(*(*at)++ - '0');
  return value;
}

static void take_publication(struct ear *ear, const unsigned char *at) {
  uint64_t n = number_at(&at);
  ear->count++;
  ear->sum += n;
  ear->order = ear->order * 31 + (uint32_t)n;
  deliveries++;
  if (ear->sample && samples_count < samples_max) {
    /* The time follows the number, as `,"t":`. */
    at += 5;
    samples[samples_count++] = (uint32_t)(now_micros() - number_at(&at));
  }
}

static void take_frame(struct ear *ear, const unsigned char *text, size_t length) {
  static const char event[] = "42[\"message\",{\"n\":", bare[] = "{\"n\":";
  if (plain) {
    if (STARTS(text, length, bare)) take_publication(ear, text + sizeof bare - 1);
  } else if (STARTS(text, length, event)) {
    take_publication(ear, text + sizeof event - 1);
  } else if (length > 0 && text[0] == '2') {
    send_text(ear, "3");
  } else if (length > 0 && text[0] == '0') {
    send_text(ear, "40");
  } else if (STARTS(text, length, "40")) {
    char subscribe[700];
    snprintf(subscribe, sizeof subscribe, "420[\"subscribe\",\"%s\"]", channel);
    send_text(ear, subscribe);
  } else if (STARTS(text, length, "430[{\"ok\":true")) {
    ready(ear);
  } else if (STARTS(text, length, "430[") || STARTS(text, length, "44")) {
    fail("a subscriber was refused: %.*s", (int)length, text);
  }
}

/* Reads the whole frames at the head and returns how many bytes they had. */
static size_t take_frames(struct ear *ear, const unsigned char *bytes, size_t length) {
  size_t at = 0;
  while (at + 2 <= length) {
    size_t size = bytes[at + 1] & 0x7f, start = at + 2;
    if ((bytes[at] & 0x0f) == 8) fail("the server closed a websocket");
    if (size == 126) {
      if (at + 4 > length) break;
      size = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
      start = at + 4;
    } else if (size == 127) {
      if (at + 10 > length) break;
      size = 0;
      for (int i = 2; i < 10; i++) size = size << 8 | bytes[at + (size_t)i];
      start = at + 10;
    }
    if (start + size > length) break;
    take_frame(ear, bytes + start, size);
    at = start + size;
  }
  return at;
}

static size_t take_upgrade(struct ear *ear, const unsigned char *bytes, size_t length) {
  const unsigned char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  if (length < 12 || memcmp(bytes + 9, "101", 3) != 0) fail("a websocket was refused: %.*s", (int)(length > 200 ? 200 : length), bytes);
  ear->upgraded = 1;
  if (plain) ready(ear);
  return (size_t)(end - bytes) + 4;
}

/* Returns whether there may be more: it is told of new bytes only once, and a buffer that was not filled says that was all. */
static int hear(struct ear *ear) {
  unsigned char *bytes = buffer;
  ssize_t got = recv(ear->fd, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return errno == EINTR;
  if (got < 0) fail("reading: %s", strerror(errno));
  if (got == 0) fail("the server closed a subscriber's connection");
  size_t length = (size_t)got;
  if (ear->rest_bytes > 0) {
    if (ear->rest_room < ear->rest_bytes + length) {
      ear->rest_room = ear->rest_bytes + length;
      ear->rest = realloc(ear->rest, ear->rest_room);
    }
    memcpy(ear->rest + ear->rest_bytes, buffer, length);
    bytes = ear->rest;
    length += ear->rest_bytes;
  }
  uint64_t before = ear->count;
  size_t used = ear->upgraded ? 0 : take_upgrade(ear, bytes, length);
  if (ear->upgraded) used += take_frames(ear, bytes + used, length - used);
  size_t left = length - used;
  if (left > ear->rest_room) {
    unsigned char *rest = malloc(left);
    memcpy(rest, bytes + used, left);
    free(ear->rest);
    ear->rest = rest;
    ear->rest_room = left;
  } else if (left > 0) {
    memmove(ear->rest, bytes + used, left);
  }
  ear->rest_bytes = left;
  if (ear->count > before) reads++;
  return got == sizeof buffer;
}

static void reset(void) {
  for (int i = 0; i < ears_count; i++) ears[i]->count = ears[i]->sum = ears[i]->order = 0;
  deliveries = reads = told = 0;
  samples_count = 0;
  say("reset");
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

/* The smallest sample that so many of a thousand do not exceed. */
static uint32_t percentile(size_t thousandths) {
  size_t rank = (samples_count * thousandths + 999) / 1000;
  return samples_count == 0 ? 0 : samples[rank == 0 ? 0 : rank - 1];
}

static void tally(uint64_t messages) {
  int whole = 1, one_order = 1;
  for (int i = 0; i < ears_count; i++) {
    if (ears[i]->count != messages || ears[i]->sum != messages * (messages + 1) / 2) whole = 0;
    if (ears[i]->order != ears[0]->order) one_order = 0;
  }
  qsort(samples, samples_count, sizeof *samples, by_value);
  say("tally {\"deliveries\":%llu,\"reads\":%llu,\"whole\":%s,\"oneOrder\":%s,\"p50Micros\":%u,\"p99Micros\":%u,\"maxMicros\":%u}",
      (unsigned long long)deliveries, (unsigned long long)reads, whole ? "true" : "false", one_order ? "true" : "false",
      percentile(500), percentile(990), percentile(1000));
}

static void obey(char *line) {
  char protocol[32];
  int count;
  unsigned long long messages;
  if (sscanf(line, "open %d %31s %d %d %511s", &port, protocol, &count, &at_a_time, channel) == 5) {
    plain = strcmp(protocol, "plain") == 0;
    ears_wanted += count;
    open_some();
  } else if (sscanf(line, "tally %llu", &messages) == 1) {
    tally(messages);
  } else if (strcmp(line, "reset") == 0) {
    reset();
  } else {
    fail("not a command: %s", line);
  }
}

static void read_commands(void) {
  static char line[2048];
  static size_t length;
  ssize_t got = read(STDIN_FILENO, line + length, sizeof line - length - 1);
  if (got <= 0) exit(0); /* Whoever started this is gone. */
  length += (size_t)got;
  line[length] = 0;
  for (char *end; (end = strchr(line, '\n')) != NULL;) {
    *end = 0;
    obey(line);
    length -= (size_t)(end + 1 - line);
    memmove(line, end + 1, length + 1);
  }
}

int main(void) {
  static struct epoll_event events[events_max];
  struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
  signal(SIGPIPE, SIG_IGN);
  samples = malloc(sizeof *samples * samples_max);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &commands);
  for (;;) {
    int count = epoll_wait(epoll_fd, events, events_max, deliveries > told ? 1 : -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL) read_commands();
      else while (hear(events[i].data.ptr));
    }
    uint64_t now = deliveries > told ? now_micros() : 0;
    if (deliveries > told && (count == 0 || now - told_at >= notify_micros)) {
      say("heard %llu", (unsigned long long)deliveries);
      told = deliveries;
      told_at = now;
    }
  }
}
