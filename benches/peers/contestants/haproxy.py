"""HAProxy: a map of keys, a table with the rate of each."""

import socket

from house import RATE

from .contestant import Contestant, said


class Haproxy(Contestant):
    name = "haproxy"
    differs = "no quota, keys in the clear, no key states or entitlement; a swap changes one key over its socket"

    def command(self):
        self.keys = self.file("keys.map", "".join(f"{key} {caller}\n" for key, caller in self.house.callers()))
        self.socket = self.house.work / "haproxy.sock"
        binds = f"""
            bind 127.0.0.1:{self.ports["http1"]} backlog 4096
            bind 127.0.0.1:{self.ports["http2"]} backlog 4096 proto h2
            bind 127.0.0.1:{self.ports["tls"]} backlog 4096 ssl crt {self.house.both} ssl-min-ver TLSv1.3"""
        configuration = self.file(
            "haproxy.cfg",
            f"""
        global
            nbthread {self.house.workers}
            maxconn 8192
            stats socket {self.socket} mode 600 level admin
        defaults
            mode http
            option http-keep-alive
            http-reuse always
            timeout connect 5s
            timeout client 1h
            timeout server 1h
            timeout http-keep-alive 1h
        frontend bench
            {binds}
            stick-table type string len 16 size {max(100_000, 2 * self.house.keys)} expire 1h store http_req_rate(1s)
            http-request set-var(txn.caller) req.hdr(X-Api-Key),map_str({self.keys})
            http-request return status 401 unless {{ var(txn.caller) -m found }}
            http-request track-sc0 var(txn.caller)
            http-request return status 429 if {{ sc_http_req_rate(0) gt {RATE} }}
            http-request del-header X-Api-Key
            http-request set-header X-Caller %[var(txn.caller)]
            default_backend origin
        backend origin
            server origin 127.0.0.1:{self.origin}
        frontend metrics
            bind 127.0.0.1:{self.metrics_port}
            http-request use-service prometheus-exporter if {{ path /metrics }}
""",
        )
        return ["haproxy", "-db", "-f", configuration]

    def metrics(self):
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    def swap(self, number):
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(self.socket))
            channel.sendall(f"add map {self.keys} swapped-{number} swapped\n".encode())
            answer = channel.makefile().read().strip()
        if answer:
            raise SystemExit(f"haproxy did not take a key: {answer}")
        return True

    @classmethod
    def version(cls):
        return "haproxy " + said(r"version (\S+)", "haproxy", "-v")
