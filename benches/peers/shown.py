"""Before anything is measured, each contestant is seen to do the work."""

import http.client
import urllib.request

from house import RATE
from load import Load
from rows import Row


def show(house, contestant):
    """Ends the bench if the contestant leaves out what is measured."""
    if not contestant.works:
        return
    known = {"X-Api-Key": "bench-key-0000005"}
    seen = expect(contestant, 200, known, "a known key is admitted")
    if seen != "key= caller=caller-0000005":
        raise SystemExit(f"{contestant.name}: the upstream is to see the caller and no key, but saw {seen}")
    expect(contestant, 401, {"X-Api-Key": "other-key-0000005"}, "an unknown key is refused")
    expect(contestant, 401, {}, "no key is refused")
    seconds = 1
    with Load(house, contestant, Row("limit", "the limit of a key"), seconds, first_key=7, keys=1) as load:
        result = load.run(may_be_over=True)
    # As many at once as in a second, and some that a slow machine lets pass between two looks at the clock.
    most = RATE * (result["seconds"] + 1) * 1.2
    if not result["over"] or result["admitted"] > most:
        raise SystemExit(f"{contestant.name}: of {RATE} calls a second of a key it admits {result}")
    if url := contestant.metrics():
        urllib.request.urlopen(url).read()


def expect(contestant, status, fields, what):
    connection = http.client.HTTPConnection("127.0.0.1", contestant.ports["http1"], timeout=10)
    connection.request("GET", "/echo", headers={"Host": "bench.test", **fields})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    if response.status != status:
        raise SystemExit(f"{contestant.name}: {what}? {response.status} {body}")
    return body
