"""complete.py OPENAPI COUNTS...: fails where an operation got no request that its description allows, or none that it does not."""

import collections
import json
import os
import re
import sys

document = json.load(open(sys.argv[1]))
counts = collections.defaultdict(collections.Counter)
for path in sys.argv[2:]:
    for label, got in json.load(open(path)).items():
        counts[label].update(got)
wrong = []
for path, item in document["paths"].items():
    if re.search(os.environ["ELSEWHERE"], path):
        continue
    for method, operation in item.items():
        if method == "parameters":
            continue
        label = f"{method.upper()} {path}"
        got = counts[label]
        # nothing can be wrong about a request that has no parameters; what is about one to the old path of a watch is luck, for the seed
        # does not order what several workers draw, and its parameters are those of a list
        luck = "/watch/" in path or not (operation.get("parameters") or item.get("parameters"))
        kinds = ("valid",) if luck else ("valid", "invalid")
        wrong += [f"{label}: no {kind} request of {dict(got)}" for kind in kinds if not got.get(kind)]
print(f"{len(counts)} operations, {sum(sum(each.values()) for each in counts.values())} requests")
print("\n".join(wrong))
sys.exit(bool(wrong))
