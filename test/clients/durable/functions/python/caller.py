"""Completes a callback and reads its execution by boto3, as an external system does."""

import sys

import boto3
from botocore.config import Config

url, callback, name = sys.argv[1:]
client = boto3.client(
    "lambda",
    endpoint_url=url,
    region_name="us-east-1",
    aws_access_key_id="x",
    aws_secret_access_key="x",
    config=Config(retries={"total_max_attempts": 1}),
)
client.send_durable_execution_callback_heartbeat(CallbackId=callback)
client.send_durable_execution_callback_success(CallbackId=callback, Result=b'"from boto3"')
try:
    client.send_durable_execution_callback_success(CallbackId=callback, Result=b"1")
    raise SystemExit("it was completed twice")
except client.exceptions.CallbackTimeoutException as error:
    assert "already completed" in str(error), error
(run,) = client.list_durable_executions_by_function(FunctionName=name)["DurableExecutions"]
arn = run["DurableExecutionArn"]
assert client.get_durable_execution(DurableExecutionArn=arn)["DurableExecutionName"] in arn
events = client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
assert [event["EventType"] for event in events][:2] == ["ExecutionStarted", "CallbackStarted"], events
try:
    client.get_durable_execution(DurableExecutionArn=arn[:-1] + "x")
    raise SystemExit("it found what there is not")
except client.exceptions.ResourceNotFoundException:
    pass
