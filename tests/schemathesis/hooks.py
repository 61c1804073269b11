"""What schemathesis has to know of this API: objects that are there, and which requests would stay open.

Writes to $COUNTS, as JSON, how many requests each operation got that its description allows and that it does not."""

import atexit
import collections
import json
import os
import threading
import urllib.error
import urllib.request

import schemathesis

NAMESPACE, NAME = "demo", "a"
CONTAINERS = [{"name": "c", "image": "i"}]
# Objects that requests find: a valid one needs something to be about.
FOUND = {
    "namespaces": {"metadata": {"name": NAMESPACE}},
    f"namespaces/{NAMESPACE}/serviceaccounts": {"metadata": {"name": "default"}},
    f"namespaces/{NAMESPACE}/configmaps": {},
    f"namespaces/{NAMESPACE}/pods": {"spec": {"containers": CONTAINERS}},
    f"namespaces/{NAMESPACE}/secrets": {},
    f"namespaces/{NAMESPACE}/services": {"spec": {"ports": [{"port": 80}]}},
    f"namespaces/{NAMESPACE}/replicationcontrollers": {
        "spec": {
            "selector": {"l": "v"},
            "template": {"metadata": {"labels": {"l": "v"}}, "spec": {"containers": CONTAINERS}},
        }
    },
    "nodes": {},
}

counts = collections.defaultdict(collections.Counter)
lock = threading.Lock()


def prepare():
    headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
    for path, body in FOUND.items():
        data = json.dumps({"metadata": {"name": NAME}, **body}).encode()
        request = urllib.request.Request(f"{os.environ['API']}/api/v1/{path}", data, headers)
        try:
            urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            # an earlier run left it
            assert error.code == 409, (path, error.code, error.read())


@schemathesis.hook
def before_call(context, case, kwargs):
    allowed = case.meta is None or case.meta.generation.mode.is_positive
    with lock:
        counts[case.operation.label]["valid" if allowed else "invalid"] += 1
    if allowed:
        own = {"namespace": NAMESPACE, "name": NAME}
        case.path_parameters = {
            name: own.get(name, value) for name, value in (case.path_parameters or {}).items()
        }
    # What goes on until somebody ends it goes on for a second.
    query = dict(case.query or {})
    if "watch" in query or "/watch/" in case.path:
        case.query = {**query, "timeoutSeconds": 1}
    if "follow" in query:
        case.query = {**query, "follow": "false"}


@atexit.register
def report():
    with open(os.environ["COUNTS"], "w") as file:
        json.dump(counts, file, indent=1)


prepare()
