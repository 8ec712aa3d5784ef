"""A function that asks Powertools for the metadata of its environment, or makes a subsegment with X-Ray's SDK."""

import os


def metadata(event, context):
    from aws_lambda_powertools.utilities.metadata import get_lambda_metadata

    return {"zone": get_lambda_metadata().availability_zone_id}


def traced(event, context):
    from aws_xray_sdk.core import xray_recorder

    with xray_recorder.in_subsegment("work"):
        pass
    return {"trace": os.environ.get("_X_AMZN_TRACE_ID")}
