"""Tollgate itself."""

import hashlib
import json
import os
import urllib.request

from house import RATE

from .contestant import Contestant, said


class Tollgate(Contestant):
    name = "tollgate"
    differs = "also counts a quota, looks at key states, times and entitlement"
    access_log = ""
    # The upstream is told who calls, as by all others.
    via = ""
    tell = ["X-Tollgate-Key"]
    # What else its configuration says.
    besides = ""

    def __init__(self, house, origin):
        super().__init__(house, origin)
        self.ports["http2"] = self.ports["http1"]

    def command(self):
        self.folder = self.house.work / f"{self.name}-keys"
        self.folder.mkdir()
        with open(self.folder / "all.toml", "w") as keys:
            for key, caller in self.house.callers():
                keys.write(entry(key, caller))
        self.write_swapped(0)
        configuration = self.file(
            "tollgate.toml",
            f"""
keys_folder = "{self.folder}"
[log]
level = "warn"
{self.access_log}
[process]
workers = {self.house.workers}
via = "{self.via}"
[ops]
address = "127.0.0.1:{self.metrics_port}"
[strangers]
throttle = false
[listeners.bench]
address = "127.0.0.1:{self.ports["http1"]}"
[listeners.tls]
address = "127.0.0.1:{self.ports["tls"]}"
[listeners.tls.tls]
minimum_version = "1.3"
[listeners.tls.tls.certificates.bench]
certificate_file = "{self.house.certificate}"
key_file = "{self.house.key}"
[upstreams.origin]
url = "http://127.0.0.1:{self.origin}"
{f"tell = {json.dumps(self.tell)}" if self.tell else ""}
max_idle_connections = 1024
keep_alive = "1h"
[services.bench]
upstream = "origin"
rate_limit_headers = "none"
[services.bench.endpoints.all]
[packages.bench.plans.bench]
qps_limit_ceiling = {RATE}
rate_limit_ceiling = 1000000000
rate_limit_period = "day"
services.bench = {{}}
[members.bench]
[applications.bench]
owner = "bench"
{self.besides}
""",
        )
        return [os.environ["TOLLGATE"], "run", "--config", configuration]

    def wait(self):
        """Its sockets are there before its keys are."""
        super().wait()
        self.house.wait_until(self.name, self.process, self.is_ready)

    def is_ready(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/readyz").status == 200
        except OSError:
            return False

    def write_swapped(self, number):
        written = self.house.work / "swapped.toml"
        written.write_text(entry(f"swapped-{number}", "swapped"))
        written.rename(self.folder / "swapped.toml")

    def metrics(self):
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    def swap(self, number):
        self.write_swapped(number)
        return True

    @classmethod
    def version(cls):
        return "tollgate " + said(r"tollgate (\S+)", os.environ["TOLLGATE"], "--version")


class TollgateLogged(Tollgate):
    name = "tollgate-logged"
    differs = "with its access log, of which the others have none here"
    access_log = '[access_log]\npath = "access.log"'


class TollgateTelling(Tollgate):
    name = "tollgate-telling"
    differs = "tells the upstream what it does unless it is told otherwise: ids, addresses, plans, Via"
    via = "tollgate"
    tell = None


def entry(key, caller):
    digest = hashlib.sha256(key.encode()).hexdigest()
    return (
        f'[keys.{caller}]\ndigest = "sha256:{digest}"\n'
        'application = "bench"\npackage = "bench"\nplan = "bench"\n'
    )
