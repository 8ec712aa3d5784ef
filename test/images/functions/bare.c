/* Runs a command in an empty environment. */
#include <unistd.h>

int main(int argc, char **argv) {
  char *none[] = {0};
  if (argc > 1) execve(argv[1], argv + 1, none);
  return 127;
}
