"""A small collector: an external extension that makes spans and log records of OpenTelemetry from what it is delivered.

Says on stdout what it gets, and each span that OpenTelemetry's SDK exports.
"""
import http.server
import json
import os
import sys
import threading
import urllib.request
from datetime import datetime

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}"
PORT = int(os.environ["OBSERVER_PORT"])


class Lines(SpanExporter):
    def export(self, spans):
        for span in spans:
            told = {
                "name": span.name,
                "trace": f"{span.context.trace_id:032x}",
                "parent": span.parent and f"{span.parent.span_id:016x}",
                "ms": (span.end_time - span.start_time) / 1e6,
                "status": span.status.status_code.name,
                **span.attributes,
            }
            print("span", json.dumps(told), flush=True)
        return SpanExportResult.SUCCESS


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Lines()))
tracer = provider.get_tracer("observer")


def nanoseconds(time):
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1e9)


def parent(tracing):
    """X-Ray's header as the remote parent of a span."""
    fields = dict(pair.split("=", 1) for pair in tracing["value"].split(";") if "=" in pair)
    root = fields["Root"].split("-")
    span_id = tracing.get("spanId") or fields.get("Parent")
    context = SpanContext(int(root[1] + root[2], 16), int(span_id, 16), True, TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(context))


started = {}


def observe(entry):
    kind, record, time = entry["type"], entry["record"], entry["time"]
    print("observed", json.dumps({"type": kind, "record": record}), flush=True)
    if kind == "platform.start":
        started[record["requestId"]] = (nanoseconds(time), record.get("tracing"))
    if kind == "platform.runtimeDone":
        begun, tracing = started.pop(record["requestId"])
        context = parent(tracing) if tracing else None
        attributes = {"faas.invocation_id": record["requestId"]}
        span = tracer.start_span("invocation", context, attributes=attributes, start_time=begun)
        for part in record.get("spans", []):
            inner = tracer.start_span(
                part["name"], trace.set_span_in_context(span), start_time=nanoseconds(part["start"])
            )
            inner.end(nanoseconds(part["start"]) + int(part["durationMs"] * 1e6))
        if record["status"] != "success":
            span.set_status(Status(StatusCode.ERROR, record.get("errorType")))
        span.end(nanoseconds(time))


class Deliveries(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for entry in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            observe(entry)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(method, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(API + path, data, headers, method=method)) as answer:
        return answer.headers, answer.read()


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Deliveries)
threading.Thread(target=server.serve_forever, daemon=True).start()
headers, _ = call(
    "POST",
    "/2020-01-01/extension/register",
    {"events": ["INVOKE", "SHUTDOWN"]},
    **{"Lambda-Extension-Name": os.environ["OBSERVER_NAME"]},
)
me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
subscription = {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{PORT}"},
    "buffering": {"timeoutMs": 25},
}
call("PUT", "/2022-07-01/telemetry", subscription, **me)
while b"SHUTDOWN" not in call("GET", "/2020-01-01/extension/event/next", **me)[1]:
    pass
provider.shutdown()
sys.exit(0)
