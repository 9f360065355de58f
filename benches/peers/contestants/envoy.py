"""Envoy: api_key_auth, local_ratelimit with a bucket for each caller."""

import json
import os

from house import RATE

from .contestant import Contestant, said

HTTP = "type.googleapis.com/envoy.extensions.filters.http."
ALWAYS = {"default_value": {"numerator": 100}}


class Envoy(Contestant):
    name = "envoy"
    differs = "no quota, keys in the clear, no key states or entitlement; a swap replaces its listeners, which drain"

    def __init__(self, house, origin):
        super().__init__(house, origin)
        self.ports["http2"] = self.ports["http1"]

    def command(self):
        self.listeners = self.house.work / "envoy-listeners.json"
        self.write_listeners(0)
        cluster = {
            "name": "origin",
            "connect_timeout": "5s",
            "circuit_breakers": {"thresholds": [{"max_connections": 65536, "max_requests": 65536}]},
            "load_assignment": {
                "cluster_name": "origin",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(self.origin)}}]}],
            },
        }
        bootstrap = {
            "node": {"id": "bench", "cluster": "bench"},
            "admin": {"address": address(self.metrics_port)},
            "dynamic_resources": {"lds_config": {"path_config_source": {"path": str(self.listeners)}}},
            "static_resources": {"clusters": [cluster]},
        }
        configuration = self.file("bootstrap.json", json.dumps(bootstrap))
        arguments = ["--concurrency", self.house.workers, "--disable-hot-restart", "--log-level", "warn"]
        return [os.environ["ENVOY"], "-c", configuration, *arguments]

    def write_listeners(self, swapped):
        filters = [self.api_key_auth(swapped), local_ratelimit(self.house.keys), router()]
        manager = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
            ".HttpConnectionManager",
            "stat_prefix": "bench",
            "generate_request_id": False,
            "http_filters": filters,
            "route_config": {"virtual_hosts": [virtual_host()]},
        }
        chain = {"filters": [{"name": "manager", "typed_config": manager}]}
        files = {
            "certificate_chain": {"filename": str(self.house.certificate)},
            "private_key": {"filename": str(self.house.key)},
        }
        context = {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
                "tls_certificates": [files],
            },
        }
        over_tls = {**chain, "transport_socket": {"name": "tls", "typed_config": context}}
        resources = [listener("plain", self.ports["http1"], chain), listener("tls", self.ports["tls"], over_tls)]
        written = self.house.work / "envoy-listeners.new"
        written.write_text(json.dumps({"version_info": str(swapped), "resources": resources}))
        written.rename(self.listeners)

    def api_key_auth(self, swapped):
        credentials = [{"key": key, "client": caller} for key, caller in self.house.callers()]
        credentials.append({"key": f"swapped-{swapped}", "client": "swapped"})
        return {
            "name": "api_key_auth",
            "typed_config": {
                "@type": HTTP + "api_key_auth.v3.ApiKeyAuth",
                "credentials": credentials,
                "key_sources": [{"header": "X-Api-Key"}],
                "forwarding": {"header": "X-Caller", "hide_credentials": True},
            },
        }

    def metrics(self):
        return f"http://127.0.0.1:{self.metrics_port}/stats/prometheus"

    def swap(self, number):
        self.write_listeners(number)
        return True

    @classmethod
    def version(cls):
        return "envoy " + said(r"/(\d+\.\d+\.\d+)/", os.environ["ENVOY"], "--version")


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def listener(name, port, chain):
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": name,
        "address": address(port),
        "filter_chains": [chain],
    }


def local_ratelimit(keys):
    bucket = {"max_tokens": RATE, "tokens_per_fill": RATE, "fill_interval": "1s"}
    return {
        "name": "local_ratelimit",
        "typed_config": {
            "@type": HTTP + "local_ratelimit.v3.LocalRateLimit",
            "stat_prefix": "bench",
            # The bucket of all calls that have none of their own; it is never asked here.
            "token_bucket": {"max_tokens": 1_000_000_000, "tokens_per_fill": 1_000_000_000, "fill_interval": "1s"},
            "filter_enabled": ALWAYS,
            "filter_enforced": ALWAYS,
            # A bucket for each value that comes.
            "descriptors": [{"entries": [{"key": "caller"}], "token_bucket": bucket}],
            "max_dynamic_descriptors": 2 * keys,
        },
    }


def router():
    return {"name": "router", "typed_config": {"@type": HTTP + "router.v3.Router", "suppress_envoy_headers": True}}


def virtual_host():
    by_caller = {"request_headers": {"header_name": "X-Caller", "descriptor_key": "caller"}}
    route = {"cluster": "origin", "timeout": "0s", "rate_limits": [{"actions": [by_caller]}]}
    return {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": route}]}
