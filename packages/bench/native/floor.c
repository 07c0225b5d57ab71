/*
 * The floor: what one delivery costs a server that does nothing else. One process, one thread, epoll; each publication is
 * framed once and written to each websocket with one write(2). With `floor 8`, up to eight publications are collected
 * and written to each websocket with one writev(2).
 *
 * No channels, no Redis, no limits, and a slow client holds up all others. It is a ruler and not a server. Says its port on
 * stdout.
 *
 * Publications arrive as the body of POST requests on keep-alive connections, as the bench's PostConnection sends them;
 * they are answered before they are written out, so the publisher is never the one who waits.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { events_max = 1024, linger_ms = 5, together_max = 64, body_max = 64 * 1024, request_max = 128 * 1024 };

struct peer {
  int fd;
  int subscriber;
  size_t length;
  char *request;
};

struct frame {
  size_t length;
  unsigned char bytes[body_max + 4];
};

static int *subscribers;
static size_t subscribers_count;
static struct frame *frames;
static int frames_count, together;

static void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

/* What a full socket did not take at once. Rare: the publisher is never far ahead of the subscribers. */
static void write_rest(int fd, const struct iovec *parts, int count, size_t sent) {
  for (int i = 0; i < count; i++) {
    size_t from = sent < parts[i].iov_len ? sent : parts[i].iov_len;
    sent -= from;
    while (from < parts[i].iov_len) {
      ssize_t more = write(fd, (const char *)parts[i].iov_base + from, parts[i].iov_len - from);
      if (more > 0) from += (size_t)more;
      else if (errno == EAGAIN) poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
      else die("writing to a subscriber");
    }
  }
}

static void flush_frames(void) {
  struct iovec parts[together_max];
  size_t total = 0;
  for (int i = 0; i < frames_count; i++) {
    parts[i] = (struct iovec){.iov_base = frames[i].bytes, .iov_len = frames[i].length};
    total += frames[i].length;
  }
  for (size_t i = 0; i < subscribers_count; i++) {
    ssize_t sent = together == 1 ? write(subscribers[i], frames[0].bytes, total) : writev(subscribers[i], parts, frames_count);
    if (sent != (ssize_t)total) write_rest(subscribers[i], parts, frames_count, sent > 0 ? (size_t)sent : 0);
  }
  frames_count = 0;
}

static void publish(const char *body, size_t length) {
  struct frame *frame = &frames[frames_count++];
  size_t head = 0;
  frame->bytes[head++] = 0x81;
  if (length < 126) {
    frame->bytes[head++] = (unsigned char)length;
  } else {
    frame->bytes[head++] = 126;
    frame->bytes[head++] = (unsigned char)(length >> 8);
    frame->bytes[head++] = (unsigned char)length;
  }
  memcpy(frame->bytes + head, body, length);
  frame->length = head + length;
  if (frames_count == together) flush_frames();
}

static void answer(struct peer *peer, const char *text) {
  if (write(peer->fd, text, strlen(text)) < 0) die("answering");
}

/* Accepts the key of RFC 6455's example, which all subscribers of the bench send. */
static void upgrade(struct peer *peer) {
  answer(peer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  peer->subscriber = 1;
  subscribers = realloc(subscribers, sizeof *subscribers * (subscribers_count + 1));
  subscribers[subscribers_count++] = peer->fd;
}

static void serve(struct peer *peer) {
  if (peer->request == NULL) peer->request = malloc(request_max + 1);
  ssize_t got = read(peer->fd, peer->request + peer->length, request_max - peer->length);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    if (peer->subscriber) exit(0); /* The run is over. */
    close(peer->fd);
    free(peer->request);
    free(peer);
    return;
  }
  peer->length += (size_t)got;
  peer->request[peer->length] = 0;
  for (char *end; !peer->subscriber && (end = strstr(peer->request, "\r\n\r\n")) != NULL;) {
    char *stated = strcasestr(peer->request, "content-length:");
    size_t head = (size_t)(end - peer->request) + 4, body = 0;
    if (memcmp(peer->request, "GET", 3) == 0) {
      upgrade(peer);
      break;
    }
    if (stated != NULL && stated < end) body = strtoul(stated + 15, NULL, 10);
    if (body > body_max) die("a publication too large");
    if (peer->length < head + body) return;
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    publish(peer->request + head, body);
    peer->length -= head + body;
    memmove(peer->request, peer->request + head + body, peer->length + 1);
  }
  /* Subscribers only answer pings, of which there are none here. */
  if (peer->subscriber) peer->length = 0;
}

static void tell_port(int listener) {
  struct sockaddr_in at;
  socklen_t length = sizeof at;
  if (getsockname(listener, (struct sockaddr *)&at, &length) != 0) die("getsockname");
  printf("port %d\n", ntohs(at.sin_port));
  fflush(stdout);
}

int main(int count, char **words) {
  static struct epoll_event events[events_max];
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = NULL};
  together = count > 1 ? atoi(words[1]) : 1;
  if (together < 1 || together > together_max) return 2;
  frames = malloc(sizeof *frames * (size_t)together);
  signal(SIGPIPE, SIG_IGN);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) die("listening");
  tell_port(listener);
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &accepting);
  for (;;) {
    int ready = epoll_wait(epoll_fd, events, events_max, frames_count > 0 ? linger_ms : -1);
    if (ready == 0) flush_frames();
    for (int i = 0; i < ready; i++) {
      struct peer *peer = events[i].data.ptr;
      if (peer != NULL) {
        serve(peer);
        continue;
      }
      int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
      if (fd < 0) continue;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      peer = calloc(1, sizeof *peer);
      peer->fd = fd;
      struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
  }
}
