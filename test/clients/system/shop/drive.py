"""Drives the shop as a program would: with boto3, by names, ARNs and events. Prints what came of it."""

import json
import sys

import boto3

client = boto3.client("lambda")
note = sys.argv[1]


def invoke(name, payload, **more):
    answer = client.invoke(FunctionName=name, Payload=json.dumps(payload), **more)
    body = answer["Payload"].read()
    return {"status": answer["StatusCode"], "error": answer.get("FunctionError"), "body": json.loads(body) if body else None}


try:
    client.invoke(FunctionName="nobody")
    missing = None
except client.exceptions.ResourceNotFoundException as error:
    missing = error.response["Error"]["Message"]
print(
    json.dumps(
        {
            "order": invoke("front", {"item": "tea", "note": note}),
            "again": invoke("arn:aws:lambda:us-east-1:012345678912:function:front", {"item": "tea", "note": note}),
            "failed": invoke("stock", {"item": "nothing"})["error"],
            "event": invoke("stock", {"item": "nothing"}, InvocationType="Event")["status"],
            "missing": missing,
        }
    )
)
