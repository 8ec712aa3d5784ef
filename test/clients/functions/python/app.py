"""The function behind the Python client. What it does is in the event: {"do": …}."""

import logging
import os
import sys
import threading
import time

from snapshot_restore_py import register_after_restore, register_before_snapshot

hooks = []
register_before_snapshot(hooks.append, "before the snapshot")
register_after_restore(hooks.append, "after the restore")


def handler(event, context):
    match event.get("do"):
        case "throw":
            raise ValueError(event["message"])
        case "exit":
            os._exit(event["code"])
        case "panic":
            threading.Timer(0, os.abort).start()
            time.sleep(60)
        case "sleep":
            time.sleep(event["ms"] / 1000)
            return {"instance": os.getpid()}
        case "environment":
            return {name: os.environ.get(name) for name in event["names"]}
        case "context":
            return {
                "requestId": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "remaining": context.get_remaining_time_in_millis(),
                "trace": os.environ.get("_X_AMZN_TRACE_ID"),
                "custom": context.client_context.custom if context.client_context else None,
            }
        case "large":
            return "x" * event["bytes"]
        case "print":
            for line in range(event["lines"]):
                print("out", event["n"], line, flush=True)
                print("err", event["n"], line, file=sys.stderr, flush=True)
            return event
        case "log":
            logging.getLogger().warning("log %d", event["n"])
            time.sleep(event["ms"] / 1000)
            return {"requestId": context.aws_request_id, "n": event["n"]}
        case "hooks":
            return {"hooks": hooks}
        case "instance":
            return {"instance": os.getpid()}
        case _:
            return event
