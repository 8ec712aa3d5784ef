"""Makes the calls that come as lines of JSON, and says in a line of JSON what its user gets to see."""
import base64
import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def success(answer):
    meta = answer["ResponseMetadata"]
    payload = answer["Payload"].read() if "Payload" in answer else b""
    log = answer.get("LogResult")
    return {
        "status": answer.get("StatusCode"),
        "functionError": answer.get("FunctionError"),
        "executedVersion": answer.get("ExecutedVersion"),
        "log": None if log is None else base64.b64decode(log).decode(),
        "payload": payload.decode() if len(payload) < 65536 else None,
        "bytes": len(payload),
        "requestId": meta.get("RequestId"),
        "attempts": meta["RetryAttempts"] + 1,
    }


def streamed(answer):
    meta = answer["ResponseMetadata"]
    pieces, complete, first = [], None, None
    for event in answer["EventStream"]:
        first = first or time.monotonic()
        if "PayloadChunk" in event:
            pieces.append(event["PayloadChunk"]["Payload"].decode())
        if "InvokeComplete" in event:
            complete = event["InvokeComplete"]
    return {
        "status": answer.get("StatusCode"),
        "executedVersion": answer.get("ExecutedVersion"),
        "contentType": answer.get("ResponseStreamContentType"),
        "pieces": pieces,
        "complete": complete,
        "spread": (time.monotonic() - first) * 1000,
        "requestId": meta.get("RequestId"),
        "attempts": meta["RetryAttempts"] + 1,
    }


def failure(error):
    answer = error.response
    meta = answer["ResponseMetadata"]
    return {
        "exception": type(error).__name__,
        "code": answer["Error"]["Code"],
        "message": answer["Error"]["Message"],
        "reason": answer.get("Reason"),
        "retryAfter": answer.get("retryAfterSeconds"),
        "status": meta["HTTPStatusCode"],
        "requestId": meta.get("RequestId"),
        "attempts": meta["RetryAttempts"] + 1,
    }


for line in sys.stdin:
    call = json.loads(line)
    client = boto3.client(
        "lambda",
        endpoint_url=call["url"],
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "standard", "total_max_attempts": call["attempts"]}),
    )
    operation, read = {
        "Invoke": (client.invoke, success),
        "InvokeWithResponseStream": (client.invoke_with_response_stream, streamed),
        "ListFunctions": (client.list_functions, success),
    }[call["operation"]]
    try:
        seen = read(operation(**call["input"]))
    except ClientError as error:
        seen = failure(error)
    print(json.dumps(seen), flush=True)
