"""Waits for the emulator as testcontainers does: its own wait strategy, on the output of a process."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request

from testcontainers.core.wait_strategies import LogMessageWaitStrategy

gateway, *words = sys.argv[1:]


class Container:
    """What the strategy asks of a container, of a process."""

    def __init__(self):
        self.files = [tempfile.TemporaryFile("w+b") for _ in range(2)]
        self.process = subprocess.Popen(words, stdout=self.files[0], stderr=self.files[1], stdin=subprocess.DEVNULL)

    def get_logs(self):
        return tuple(os.pread(file.fileno(), 1 << 20, 0) for file in self.files)

    def get_wrapped_container(self):
        return self

    def reload(self):
        pass

    @property
    def status(self):
        return "running" if self.process.poll() is None else "exited"


container = Container()
try:
    strategy = LogMessageWaitStrategy(r"\(rapid\) exec '.*' \(cwd=.*, handler=.*\)")
    strategy.with_startup_timeout(60).with_poll_interval(0.05).wait_until_ready(container)
    url = f"http://{gateway}/2015-03-31/functions/function/invocations"
    request = urllib.request.Request(url, data=b'{"do":"echo"}', method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        print(json.load(answer))
finally:
    container.process.terminate()
    container.process.wait(60)
