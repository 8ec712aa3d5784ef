"""The handlers of the reference's end-to-end tests, and one of ours."""

import os
import time


def success(event, context):
    return "My lambda ran succesfully"


def environment(event, context):
    return os.environ.get("MyEnv")


def arn(event, context):
    return context.invoked_function_arn


def function_name(event, context):
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME")


def sleep(event, context):
    time.sleep(5)
    return "too late"


def exception(event, context):
    raise Exception("Raising an exception")


def remaining_time(event, context):
    time.sleep(1)
    return context.get_remaining_time_in_millis()


def custom_client_context(event, context):
    return context.client_context.custom


def orphans(event, context):
    """Leaves processes behind that PID 1 inherits, and that stay until they are killed."""
    for _ in range(event["count"]):
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                time.sleep(3600)
            os._exit(0)
        os.waitpid(child, 0)
    return f"left {event['count']}"
