"""User-space instructions of a request; see callgrind.py beside it.

One worker of each contestant runs, so that nothing but its own instructions counts; the kernel's are not seen.
"""

from callgrind import Profile, control, under
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
        direct = begin(house)
        for kind in CONTESTANTS:
            if kind.name not in names or kind.name not in COUNTED:
                continue
            each = kind(house, direct.ports["http1"])
            each.upstreams = direct.ports
            start(each, keep or house.work)
            profile, requests = of(house, each, row, seconds, keep or house.work)
            found[each.name] = profile.total / requests
            # pingora takes five minutes to end when it is asked to.
            each.process.kill()
            each.process.wait()
    return found


def begin(house):
    """The upstream of all."""
    direct = next(kind for kind in CONTESTANTS if kind.name == "direct")(house, None)
    direct.start()
    direct.wait()
    return direct


def start(each, folder):
    """Starts a contestant so that it can be counted."""
    each.under = under(folder, each.name)
    if each.name == "nginx":
        # Callgrind does not follow a worker that is forked.
        each.more = ["-g", "master_process off;"]
    each.start()
    each.wait()


def of(house, each, row, seconds, folder):
    """What was counted of a row, and of how many requests."""
    pids = tree(each.pid())
    with Load(house, each, row, 1) as load:
        load.run()
    with Load(house, each, row, seconds) as load:
        control("--instr=on", pids)
        requests = load.run()["requests"]
        control("--instr=off", pids)
    before = set(folder.iterdir())
    control(f"--dump={row.name}", pids)
    files = [file for file in set(folder.iterdir()) - before if file.name.startswith(f"{each.name}.")]
    return Profile(files), requests
