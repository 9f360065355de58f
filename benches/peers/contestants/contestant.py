"""What every contestant has."""

import re
import subprocess

from house import free_port


class Contestant:
    name = ""
    # Whether it does the work; the relay and the upstream only show what there is without it.
    works = True
    # What it leaves out of the work of this bench, or does beside it.
    differs = ""

    def __init__(self, house, origin):
        self.house = house
        self.origin = origin
        # Of each way to be called.
        self.ports = {way: free_port() for way in ("http1", "http2", "tls")}
        self.metrics_port = free_port()
        self.process = None
        # What it runs under, and what is added to its arguments.
        self.under, self.more = [], []

    def start(self):
        self.process = self.house.start(self.name, [*self.under, *self.command(), *self.more], self.house.contestant_cpus)

    def wait(self):
        self.house.wait_for(self.name, self.process, [*self.ports.values()])

    def pid(self):
        return self.process.pid

    def command(self):
        """Writes its configuration; the arguments it is started with."""
        raise NotImplementedError

    def metrics(self):
        """URL of its metrics; none if it has none."""
        return None

    def swap(self, number):
        """Changes the keys under traffic; false if it cannot."""
        return False

    @classmethod
    def version(cls):
        return ""

    def file(self, name, text):
        path = self.house.work / f"{self.name}-{name}"
        path.write_text(text)
        return path


def said(pattern, *argv):
    """What of the words of a command is its version."""
    ended = subprocess.run(argv, capture_output=True, text=True, check=True)
    return re.search(pattern, ended.stdout + ended.stderr)[1]
