// The function under load: a Lambda runtime that answers "hello" at once, or the event itself (BENCH_ECHO=1).
// BENCH_URL=1: an answer for a Function URL.
// It costs next to nothing, so that what is measured is the emulator.
// BENCH_POLLERS=N: N such runtimes, each a process with its own connection (for emulators that start only one).
// AWS_LAMBDA_RUNTIME_API may be a whole URL with a prefix: cargo-lambda wants http://HOST:PORT/.rt.
#include "../c/http.h"

#define URL_ANSWER "{\"statusCode\":200,\"headers\":{\"content-type\":\"text/plain\"},\"multiValueHeaders\":{}," \
  "\"body\":\"hello\",\"isBase64Encoded\":false,\"cookies\":[]}"

int main(void) {
  const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
  if (!api) return 64;
  if (!strncmp(api, "http://", 7)) api += 7;
  char host[64] = "", prefix[128] = "";
  int port = 0;
  if (sscanf(api, "%63[^:]:%d%127s", host, &port, prefix) < 2) return 64;

  int pollers = getenv("BENCH_POLLERS") ? atoi(getenv("BENCH_POLLERS")) : 1;
  while (--pollers > 0 && fork() > 0) continue;

  int fd = no_delay(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = address(host, port);
  if (connect(fd, (void *)&a, sizeof a)) return perror("connect"), 1;

  int echo = getenv("BENCH_ECHO") != NULL;
  struct message event = message_on(fd), answer = message_on(fd);
  char next[512], head[512], id[64];
  int next_length = snprintf(next, sizeof next, "GET %s/2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
    "Host: %s:%d\r\nUser-Agent: bench\r\n\r\n", prefix, host, port);

  for (;;) {
    if (send_message(fd, next, next_length, NULL, 0) || read_message(&event)) return 0;
    char *value = header(&event, "lambda-runtime-aws-request-id");
    if (!value) return fprintf(stderr, "no request id: %.200s\n", event.data), 1;
    size_t n = strcspn(value, "\r");
    if (n >= sizeof id) return 1;
    memcpy(id, value, n);
    id[n] = 0;
    const char *fixed = getenv("BENCH_URL") ? URL_ANSWER : "\"hello\"";
    const char *body = echo ? event.body : fixed;
    size_t length = echo ? event.body_length : strlen(fixed);
    int head_length = snprintf(head, sizeof head, "POST %s/2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\n"
      "Host: %s:%d\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
      prefix, id, host, port, length);
    if (send_message(fd, head, head_length, body, length) || read_message(&answer)) return 0;
  }
}
