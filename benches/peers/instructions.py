"""User-space instructions of a request, counted by callgrind: the same on a busy machine as on an idle one.

One worker of each contestant runs in a virtual processor, so that nothing but its own instructions counts;
the kernel's are not seen. That processor has no instructions for SHA-256: what Tollgate's digest of a key takes
(about 3,400) is a tenth of that on one that has.
"""

import re
import subprocess

from contestants import CONTESTANTS
from house import House
from load import Load
from processes import tree
from rows import ROWS

# Envoy is a program that callgrind cannot carry in reasonable time.
COUNTED = ("tollgate", "nginx", "haproxy", "pingora", "relay")


def count(names, seconds, keep=None):
    """Instructions a request of each contestant that callgrind can carry, in the first row; profiles stay in
    the folder `keep`, if there is one."""
    row = ROWS[0]
    found = {}
    with House(row.keys, 1) as house:
        direct = next(kind for kind in CONTESTANTS if kind.name == "direct")(house, None)
        direct.start()
        direct.wait()
        for kind in CONTESTANTS:
            if kind.name not in names or kind.name not in COUNTED:
                continue
            each = kind(house, direct.ports["http1"])
            each.upstreams = direct.ports
            each.under = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
            each.under.append(f"--callgrind-out-file={keep or house.work}/{each.name}.%p")
            if each.name == "nginx":
                # Callgrind does not follow a worker that is forked.
                each.more = ["-g", "master_process off;"]
            each.start()
            each.wait()
            found[each.name] = of(house, each, row, seconds, keep or house.work)
            each.process.terminate()
            each.process.wait()
    return found


def of(house, each, row, seconds, folder):
    pids = tree(each.pid())
    with Load(house, each, row, 1) as load:
        load.run()
    with Load(house, each, row, seconds) as load:
        control("-i", "on", pids)
        requests = load.run()["requests"]
        control("-i", "off", pids)
    control("-d", each.name, pids)
    total = 0
    for pid in pids:
        for file in folder.glob(f"{each.name}.{pid}*"):
            total += sum(map(int, re.findall(r"^totals: (\d+)", file.read_text(), re.MULTILINE)))
    return total / requests


def control(option, value, pids):
    for pid in pids:
        subprocess.run(["callgrind_control", option, value, str(pid)], check=True, capture_output=True)
