"""What callgrind has counted of a process: user-space instructions, the same on a busy machine as on an idle one.

Its virtual processor has no instructions for SHA-256: a digest takes about 3,400 there, a tenth of which on a
processor that has them.
"""

import re
import subprocess
from collections import Counter

# Of the lines of a profile: where costs and calls belong to, and what was called how often.
FUNCTION = re.compile(r"(c?)fn=\((\d+)\)(?: (.*))?")
CALLS = re.compile(r"calls=(\d+)")


def under(folder, name):
    """What a process is started with to be counted, once that is switched on."""
    return ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/{name}.%p"]


def control(option, pids):
    for pid in pids:
        subprocess.run(["callgrind_control", option, str(pid)], check=True, capture_output=True)


class Profile:
    """The sum of profiles."""

    def __init__(self, files):
        self.total = 0
        # By function, whoever called it: how often, and instructions within it and all that it called.
        self.calls = Counter()
        self.inclusive = Counter()
        for file in files:
            self.read(file)

    def read(self, file):
        names = {}
        called, count = None, None
        for line in open(file, errors="replace"):
            if found := FUNCTION.match(line):
                callee, number, name = found.groups()
                if name:
                    # Recursions are told apart by a number.
                    names[number] = re.sub(r"'\d+$", "", name.strip())
                if callee:
                    called = names[number]
            elif found := CALLS.match(line):
                count = int(found[1])
            elif count is not None:
                self.calls[called] += count
                self.inclusive[called] += int(line.split()[1])
                count = None
            elif line.startswith("totals: "):
                self.total += int(line.split()[1])

    def of(self, pattern):
        """Calls of the functions whose whole names fit, and instructions within them."""
        fits = [name for name in self.calls if re.fullmatch(pattern, name)]
        return sum(self.calls[name] for name in fits), sum(self.inclusive[name] for name in fits)
