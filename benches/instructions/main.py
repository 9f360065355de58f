"""Counts a request with a key, which is enforced in full, and one of an open endpoint, through the same binary; see
`run` beside it. With a second binary both are counted in turns, and the first one must not need 5 % more.

Both are the same requests. An endpoint is open by `keyless_key`: it looks for keys elsewhere, and its calls are charged
to a key that is exempt from all limits.
"""

import os
import pathlib
import sys
from statistics import median

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))

from contestants import TollgateTelling
from house import House
from instructions import begin, of, start
from load import Load
from processes import user_seconds
from rows import ROWS, Row

ROUNDS = 3
SECONDS = 3
KEYS = 10_000
# More than so many times what the commit before needs is too much.
BOUND = 1.05

ROAD = Row("protected", "enforced in full", keys=KEYS)
OPEN = Row("open", "an open endpoint", path="/plain", keys=KEYS)

# Where they lead in a profile. The digest stands apart, since callgrind's processor has no instructions for it.
DECISION = r"tollgate_core::decision::Decider::decide"
DIGEST = r"sha2::sha256::compress256"
ALLOCATION = r"mi_(malloc|zalloc|realloc)_aligned"
PARTS = {
    "credential": r"tollgate_proxy::credential::take",
    "cleaning": r"tollgate_proxy::headers::clean_request",
    "introduction": r"tollgate_proxy::introduce::.*introduce",
}


class Counted(TollgateTelling):
    besides = """
[services.plain]
path = "/plain"
upstream = "origin"
rate_limit_headers = "none"
credentials = [ { header = "X-Other-Key" } ]
keyless_key = "nobody"
[services.plain.endpoints.all]
[packages.bench.plans.plain]
qps_limit_exempt = true
rate_limit_exempt = true
services.plain = {}
[keys.nobody]
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
application = "bench"
package = "bench"
plan = "plain"
"""

    def __init__(self, house, origin, name, binary):
        super().__init__(house, origin)
        self.name, self.binary = name, binary

    def command(self):
        return [self.binary, *super().command()[1:]]


def main():
    names = dict(zip(("now", "before"), sys.argv[1:]))
    os.environ["TOLLGATE"] = sys.argv[1]
    counted = {name: {} for name in names}
    with House(KEYS, 1) as house:
        direct = begin(house)
        gates = [Counted(house, direct.ports["http1"], name, binary) for name, binary in names.items()]
        for gate in gates:
            start(gate, house.work)
        for _ in range(ROUNDS):
            for gate in gates:
                for row in (ROAD, OPEN):
                    for what, value in figures(house, gate, row).items():
                        counted[gate.name].setdefault(what, []).append(value)
        speed = instructions_a_microsecond(house, direct, sys.argv[1], counted["now"])
    medians = {name: {what: median(values) for what, values in all.items()} for name, all in counted.items()}
    sys.exit(tell(medians, counted, speed))


def figures(house, gate, row):
    """What a request of the row needs."""
    profile, requests = of(house, gate, row, SECONDS, house.work)
    _, digest = profile.of(DIGEST)
    decisions, decision = profile.of(DECISION)
    allocations, _ = profile.of(ALLOCATION)
    if not decisions or not allocations:
        raise SystemExit(f"a profile of {row.title} names {decisions} decisions and {allocations} allocations")
    found = {
        f"{row.name}: request": (profile.total - digest) / requests,
        f"{row.name}: decision": (decision - digest) / decisions,
        f"{row.name}: allocations": allocations / requests,
        f"{row.name}: digest": digest / requests,
    }
    for part, pattern in PARTS.items():
        calls, cost = profile.of(pattern)
        # Without any call it has become a part of what calls it.
        if calls:
            found[f"{row.name}: {part}"] = cost / requests
    return found


def instructions_a_microsecond(house, direct, binary, counted):
    """So many of its instructions the processor does in a microsecond of user time, with the digest as it is here."""
    gate = Counted(house, direct.ports["http1"], "timed", binary)
    gate.start()
    gate.wait()
    speeds = []
    for _ in range(ROUNDS):
        with Load(house, gate, OPEN, SECONDS) as load:
            before = user_seconds(gate.pid())
            requests = load.run()["requests"]
            spent = user_seconds(gate.pid()) - before
        speeds.append(median(counted["open: request"]) * requests / spent / 1e6)
    return median(speeds)


def tell(medians, counted, speed):
    """The table; 1 if something has grown too much."""
    now, before = medians["now"], medians.get("before")
    print(f"\nmedians of {ROUNDS} rounds; instructions, without those of digests")
    grown = 0
    for what, value in now.items():
        spread = f"({min(counted['now'][what]):.1f} to {max(counted['now'][what]):.1f})"
        line = f"{what:26} {value:10.1f} {spread:24}"
        if before and (was := before.get(what)):
            line += f" before {was:10.1f} {value / was - 1:+7.1%}"
            if value >= was * BOUND and what.split(": ")[1] in ("request", "decision", "allocations"):
                line += "  TOO MUCH"
                grown = 1
        print(line)
    more = now["protected: request"] - now["open: request"]
    allocations = now["protected: allocations"] - now["open: allocations"]
    print(
        f"enforcement: {more:.0f} instructions and {allocations:.1f} allocations more than an open endpoint;"
        f"\nat {speed:.0f} instructions a microsecond of user time, measured in this run, {more / speed:.2f} us and a digest"
    )
    return grown


if __name__ == "__main__":
    main()
