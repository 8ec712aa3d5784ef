"""A durable function that does what its event says, with AWS's SDK for Python."""

import json
import os

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import (
    CallbackConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
)
from aws_durable_execution_sdk_python.retries import RetryDecision
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision

SECOND = Duration.from_seconds(1)
RETRY_ONCE = StepConfig(retry_strategy=lambda _, attempt: RetryDecision(attempt < 2, SECOND))
NO_RETRY = StepConfig(retry_strategy=lambda *_: RetryDecision(False, SECOND))


def mark(text):
    """Side effects that a case counts."""
    with open(os.environ["MARKS"], "a", encoding="utf-8") as marks:
        marks.write(f"{text}\n")


def tries():
    with open(os.environ["MARKS"], encoding="utf-8") as marks:
        return marks.read().count("try")


def step(_, context):
    return context.step(lambda _: "hello", name="greet")


def nothing(*_):
    return None


def fail(*_):
    raise TypeError("boom")


def unnamed(_, context):
    one = context.step(lambda _: 1)
    context.wait(SECOND)
    return one


def flaky(_, context):
    def attempt(_):
        mark("try")
        if tries() < 2:
            raise RuntimeError("first fails")
        return "at last"

    return context.step(attempt, name="flaky", config=RETRY_ONCE)


def exhausted(_, context):
    def attempt(_):
        raise RuntimeError("always")

    return context.step(attempt, name="never", config=RETRY_ONCE)


def renamed(_, context):
    mark("try")
    context.step(lambda _: 1, name=f"name {tries()}")
    context.wait(SECOND)


def crash(_, context):
    def attempt(_):
        mark("try")
        if tries() < 2:
            os._exit(3)
        return "survived"

    return context.step(attempt, name="crashes")


def crash_once(_, context):
    def attempt(_):
        mark("try")
        os._exit(3)

    config = StepConfig(
        retry_strategy=lambda *_: RetryDecision(False, SECOND),
        step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
    )
    return context.step(attempt, name="crashes", config=config)


def many(event, context):
    def one(_):
        mark("step")
        return "x" * 20_000

    for index in range(event["count"]):
        context.step(one, name=f"s{index}")
    context.wait(SECOND, name="pause")
    return event["count"]


def nested(_, context):
    def inner(context):
        one = context.step(lambda _: 1, name="deep")
        context.wait(SECOND, name="rest")
        return one + 1

    def middle(context):
        return context.run_in_child_context(inner, name="inner")

    def outer(context):
        return context.run_in_child_context(middle, name="middle")

    return context.run_in_child_context(outer, name="outer")


def large_child(_, context):
    def part(_):
        mark("part")
        return "x" * 200_000

    def child(context):
        text = context.step(part, name="part")
        return text + text

    text = context.run_in_child_context(child, name="large")
    context.wait(SECOND, name="pause")
    return len(text)


def parallel(_, context):
    def slow(branch):
        branch.wait(SECOND, name="slow")
        return 2

    return context.parallel([lambda branch: branch.step(lambda _: 1, name="quick"), slow], name="both").get_results()


def map_items(event, context):
    def double(context, value, *_):
        def attempt(_):
            if value == 3:
                raise RuntimeError("not three")
            return value * 2

        return context.step(attempt, name="double", config=NO_RETRY)

    config = MapConfig(max_concurrency=5, completion_config=CompletionConfig(tolerated_failure_count=1))
    results = context.map(event["items"], double, name="all", config=config)
    return {
        "sum": sum(results.get_results()),
        "reason": results.completion_reason.value,
        "failures": results.failure_count,
    }


def callback(_, context):
    opened = context.create_callback("approve", CallbackConfig(timeout=Duration.from_minutes(5)))
    mark(f"callback {opened.callback_id}")
    return json.loads(opened.result())


def callback_timeout(_, context):
    return context.create_callback("approve", CallbackConfig(timeout=SECOND)).result()


def submitter(_, context):
    config = WaitForCallbackConfig(timeout=Duration.from_minutes(5))
    answer = context.wait_for_callback(lambda opened, _: mark(f"callback {opened}"), name="ask", config=config)
    return json.loads(answer)


def condition(_, context):
    def strategy(state, _):
        return (
            WaitForConditionDecision.stop_polling()
            if state >= 2
            else WaitForConditionDecision.continue_waiting(SECOND)
        )

    config = WaitForConditionConfig(wait_strategy=strategy, initial_state=0)
    return context.wait_for_condition(lambda state, _: state + 1, config, name="poll")


def invoke(event, context):
    return context.invoke(event["target"], event["input"], name="call")


ACTS = {
    "step": step,
    "nothing": nothing,
    "fail": fail,
    "unnamed": unnamed,
    "flaky": flaky,
    "exhausted": exhausted,
    "renamed": renamed,
    "crash": crash,
    "crash-once": crash_once,
    "many": many,
    "context": nested,
    "large-child": large_child,
    "parallel": parallel,
    "map": map_items,
    "callback": callback,
    "callback-timeout": callback_timeout,
    "submitter": submitter,
    "condition": condition,
    "invoke": invoke,
}


@durable_execution
def handler(event, context):
    return ACTS[event["do"]](event, context)
