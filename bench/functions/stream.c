// A runtime whose answer to every event is a stream: BENCH_STREAM_PIECES pieces of BENCH_STREAM_BYTES bytes. The first one
// begins with the time of its write, 16 hexadecimal digits of nanoseconds, and is followed by a pause if it is the only one.
#include "../c/http.h"
#include <time.h>

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(void) {
  const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
  char host[64] = "";
  int port = 0;
  if (!api || sscanf(api, "%63[^:]:%d", host, &port) < 2) return 64;
  int pieces = atoi(getenv("BENCH_STREAM_PIECES"));
  size_t bytes = strtoul(getenv("BENCH_STREAM_BYTES"), NULL, 10);

  int fd = no_delay(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = address(host, port);
  if (connect(fd, (void *)&a, sizeof a)) return perror("connect"), 1;
  struct message event = message_on(fd), answer = message_on(fd);
  char next[256], head[512], id[64], size[32];
  int next_length = snprintf(next, sizeof next, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
    "Host: %s:%d\r\n\r\n", host, port);
  int size_length = snprintf(size, sizeof size, "%zx\r\n", bytes);
  char *piece = malloc(bytes + 1);
  memset(piece, 'x', bytes);

  for (;;) {
    if (send_message(fd, next, next_length, NULL, 0) || read_message(&event)) return 0;
    char *value = header(&event, "lambda-runtime-aws-request-id");
    if (!value) return 1;
    size_t n = strcspn(value, "\r");
    memcpy(id, value, n), id[n] = 0;
    int head_length = snprintf(head, sizeof head, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\n"
      "Host: %s:%d\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n"
      "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n", id, host, port);
    if (send_message(fd, head, head_length, NULL, 0)) return 0;
    for (int i = 0; i < pieces; i++) {
      char stamp[17];
      if (i == 0) snprintf(stamp, sizeof stamp, "%016llx", (unsigned long long)now()), memcpy(piece, stamp, 16);
      struct iovec parts[3] = {{size, size_length}, {piece, bytes}, {"\r\n", 2}};
      if (write_all(fd, parts, 3)) return 0;
    }
    if (pieces == 1) usleep(1000);
    if (send_message(fd, "0\r\n\r\n", 5, NULL, 0) || read_message(&answer)) return 0;
  }
}
