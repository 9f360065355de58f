"""A gate that is started again and again with the same configuration."""

import hashlib
import os
import socket
import subprocess
import time

TOLLGATE = os.environ["TOLLGATE"]


class Gate:
    def __init__(self, work, text, ops):
        self.work, self.ops = work, ops
        self.process = None
        (work / "tollgate.toml").write_text(text)

    @classmethod
    def from_toml(cls, work, keys, workers, ops):
        with open(work / "keys.toml", "w") as file:
            for number in range(keys):
                digest = hashlib.sha256(f"bench-key-{number:07}".encode()).hexdigest()
                file.write(
                    f'[keys.key-{number:07}]\ndigest = "sha256:{digest}"\n'
                    'application = "bench"\npackage = "bench"\nplan = "bench"\n'
                )
        text = f"""
[services.bench]
upstream = "origin"
endpoints.all = {{}}
[packages.bench.plans.bench]
qps_limit_ceiling = 50
rate_limit_ceiling = 1000000
rate_limit_period = "day"
services.bench = {{}}
[members.bench]
[applications.bench]
owner = "bench"
"""
        folder = work / "keys"
        folder.mkdir()
        (work / "keys.toml").rename(folder / "keys.toml")
        return cls(work, f'keys_folder = "keys"\n{process(workers, ops)}{text}', ops)

    @classmethod
    def from_snapshot(cls, work, keys, workers, ops):
        folder = work / "feed"
        folder.mkdir(mode=0o700)
        make = ["feed", "make", "--keys", str(keys), "--upstream", "origin", "-o", str(folder / "snapshot-1")]
        subprocess.run([TOLLGATE, *make], check=True, stdout=subprocess.DEVNULL)
        secret = work / "access.key"
        secret.touch(0o600)
        secret.write_text("a-secret\n")
        # Nobody answers there: the gate starts from its disk.
        text = """
[feed]
url = "http://127.0.0.1:9/feed/v1/bench"
access_key_file = "access.key"
name = "bench"
on_lease_end = "serve"
"""
        return cls(work, process(workers, ops) + text, ops)

    def start(self):
        """Milliseconds until it is ready."""
        began = time.monotonic()
        log = open(self.work / "log", "wb")
        self.process = subprocess.Popen(
            [TOLLGATE, "run", "--config", self.work / "tollgate.toml"], stdout=log, stderr=log
        )
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > began + 600:
                raise SystemExit((self.work / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.0005)
        return (time.monotonic() - began) * 1000

    def is_ready(self):
        try:
            with socket.create_connection(("127.0.0.1", self.ops), 60) as ops:
                ops.sendall(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                return ops.recv(64).startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def pid(self):
        return self.process.pid


def process(workers, ops):
    return f"""
[log]
level = "warn"
[process]
workers = {workers}
[ops]
address = "127.0.0.1:{ops}"
[listeners.bench]
address = "127.0.0.1:0"
[upstreams.origin]
url = "http://127.0.0.1:9"
"""
