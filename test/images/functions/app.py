"""The function of the documentation."""

import os


def handler(event, context):
    return {"message": "Hello from Python!", "event": event, "handler": os.environ.get("_HANDLER")}
