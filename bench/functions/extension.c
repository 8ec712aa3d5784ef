// An extension that subscribes to INVOKE and asks for the next event as soon as it has one. Its name is its file's, as AWS
// wants it.
#include "../c/http.h"

int main(int count, char **words) {
  const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
  char host[64] = "";
  int port = 0;
  if (count < 1 || !api || sscanf(api, "%63[^:]:%d", host, &port) < 2) return 64;
  const char *slash = strrchr(words[0], '/');

  int fd = no_delay(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = address(host, port);
  if (connect(fd, (void *)&a, sizeof a)) return perror("connect"), 1;
  struct message answer = message_on(fd);
  static const char events[] = "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}";
  char head[512], next[512], id[64];
  int length = snprintf(head, sizeof head, "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: %s:%d\r\n"
    "Lambda-Extension-Name: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
    host, port, slash ? slash + 1 : words[0], sizeof events - 1);
  if (send_message(fd, head, length, events, sizeof events - 1) || read_message(&answer)) return 1;
  char *value = header(&answer, "lambda-extension-identifier");
  if (!value) return fprintf(stderr, "not registered: %.200s\n", answer.data), 1;
  size_t n = strcspn(value, "\r");
  if (n >= sizeof id) return 1;
  memcpy(id, value, n);
  id[n] = 0;
  length = snprintf(next, sizeof next, "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: %s:%d\r\n"
    "Lambda-Extension-Identifier: %s\r\n\r\n", host, port, id);
  do {
    if (send_message(fd, next, length, NULL, 0) || read_message(&answer)) return 0;
  } while (!memmem(answer.body, answer.body_length, "SHUTDOWN", 8));
  return 0;
}
