#!/usr/bin/env python3
"""An external extension in the manner of AWS's Python samples: says on stdout what it is told."""
import json
import os
import signal
import sys
import urllib.request
from pathlib import Path

# the name of the folder is that of the file in /opt/extensions, which is what must be registered
NAME = Path(__file__).parent.name
API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension"


def leave(number, _frame):
    print(f"extension: signal {number}", flush=True)
    sys.exit(0)


def register():
    body = json.dumps({"events": ["INVOKE", "SHUTDOWN"]}).encode()
    headers = {"Lambda-Extension-Name": NAME, "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{API}/register", body, headers)) as answer:
        answer.read()
        return answer.headers["Lambda-Extension-Identifier"]


def serve(identifier):
    request = urllib.request.Request(f"{API}/event/next", headers={"Lambda-Extension-Identifier": identifier})
    while True:
        with urllib.request.urlopen(request, timeout=None) as answer:
            event = json.load(answer)
        if event["eventType"] == "SHUTDOWN":
            print(f"extension: SHUTDOWN {event['shutdownReason']}", flush=True)
            sys.exit(0)
        print(f"extension: INVOKE {event['requestId']}", flush=True)


signal.signal(signal.SIGINT, leave)
signal.signal(signal.SIGTERM, leave)
serve(register())
