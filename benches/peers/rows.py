"""The rows of the table: the first, and one thing at a time that differs from it."""

from dataclasses import dataclass, field

SMALL, K16, M1 = 12, 16 * 1024, 1024 * 1024


@dataclass
class Row:
    name: str
    title: str
    way: str = "http1"  # http1, http2 or tls
    path: str = "/small"
    size: int = SMALL
    connections: int = 64
    # Requests at once on each connection of HTTP/2.
    streams: int = 0
    fresh: bool = False
    unknown: int = 0
    keys: int = 10_000
    # Keys change every second.
    swaps: bool = False
    # What Tollgate is to need at most, as a part of what each of these needs: {"nginx": 0.9}.
    # "best" is the best of nginx, HAProxy and Envoy.
    goals: dict = field(default_factory=dict)

    def for_contestant(self, contestant):
        """Whether it takes part: who checks no keys refuses nobody and has none to swap."""
        return contestant.works or not (self.unknown or self.swaps or self.keys > 10_000)


BEST = {"best": 1.0}
ROWS = [
    Row(
        "small",
        "small responses, 64 connections that are kept",
        goals={"nginx": 0.90, "haproxy": 0.75, "envoy": 0.28, "relay": 1.25},
    ),
    Row("16k", "bodies of 16 KiB", path="/16k", size=K16, goals=BEST),
    Row("1m", "bodies of 1 MiB", path="/1m", size=M1, connections=16),
    Row("tls", "TLS 1.3", way="tls", goals=BEST),
    Row("http2-1", "HTTP/2, 1 connection with 64 streams", "http2", connections=1, streams=64, goals={"best": 1.3}),
    Row("http2-2", "HTTP/2, 2 connections with 32 streams", "http2", connections=2, streams=32, goals={"best": 1.3}),
    Row("http2-4", "HTTP/2, 4 connections with 16 streams", "http2", connections=4, streams=16, goals={"best": 1.3}),
    Row("connections-1", "1 connection", connections=1),
    Row("connections-1000", "1,000 connections", connections=1000),
    Row("fresh", "a connection for each request", fresh=True),
    Row("refused-50", "50 % refused, for unknown keys", unknown=50),
    Row("refused-100", "all refused, for unknown keys", unknown=100, goals=BEST),
    Row("swaps", "a swap of keys every second", swaps=True),
    Row("keys-1m", "1,000,000 keys", keys=1_000_000),
]
