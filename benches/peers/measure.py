"""One measurement of a contestant at a row."""

import contextlib
import re
import signal
import subprocess
import threading
import time

from load import Load
from processes import cpu_seconds, memory, tree


def cost(house, contestant, row, seconds):
    """CPU microseconds a request, and requests a second as the load and all else on the machine let it."""
    with Load(house, contestant, row, seconds) as load, swapping(contestant if row.swaps else None):
        before = cpu_seconds(contestant.pid())
        result = load.run()
        spent = cpu_seconds(contestant.pid()) - before
    return {
        "cpu": spent / result["requests"] * 1e6,
        "rps": result["requests"] / result["seconds"],
        "requests": result["requests"],
        "reconnects": 0 if row.fresh else result["reconnects"],
    }


def latency(house, contestant, row, seconds, rate):
    """Percentiles in microseconds, from when each request was due, at a rate that nothing slows down."""
    with Load(house, contestant, row, seconds, rate=rate) as load:
        result = load.run()
    return {name: result[name] for name in ("p50", "p99", "p999")}


def system_calls(house, contestant, row, seconds):
    """System calls a request, those that wait for events apart."""
    report = house.work / "strace"
    with Load(house, contestant, row, seconds) as load:
        pids = [part for pid in tree(contestant.pid()) for part in ("-p", str(pid))]
        strace = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "name,calls", "-o", report, *pids],
            stderr=subprocess.PIPE,
            text=True,
        )
        # It says of the last process that it is attached.
        attached = 0
        while attached < len(pids) // 2:
            line = strace.stderr.readline()
            if not line:
                raise SystemExit(f"strace could not look at {contestant.name}")
            attached += "attached" in line
        result = load.run()
        strace.send_signal(signal.SIGINT)
        strace.stderr.read()
        strace.wait()
    calls = dict(re.findall(r"^\s*(\w+)\s+(\d+)\s*$", report.read_text(), re.MULTILINE))
    calls.pop("total", None)
    waits = sum(int(calls.get(name, 0)) for name in ("epoll_wait", "epoll_pwait", "epoll_pwait2"))
    every = sum(map(int, calls.values()))
    return {"calls": (every - waits) / result["requests"], "waits": waits / result["requests"]}


def sizes(contestant):
    pss, rss = memory(contestant.pid())
    return {"pss": pss, "rss": rss}


@contextlib.contextmanager
def swapping(contestant):
    """Changes the contestant's keys every second while the context lasts."""
    if contestant is None:
        yield
        return
    ended = threading.Event()

    def swap():
        while not ended.wait(1):
            contestant.swap(time.monotonic_ns())

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
