"""docs/performance.md and its picture."""

import datetime
import os
import pathlib
import platform
import subprocess
from statistics import median

from figures import verdict
from house import RATE
from picture import draw
from rows import ROWS

DOCS = pathlib.Path("docs")
HEAD = """# Performance

Written by `benches/peers/run`, which installs the contestants, sees that each does the work, and measures them all on
your machine; `--quick` measures the first row in less than a minute. What counts is the CPU time that a request costs a
contestant, user and system, of all its processes: it depends least on what else the machine does. Rounds are interleaved; figures are
medians of them.

The work: {keys:,} keys in rotation in a header field, each checked, held to {rate:,} calls a second and to a quota where there is
one, taken out of the request, and its caller told to the upstream in a field; metrics on, no access log; connections to
the upstream are kept. Each contestant has {workers} workers. Tollgate is built as it is shipped, by `release/build`; the others come
from their distributors, but for pingora, which `cargo build --release` makes.
"""


def write(figures, results, kinds):
    parts = [
        HEAD.format(keys=ROWS[0].keys, rate=RATE, workers=results["workers"]),
        machine(kinds),
        "## CPU time of a request\n\n![CPU time of a request](performance.svg)\n\nMicroseconds.\n",
        costs(figures, kinds),
        "## Against the goals\n\nWhat Tollgate needs of what the other needs, least and most of the rounds in brackets.\n",
        goals(figures),
        "## Beside it\n",
        beside(figures, results, kinds),
        "## What differs\n\n" + "\n".join(f"- **{kind.name}**: {kind.differs}" for kind in kinds) + "\n",
        "## Rounds\n\nCPU microseconds a request, in the order of the rounds.\n",
        rounds(figures, kinds),
    ]
    (DOCS / "performance.md").write_text("\n".join(parts))
    (DOCS / "performance.svg").write_text(draw(figures, ROWS))


def machine(kinds):
    model = next((l for l in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("model name")), ":")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    versions = dict.fromkeys(kind.version() for kind in kinds)
    return (
        f"Measured on {datetime.date.today()} at commit {commit}, on {len(os.sched_getaffinity(0))} CPUs"
        f" ({model.partition(':')[2].strip()}), Linux {platform.release()}, load and upstream on the same machine. "
        f"Versions: {', '.join(version for version in versions if version)}.\n"
    )


def table(head, lines):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *lines]) + "\n"


def costs(figures, kinds):
    names = [kind.name for kind in kinds]
    lines = []
    for row in ROWS:
        found = [figures.median(row.name, name) for name in names]
        lines.append([row.title] + ["" if cpu is None else f"{cpu:.2f}" for cpu in found])
    return table(["", *names], lines)


def goals(figures):
    lines = []
    for row in ROWS:
        for name in ("nginx", "haproxy", "envoy", "pingora", "relay"):
            if ratio := figures.ratio(row.name, name):
                told = f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})"
                lines.append([row.title, name, told, verdict(figures.judged(row, name))])
    return table(["", "against", "ratio", ""], lines)


def beside(figures, results, kinds):
    """What is told of the first row only."""
    first = ROWS[0]
    lines = []
    for kind in kinds:
        calls, memory = results["calls"][kind.name], results["memory"]
        sizes = [f"{memory[keys][kind.name]['pss']:.0f}" if keys in memory else "" for keys in sorted(memory)]
        lines.append(
            [kind.name, f"{figures.median(first.name, kind.name, 'rps'):,.0f}"]
            + [f"{calls['calls']:.2f} + {calls['waits']:.2f}", instructions(results, kind.name), *sizes]
            + [added(results["latency"], kind.name, what) for what in ("p50", "p99", "p999")]
        )
    sizes = [f"MiB, {keys:,} keys" for keys in sorted(results["memory"])]
    latencies = [f"added {name}" for name in ("p50", "p99", "p99.9")]
    return (
        "Requests a second are what a machine that carries all of it at once is left with. System calls are those of a request, "
        "and beside them those that wait for events (the goal is 4 and the waits). Instructions are those in user space, by callgrind (which has no SHA-256 in "
        "hardware: that is about 3,000 of Tollgate's). Memory is the proportional size (PSS) after the rows with so many keys. "
        f"Latencies are microseconds at {results['rate']:,.0f} requests a second, each due at its time whatever became of those "
        "before, as far as they are beyond the direct call's.\n\n"
        + table(["", "requests/s", "system calls", "instructions", *sizes, *latencies], lines)
    )


def instructions(results, name):
    counted = results.get("instructions", {}).get(name)
    return f"{counted:,.0f}" if counted else ""


def added(latencies, name, what):
    value = median(found[what] for found in latencies[name])
    direct = median(found[what] for found in latencies["direct"])
    return f"{value:.0f} in all" if name == "direct" else f"{value - direct:+.0f}"


def rounds(figures, kinds):
    names = [kind.name for kind in kinds]
    lines = []
    for row in ROWS:
        for name in names:
            if found := figures.rounds(row.name, name):
                lines.append([row.name, name, " ".join(f"{cpu:.2f}" for cpu in found)])
    return table(["row", "", "rounds"], lines)
