"""What the kernel tells of a process and all that it has started."""

import os
import pathlib

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


def memory(root):
    """Proportional and resident size of the tree, in MiB."""
    sizes = {"Pss": 0, "Rss": 0}
    for pid in tree(root):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in sizes:
                sizes[name] += int(value.split()[0]) / 1024
    return sizes["Pss"], sizes["Rss"]
