"""What is in stock; the ledger, which no client of AWS's serves, is asked how much was sold."""

import json

import boto3

client = boto3.client("lambda")


def handler(event, context):
    if event["item"] == "nothing":
        raise ValueError("there is none")
    sold = json.load(client.invoke(FunctionName="ledger", Payload=json.dumps({"count": event["item"]}))["Payload"])
    stream = client.invoke_with_response_stream(FunctionName="ledger", Payload=json.dumps({"count": event["item"]}))
    pieces = [one["PayloadChunk"]["Payload"] for one in stream["EventStream"] if "PayloadChunk" in one]
    return {"item": event["item"], "sold": sold, "streamed": json.loads(b"".join(pieces)), "by": context.function_name}
