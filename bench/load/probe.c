// What wrk cannot do: bodies of megabytes with every answer checked, an exact number of requests, and the time from
// the start of a process to its first answer. One caller, one connection; `arrivals` has many, and requests at set times.
//
//   probe load PORT PATH BYTES COUNT ECHO       COUNT requests; ECHO=1: the answer must be the request
//   probe stream PORT PATH COUNT                COUNT streams; the latency is from the write of the first byte to its arrival
//   probe arrivals PORT PATH CALLERS RATE SECONDS   RATE requests a second, whatever the answers take; the latency is from the
//                                               time at which a request was to be sent
//   probe start PORT PATH -- COMMAND…           starts COMMAND, asks until it answers, ends it
//
// Prints one line of JSON; latencies and times in microseconds.
#include "../c/http.h"
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void pause_for(long microseconds) {
  struct timespec t = {.tv_nsec = microseconds * 1000};
  nanosleep(&t, NULL);
}

static int connect_to(int port) {
  struct sockaddr_in a = address("127.0.0.1", port);
  int fd = no_delay(socket(AF_INET, SOCK_STREAM, 0));
  if (!connect(fd, (void *)&a, sizeof a)) return fd;
  close(fd);
  return -1;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int succeeded(struct message *m) {
  return m->length > 12 && !memcmp(m->data + 9, "200", 3) && !header(m, "x-amz-function-error");
}

static size_t request_head(char *to, size_t room, int port, const char *path, size_t length) {
  return snprintf(to, room, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
    "Content-Length: %zu\r\n\r\n", path, port, length);
}

static int load(int port, const char *path, size_t bytes, int count, int echo) {
  int fd = connect_to(port);
  if (fd < 0) return perror("connect"), 1;
  char *body = malloc(bytes), head[512];
  memset(body, 'a', bytes);
  body[0] = body[bytes - 1] = '"';
  size_t head_length = request_head(head, sizeof head, port, path, bytes);
  double *took = calloc(count, sizeof *took), begun = now();
  int errors = 0;
  struct message m = message_on(fd);
  for (int i = 0; i < count; i++) {
    double sent = now();
    if (send_message(fd, head, head_length, body, bytes) || read_message(&m))
      return fprintf(stderr, "the connection ended after %d answers\n", i), 1;
    took[i] = now() - sent;
    if (!succeeded(&m) || (echo && (m.body_length != bytes || memcmp(m.body, body, bytes)))) errors++;
  }
  double seconds = (now() - begun) / 1e6;
  qsort(took, count, sizeof *took, by_size);
  printf("{\"requests\":%d,\"errors\":%d,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f}\n", count, errors, seconds,
    took[count / 2], took[count * 99 / 100]);
  return 0;
}

// Each stream begins with the time at which its first piece was written, see functions/stream.c.
static int stream(int port, const char *path, int count) {
  int fd = connect_to(port), errors = 0;
  if (fd < 0) return perror("connect"), 1;
  char head[512];
  size_t head_length = request_head(head, sizeof head, port, path, 2), received = 0;
  double *took = calloc(count, sizeof *took), begun = now();
  static char data[1 << 20];
  for (int i = 0; i < count; i++) {
    if (send_message(fd, head, head_length, "{}", 2)) return 1;
    size_t length = 0;
    char *body = NULL, *piece = NULL;
    while (!piece || data + length < piece + 16) {
      ssize_t n = read(fd, data + length, sizeof data - length);
      double arrived = now();
      if (n <= 0) return fprintf(stderr, "the connection ended after %d streams\n", i), 1;
      length += n;
      if (!body && (body = memmem(data, length, "\r\n\r\n", 4))) body += 4;
      if (body && !piece && (piece = memmem(body, data + length - body, "\r\n", 2))) piece += 2;
      if (piece && data + length >= piece + 16) {
        char stamp[17] = "";
        memcpy(stamp, piece, 16);
        took[i] = arrived - strtoull(stamp, NULL, 16) / 1e3;
      }
    }
    if (memcmp(data + 9, "200", 3) || took[i] < 0) errors++;
    received += length;
    while (length < 5 || memcmp(data + length - 5, "0\r\n\r\n", 5)) {
      size_t kept = length < 4 ? length : 4;
      memmove(data, data + length - kept, kept);
      ssize_t n = read(fd, data + kept, sizeof data - kept);
      if (n <= 0) return fprintf(stderr, "a stream broke off after %zu bytes\n", received), 1;
      received += n;
      length = kept + n;
    }
  }
  double seconds = (now() - begun) / 1e6;
  qsort(took, count, sizeof *took, by_size);
  printf("{\"requests\":%d,\"errors\":%d,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f,\"bytes\":%zu}\n", count, errors, seconds,
    took[count / 2], took[count * 99 / 100], received);
  return 0;
}

enum { MOST_CALLERS = 1024 };

// An open loop: requests have their times, and one that finds no caller free waits, which counts. What is not answered
// after three times the time is an error.
static int arrivals(int port, const char *path, int callers, double rate, int seconds) {
  static struct message answers[MOST_CALLERS];
  static double intended[MOST_CALLERS];
  int idle[MOST_CALLERS], free_callers = 0, poll = epoll_create1(0);
  if (callers < 1 || callers > MOST_CALLERS || rate <= 0) return 64;
  for (int i = 0; i < callers; i++) {
    answers[i] = message_on(connect_to(port));
    if (answers[i].fd < 0) return perror("connect"), 1;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(poll, EPOLL_CTL_ADD, answers[i].fd, &event);
    idle[free_callers++] = i;
  }
  prctl(PR_SET_TIMERSLACK, 1);
  char head[512];
  size_t head_length = request_head(head, sizeof head, port, path, 7);
  int total = rate * seconds, sent = 0, answered = 0, errors = 0;
  if (total < 1) return 64;
  double *took = calloc(total, sizeof *took), step = 1e6 / rate, begun = now(), end = begun + 3e6 * seconds;
  while (answered < total && now() < end) {
    double time = now();
    while (sent < total && free_callers > 0 && begun + sent * step <= time) {
      int caller = idle[--free_callers];
      intended[caller] = begun + sent++ * step;
      if (send_message(answers[caller].fd, head, head_length, "{\"a\":1}", 7)) return perror("send"), 1;
    }
    double left = sent < total && free_callers > 0 ? begun + sent * step - now() : 1e5;
    if (left < 0) left = 0;
    struct timespec pause = {.tv_sec = left / 1e6, .tv_nsec = ((long)left % 1000000) * 1000};
    struct epoll_event events[64];
    int ready = epoll_pwait2(poll, events, 64, &pause, NULL);
    for (int i = 0; i < ready; i++) {
      int caller = events[i].data.u32;
      if (read_message(&answers[caller])) return fprintf(stderr, "a connection ended after %d answers\n", answered), 1;
      if (!succeeded(&answers[caller])) errors++;
      took[answered++] = now() - intended[caller];
      idle[free_callers++] = caller;
    }
  }
  double passed = (now() - begun) / 1e6;
  errors += total - answered;
  if (answered == 0) return fprintf(stderr, "no answer\n"), 1;
  qsort(took, answered, sizeof *took, by_size);
  printf("{\"requests\":%d,\"errors\":%d,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f}\n", total, errors,
    passed, took[answered / 2], took[(long)answered * 99 / 100], took[(long)answered * 999 / 1000]);
  return 0;
}

// The prober shares the CPU with what it probes, so it sleeps between attempts: a refused connect costs about 10 µs,
// four times per millisecond.
static int start(int port, const char *path, char **command) {
  prctl(PR_SET_TIMERSLACK, 1);
  char head[512];
  size_t head_length = request_head(head, sizeof head, port, path, 7);
  struct message m = message_on(-1);
  double begun = now();
  pid_t child = fork();
  if (!child) execvp(command[0], command), _exit(127);
  int answered = 0, ended = 0;
  while (!answered && !ended && now() - begun < 10e6) {
    m.fd = connect_to(port);
    if (m.fd < 0) {
      pause_for(250);
      ended = waitpid(child, NULL, WNOHANG) == child;
      continue;
    }
    answered = !send_message(m.fd, head, head_length, "{\"a\":1}", 7) && !read_message(&m) && succeeded(&m);
    if (!answered) break;
  }
  double took = now() - begun;
  if (!ended) {
    kill(child, SIGTERM);
    for (int i = 0; i < 2000 && waitpid(child, NULL, WNOHANG) != child; i++)
      if (pause_for(900), i == 1999) kill(child, SIGKILL), waitpid(child, NULL, 0);
  }
  if (!answered) return fprintf(stderr, "\nno answer: %.160s\n", m.length ? m.data : "no bytes"), 1;
  printf("{\"start\":%.1f}\n", took);
  return 0;
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  if (count == 7 && !strcmp(words[1], "load"))
    return load(atoi(words[2]), words[3], strtoul(words[4], NULL, 10), atoi(words[5]), atoi(words[6]));
  if (count == 7 && !strcmp(words[1], "arrivals"))
    return arrivals(atoi(words[2]), words[3], atoi(words[4]), atof(words[5]), atoi(words[6]));
  if (count == 5 && !strcmp(words[1], "stream")) return stream(atoi(words[2]), words[3], atoi(words[4]));
  if (count > 5 && !strcmp(words[1], "start") && !strcmp(words[4], "--"))
    return start(atoi(words[2]), words[3], words + 5);
  return 64;
}
