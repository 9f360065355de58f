"""What the kernel tells of a process and all that it has started."""

import os
import pathlib
import time

TICK = os.sysconf("SC_CLK_TCK")


def tree(root):
    """The process and its descendants that live."""
    children = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := stat(folder.name)):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, ahead = [], [root]
    while ahead:
        each = ahead.pop()
        found.append(each)
        ahead += children.get(each, [])
    return found


def stat(pid):
    """The fields of /proc/PID/stat from the state on, or nothing if it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def cpu_seconds(root):
    """CPU time of the tree, with that of children that have ended and were waited for."""
    ticks = 0
    for pid in tree(root):
        # utime, stime, cutime, cstime
        ticks += sum(map(int, (stat(pid) or ["0"] * 15)[11:15]))
    return ticks / TICK


def user_seconds(root):
    """CPU time of the tree outside the kernel."""
    return sum(int((stat(pid) or ["0"] * 15)[11]) for pid in tree(root)) / TICK


def memory(root):
    """Proportional and resident size of the tree, in MiB."""
    sizes = {"Pss": 0, "Rss": 0}
    for pid in tree(root):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in sizes:
                sizes[name] += int(value.split()[0]) / 1024
    return sizes["Pss"], sizes["Rss"]


def wakes(pid, seconds):
    """How often the threads of a process were put on a processor within so many seconds, by their names."""
    before = switches(pid)
    time.sleep(seconds)
    after = switches(pid)
    found = {}
    for thread, (name, count) in after.items():
        found[name] = found.get(name, 0) + count - before.get(thread, (name, 0))[1]
    return found


def switches(pid):
    """The name of each thread, and how often it gave its processor up or had it taken away."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        fields = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        count = int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"])
        found[task.name] = (fields["Name"], count)
    return found
