"""Load for a contestant, by the program of benches/peers/load."""

import json
import os
import subprocess


class Load:
    """Connections to a contestant that are open and warm; `run` sends what the row says over them."""

    def __init__(self, house, contestant, row, seconds, rate=None, path=None, first_key=0, keys=None):
        argv = [f"{os.environ['TOOLS']}/release/peers-load", "--seconds", seconds]
        argv += ["--address", f"127.0.0.1:{contestant.ports[row.way]}", "--path", path or row.path]
        argv += ["--bytes", row.size, "--connections", row.connections, "--unknown", row.unknown]
        argv += ["--keys", keys or row.keys, "--first-key", first_key]
        argv += ["--threads", max(1, min(len(house.other_cpus) // 2, row.connections))]
        if row.streams:
            argv += ["--streams", row.streams]
        if row.fresh:
            argv += ["--fresh"]
        if row.way == "tls":
            argv += ["--tls", house.certificate]
        if rate:
            argv += ["--rate", rate]
        self.what = f"{contestant.name}, {row.title}"
        self.process = subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, house.other_cpus),
        )

    def __enter__(self):
        self.expect("ready")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def run(self, may_be_over=False):
        """Every request is answered when it returns, and as it should be, or the bench ends."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        result = json.loads(self.expect())
        result["requests"] = result["admitted"] + result["refused"] + result["over"]
        if result["over"] and not may_be_over:
            raise SystemExit(f"{self.what}: {result['over']} requests were over a limit")
        if not result["requests"]:
            raise SystemExit(f"{self.what}: no request was answered")
        return result

    def expect(self, wanted=None):
        line = self.process.stdout.readline().strip()
        if not line or wanted not in (None, line):
            raise SystemExit(f"{self.what}: the load failed: {self.process.stderr.read()}")
        return line
