"""What is measured, in which order; see `run` beside it."""

import argparse
import json
import pathlib
import sys
import time

import note
from contestants import CONTESTANTS, VARIANTS
from figures import Figures, verdict
from house import House
from instructions import count
from measure import cost, latency, sizes, system_calls
from rows import ROWS
from shown import show


def main():
    arguments = parse()
    kinds = CONTESTANTS if arguments.quick else CONTESTANTS + VARIANTS
    if arguments.contestants:
        kinds = [kind for kind in CONTESTANTS + VARIANTS if kind.name in arguments.contestants.split(",")]
    rows = [ROWS[0]] if arguments.quick else ROWS
    if arguments.rows:
        rows = [row for row in ROWS if row.name in arguments.rows.split(",")]
    if arguments.instructions:
        for name, counted in count([kind.name for kind in kinds], arguments.seconds).items():
            print(f"{name:16} {counted:9.0f} instructions")
        return
    samples, extra = [], {"memory": {}, "calls": {}, "latency": {}}
    for keys in dict.fromkeys(row.keys for row in rows):
        with House(keys, arguments.workers) as house:
            there = start(house, kinds)
            for row in rows:
                if row.keys == keys:
                    measure(house, there, row, arguments, samples)
            extra["memory"][keys] = {each.name: sizes(each) for each in there}
            if not arguments.quick and keys == ROWS[0].keys:
                beside(house, there, arguments, extra)
    figures = Figures(samples)
    whole = not (arguments.quick or arguments.rows or arguments.contestants)
    results = {"workers": arguments.workers, "seconds": arguments.seconds, "samples": samples, **extra}
    # Before anything else can fail.
    pathlib.Path(arguments.results).write_text(json.dumps(results))
    if whole:
        results["instructions"] = count([kind.name for kind in kinds], arguments.seconds)
        pathlib.Path(arguments.results).write_text(json.dumps(results))
        note.write(figures, results, kinds)
    for row in rows:
        print(f"\n{row.title}: CPU microseconds a request, and that to Tollgate's")
        tell(figures, row, kinds)


def parse():
    parser = argparse.ArgumentParser(prog="benches/peers/run", description="Tollgate beside its peers at the same work.")
    parser.add_argument("--quick", action="store_true", help="the first row only, in less than a minute")
    parser.add_argument("--instructions", action="store_true", help="user-space instructions of a request, and no more")
    parser.add_argument("--rounds", type=int, help="of each row (5, or 3 with --quick)")
    parser.add_argument("--seconds", type=float, help="of each measurement (2, or 1.5 with --quick)")
    parser.add_argument("--workers", type=int, default=2, help="of each contestant (2)")
    parser.add_argument("--rate", type=float, default=4000, help="requests a second where latency is measured (4000)")
    parser.add_argument("--rows", help="names of rows: " + ",".join(row.name for row in ROWS))
    names = ",".join(kind.name for kind in CONTESTANTS + VARIANTS)
    parser.add_argument("--contestants", help="names of contestants: " + names)
    parser.add_argument("--results", default="target/peers/results.json", help="where all that was measured goes")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (1.5 if arguments.quick else 2.0)
    return arguments


def start(house, kinds):
    """All contestants, running and seen to do the work."""
    direct = next(kind for kind in kinds + CONTESTANTS if kind.name == "direct")(house, None)
    direct.start()
    direct.wait()
    there = []
    for kind in kinds:
        if kind.name == "direct":
            there.append(direct)
            continue
        each = kind(house, direct.ports["http1"])
        if kind.name == "relay":
            each.upstreams = direct.ports
        each.start()
        there.append(each)
    for each in there:
        each.wait()
        show(house, each)
        log(f"{each.name} runs with {house.keys} keys, and does the work" if each.works else f"{each.name} runs")
    # The key that was brought over its limit is within it again.
    time.sleep(1.1)
    return there


def measure(house, there, row, arguments, samples):
    """Rounds interleaved, each in another order, after one that is not counted."""
    part = [each for each in there if row.for_contestant(each)]
    if row is not ROWS[0]:
        part = [each for each in part if type(each) not in VARIANTS]
    if row.swaps:
        part = [each for each in part if each.swap(0)]
    for each in part:
        cost(house, each, row, min(0.3, arguments.seconds))
    for number in range(arguments.rounds):
        turn = number % len(part)
        for each in part[turn:] + part[:turn]:
            measured = cost(house, each, row, arguments.seconds)
            samples.append({"row": row.name, "contestant": each.name, "round": number, **measured})
            again = f", {measured['reconnects']} connections anew" if measured["reconnects"] else ""
            log(f"{row.name} {number + 1}/{arguments.rounds} {each.name} {measured['cpu']:.2f} us{again}")


def beside(house, there, arguments, extra):
    """System calls and latencies of the first row."""
    row = ROWS[0]
    for each in there:
        extra["calls"][each.name] = system_calls(house, each, row, arguments.seconds / 2)
    extra["rate"] = arguments.rate
    for number in range(arguments.rounds):
        turn = number % len(there)
        for each in there[turn:] + there[:turn]:
            found = latency(house, each, row, arguments.seconds, arguments.rate)
            extra["latency"].setdefault(each.name, []).append(found)
            log(f"latency {number + 1}/{arguments.rounds} {each.name} {found['p50']:.0f} us")


def tell(figures, row, kinds):
    """A line for each contestant: name, CPU microseconds a request, how many times Tollgate's."""
    for kind in kinds:
        cpu = figures.median(row.name, kind.name)
        if cpu is None:
            continue
        ratio = figures.ratio(row.name, kind.name)
        if ratio is None:
            print(f"{kind.name:16} {cpu:9.2f} us")
            continue
        line = f"{kind.name:16} {cpu:9.2f} us {1 / ratio[0]:6.2f}"
        if kind.name != "tollgate":
            line += f"   Tollgate needs {ratio[0]:.2f} of it ({ratio[1]:.2f} to {ratio[2]:.2f})"
            if judged := verdict(figures.judged(row, kind.name)):
                line += f"; {judged}"
        print(line)


def log(what):
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
