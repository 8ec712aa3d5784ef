// The floor under any emulator: blocking sockets, one caller, one runtime, no rules. It hands the caller's body to
// the runtime and the runtime's body to the caller.
// With BENCH_STREAM_PIECES the body of the runtime goes on as it comes.
// relay PORT API_PORT COMMAND…
#include "../c/http.h"
#include <signal.h>

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = address("127.0.0.1", port);
  if (bind(fd, (void *)&a, sizeof a) || listen(fd, 64)) perror("listen"), exit(1);
  return fd;
}

static int answer(int fd, const char *headers, const char *body, size_t length) {
  char head[512];
  int n = snprintf(head, sizeof head, "HTTP/1.1 %sContent-Length: %zu\r\n\r\n", headers, length);
  return send_message(fd, head, n, body, length);
}

// The end of a chunked body: no piece of the benchmark ends like it.
static int ends(const char *data, size_t length) {
  return length >= 5 && !memcmp(data + length - 5, "0\r\n\r\n", 5);
}

// Reads the head of the runtime's response, then writes its chunks on as they are.
static int stream(int from, int to) {
  static char data[1 << 18];
  size_t length = 0;
  char *end;
  do {
    ssize_t n = read(from, data + length, sizeof data - length);
    if (n <= 0) return -1;
    length += n;
  } while (!(end = memmem(data, length, "\r\n\r\n", 4)));
  const char *head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  size_t rest = data + length - (end + 4);
  if (send_message(to, head, strlen(head), end + 4, rest)) return -1;
  memmove(data, end + 4, rest);
  for (length = rest; !ends(data, length);) {
    size_t kept = length < 4 ? length : 4;
    memmove(data, data + length - kept, kept);
    ssize_t n = read(from, data + kept, sizeof data - kept);
    if (n <= 0 || send_message(to, data + kept, n, NULL, 0)) return -1;
    length = kept + n;
  }
  return 0;
}

int main(int count, char **words) {
  if (count < 4) return 64;
  signal(SIGPIPE, SIG_IGN);
  int callers = listen_on(atoi(words[1])), api = listen_on(atoi(words[2]));
  char where[64];
  snprintf(where, sizeof where, "127.0.0.1:%s", words[2]);
  setenv("AWS_LAMBDA_RUNTIME_API", where, 1);
  if (!fork()) {
    close(callers), close(api);
    execv(words[3], words + 3), _exit(127);
  }

  struct message runtime = message_on(no_delay(accept(api, NULL, NULL)));
  struct message caller = message_on(-1);
  if (read_message(&runtime)) return 1;
  for (;;) {
    caller.fd = no_delay(accept(callers, NULL, NULL));
    while (!read_message(&caller)) {
      if (answer(runtime.fd, "200 OK\r\nContent-Type: application/json\r\n"
          "Lambda-Runtime-Aws-Request-Id: 8f2b1c1e-1111-4111-8111-111111111111\r\n"
          "Lambda-Runtime-Deadline-Ms: 1700000000000\r\n", caller.body, caller.body_length)) return 1;
      if (getenv("BENCH_STREAM_PIECES")) {
        if (stream(runtime.fd, caller.fd) || answer(runtime.fd, "202 Accepted\r\n", NULL, 0) || read_message(&runtime)) return 1;
        continue;
      }
      if (read_message(&runtime)) return 1;
      answer(caller.fd, "200 OK\r\nContent-Type: application/json\r\n", runtime.body, runtime.body_length);
      if (answer(runtime.fd, "202 Accepted\r\n", NULL, 0) || read_message(&runtime)) return 1;
    }
    close(caller.fd);
  }
}
