"""Starts gates and looks at them; see `run` beside it."""

import pathlib
import sys
import tempfile
import time
from statistics import median

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))

from gate import Gate
from house import free_port
from processes import memory, wakes

WHAT = {"sidecar": 1_000, "toml": 1_000_000, "snapshot": 10_000_000}
ROUNDS = {"sidecar": 21, "toml": 3, "snapshot": 3}
# Seconds until what a start leaves to do is done, such as reading once more what may have changed meanwhile.
SETTLED = 15
IDLE = 20  # seconds


def main():
    asked = dict(each.partition("=")[::2] for each in sys.argv[1:]) or dict.fromkeys(WHAT, "")
    for what, keys in asked.items():
        if what not in WHAT:
            raise SystemExit(f"{what} is none of {', '.join(WHAT)}")
        measure(what, int(keys or WHAT[what]))


def measure(what, keys):
    with tempfile.TemporaryDirectory(prefix="load-") as work:
        kind = Gate.from_snapshot if what == "snapshot" else Gate.from_toml
        gate = kind(pathlib.Path(work), keys, workers=1 if what == "sidecar" else 0, ops=free_port())
        ready = []
        for number in range(ROUNDS[what]):
            ready.append(gate.start())
            if number < ROUNDS[what] - 1:
                gate.stop()
        time.sleep(SETTLED)
        woken = wakes(gate.pid(), IDLE)
        size = memory(gate.pid())[1]
        each = f", {size * 2**20 / keys:.0f} bytes a key" if what != "sidecar" else ""
        print(f"{what}, {keys} keys: ready after {median(ready):.0f} ms ({min(ready):.0f} to {max(ready):.0f});", end=" ")
        print(f"resident {size:.1f} MiB{each};", end=" ", flush=True)
        every = ", ".join(f"{name} {count / IDLE:.2f}" for name, count in woken.items())
        print(f"idle {sum(woken.values()) / IDLE:.2f} wake-ups a second ({every})", flush=True)
        gate.stop()


if __name__ == "__main__":
    main()
