// HTTP/1.1 as far as the benchmark needs it: one message at a time over a blocking, kept-alive connection.
// Bodies may have a length or be chunked; chunks are joined in place, so a body is always one piece of memory.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CAPACITY = 32 << 20 };

struct message {
  int fd;
  char *data;        // start line, headers, body
  size_t length;     // bytes read so far
  size_t head;       // length of start line and headers, with the empty line
  char *body;
  size_t body_length;
};

static struct message message_on(int fd) {
  struct message m = {.fd = fd, .data = malloc(CAPACITY)};
  if (!m.data) exit(70);
  return m;
}

static int no_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static struct sockaddr_in address(const char *host, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &a.sin_addr) != 1) exit(64);
  return a;
}

static int write_all(int fd, struct iovec *parts, int count) {
  while (count > 0) {
    ssize_t n = writev(fd, parts, count);
    if (n <= 0) return -1;
    while (count > 0 && (size_t)n >= parts->iov_len) n -= (parts++)->iov_len, count--;
    if (count > 0) parts->iov_base = (char *)parts->iov_base + n, parts->iov_len -= n;
  }
  return 0;
}

static int send_message(int fd, const char *head, size_t head_length, const char *body, size_t body_length) {
  struct iovec parts[2] = {{(void *)head, head_length}, {(void *)body, body_length}};
  return write_all(fd, parts, body_length ? 2 : 1);
}

// 1: more bytes, 0: the peer is gone
static int more(struct message *m) {
  if (m->length + 1 >= CAPACITY) return 0;
  ssize_t n = read(m->fd, m->data + m->length, CAPACITY - m->length - 1);
  if (n <= 0) return 0;
  m->length += n;
  m->data[m->length] = 0;
  return 1;
}

// The value of a header, or NULL. Only the head is searched.
static char *header(struct message *m, const char *name) {
  char pattern[80];
  snprintf(pattern, sizeof pattern, "\r\n%s:", name);
  char saved = m->data[m->head];
  m->data[m->head] = 0;
  char *found = strcasestr(m->data, pattern);
  m->data[m->head] = saved;
  if (!found) return NULL;
  found += strlen(pattern);
  while (*found == ' ') found++;
  return found;
}

static int read_chunks(struct message *m) {
  size_t at = m->head, end = m->head; // `at`: next chunk header, `end`: end of the joined body
  for (;;) {
    char *line;
    while (!(line = memmem(m->data + at, m->length - at, "\r\n", 2)))
      if (!more(m)) return -1;
    size_t size = strtoul(m->data + at, NULL, 16);
    size_t start = line + 2 - m->data;
    while (m->length < start + size + 2)
      if (!more(m)) return -1;
    if (size == 0) break; // no trailers here
    memmove(m->data + end, m->data + start, size);
    end += size;
    at = start + size + 2;
  }
  m->body_length = end - m->head;
  return 0;
}

// Reads one whole message; -1 when the peer is gone.
static int read_message(struct message *m) {
  m->length = 0;
  char *end = NULL;
  while (!end) {
    size_t seen = m->length > 3 ? m->length - 3 : 0;
    if (!more(m)) return -1;
    end = memmem(m->data + seen, m->length - seen, "\r\n\r\n", 4);
  }
  m->head = end + 4 - m->data;
  m->body = m->data + m->head;
  char *length = header(m, "content-length");
  if (length) {
    m->body_length = strtoul(length, NULL, 10);
    while (m->length < m->head + m->body_length)
      if (!more(m)) return -1;
    return 0;
  }
  char *encoding = header(m, "transfer-encoding");
  if (encoding && !strncasecmp(encoding, "chunked", 7)) return read_chunks(m);
  m->body_length = 0;
  return 0;
}
