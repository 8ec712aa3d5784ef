"""Functions that log with Powertools' logger, and with that of Python."""
import logging

from aws_lambda_powertools import Logger

logger = Logger(service="shop")
plain = logging.getLogger("plain")


def handler(event, context):
    logger.info("too quiet", extra={"n": 1})
    logger.warning("loud enough", extra={"n": 2})
    try:
        raise ValueError("no such fruit")
    except ValueError:
        logger.exception("caught")
    plain.info("too quiet")
    plain.warning("plainly")
    return "done"
