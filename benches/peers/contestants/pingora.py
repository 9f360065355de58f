"""The least proxy over pingora that does the work."""

import os
import pathlib
import re

from house import RATE

from .contestant import Contestant


class Pingora(Contestant):
    name = "pingora"
    differs = "no quota, keys in the clear, no key states or entitlement; no swap: another set of keys is another process"

    def __init__(self, house, origin):
        super().__init__(house, origin)
        self.ports["http2"] = self.ports["http1"]

    def command(self):
        keys = self.file("keys", "".join(f"{key} {caller}\n" for key, caller in self.house.callers()))
        address = "127.0.0.1:{}".format
        return [
            *[f"{os.environ['TOOLS']}/release/peers-pingora", keys, RATE, address(self.origin), self.house.workers],
            *[address(self.ports["http1"]), address(self.metrics_port), address(self.ports["tls"])],
            *[self.house.certificate, self.house.key],
        ]

    def metrics(self):
        return f"http://127.0.0.1:{self.metrics_port}/"

    @classmethod
    def version(cls):
        lock = (pathlib.Path(__file__).parents[1] / "pingora/Cargo.lock").read_text()
        return "pingora " + re.search(r'name = "pingora"\nversion = "(.*)"', lock)[1]
