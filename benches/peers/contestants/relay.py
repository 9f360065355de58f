"""A relay of bytes."""

import os

from .contestant import Contestant


class Relay(Contestant):
    name = "relay"
    works = False
    differs = "parses nothing: what it costs to bring the bytes through a process"

    def __init__(self, house, origin, upstreams=None):
        super().__init__(house, origin)
        self.upstreams = upstreams

    def command(self):
        pairs = []
        for way, port in self.ports.items():
            pairs += [f"127.0.0.1:{port}", f"127.0.0.1:{self.upstreams[way]}"]
        return [f"{os.environ['TOOLS']}/release/relay", self.house.workers, *pairs]
