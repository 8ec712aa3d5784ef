"""A function whose invocations take as long as their event says, and that says which release it is of."""

import os
import time


def handler(event, context):
    time.sleep(event.get("ms", 0) / 1000)
    return {"release": os.environ.get("RELEASE"), "n": event.get("n")}
