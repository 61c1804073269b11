"""seeds.py RECORDINGS CORPUS: writes the first inputs of the targets, from what real servers were sent and from the examples."""

import hashlib
import json
import pathlib
import sys
from urllib.parse import parse_qs, urlsplit

recordings, corpus = map(pathlib.Path, sys.argv[1:])


def seed(target, data):
    directory = corpus / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / hashlib.sha1(data).hexdigest()).write_bytes(data)


for example in pathlib.Path("examples").rglob("*"):
    if example.suffix in (".json", ".yaml") and example.is_file():
        seed("decode", example.read_bytes())
for recording in sorted(recordings.glob("kube-recordings/*.jsonl")):
    for line in recording.read_text().splitlines():
        request = json.loads(line).get("request", {})
        if not isinstance(request, dict):
            # a watch: where it went
            continue
        body = request.get("body") or ""
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        if body:
            seed("patch" if request.get("method") == "PATCH" else "decode", body)
        for values in parse_qs(urlsplit(request.get("path", "")).query).values():
            for value in values:
                seed("selector", value.encode())
for selector in ("a in (b,c),d notin (e),!f,g>1,h<2,i=j,k!=l", "metadata.name=a,status.phase!=Running", r"a=b\,c"):
    seed("selector", selector.encode())
for frames in (b"5\nhello3\nabc", b"0\n\n"):
    seed("recordio", frames)
# a question for an address, one with a size of its own (EDNS), one for all types, and one of two questions
name = b"\x03web\x01a\x03svc\x07cluster\x05local\x00"
for data in (
    b"\x12\x67\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01",
    b"\x12\x67\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" + name + b"\x00\x1c\x00\x01\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00",
    b"\x12\x67\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\xff\x00\x01",
    b"\x12\x67\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" + name + b"\x00\x21\x00\x01\xc0\x0c\x00\x01\x00\x01",
):
    seed("dns", data)
# settings, a ping, data of a stream and a stream that is reset
seed("spdy", bytes.fromhex("8003000400000004000000008003000600000004000000010000000101000003616263" "80030003000000080000000100000005"))
