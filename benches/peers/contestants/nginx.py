"""nginx: a map of keys, a limit on the rate of each."""

from house import RATE

from .contestant import Contestant, said
from .direct import nginx


class Nginx(Contestant):
    name = "nginx"
    differs = "no quota, keys in the clear, no key states or entitlement; a swap is a reload, with new workers"
    # What the upstream is told beside the caller.
    told = ""

    def command(self):
        self.write_keys(0)
        millions = max(1, self.house.keys // 100_000)
        location = f"""
            location / {{
                if ($caller = '') {{ return 401; }}
                proxy_pass http://origin; proxy_set_header Connection '';
                proxy_set_header X-Api-Key ''; proxy_set_header X-Caller $caller; {self.told}
            }}"""
        certificate = f"ssl_certificate {self.house.certificate}; ssl_certificate_key {self.house.key};"
        return nginx(
            self.house.work,
            self.name,
            self.house.workers,
            f"""
            map_hash_max_size {max(65536, 4 * self.house.keys)}; map_hash_bucket_size 128;
            map $http_x_api_key $caller {{ default ''; include {self.keys()}; }}
            limit_req_zone $caller zone=keys:{16 * millions}m rate={RATE}r/s;
            limit_req_status 429; limit_req zone=keys burst={RATE} nodelay;
            upstream origin {{
                server 127.0.0.1:{self.origin}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 1h;
            }}
            proxy_http_version 1.1; proxy_max_temp_file_size 0;
            server {{ listen 127.0.0.1:{self.ports["http1"]} backlog=4096 reuseport; {location} }}
            server {{ listen 127.0.0.1:{self.ports["http2"]} http2 backlog=4096 reuseport; {location} }}
            server {{ listen 127.0.0.1:{self.ports["tls"]} ssl backlog=4096 reuseport; {certificate}
                ssl_protocols TLSv1.3; {location} }}
            server {{ listen 127.0.0.1:{self.metrics_port}; location = /metrics {{ stub_status; }} }}""",
        )

    def keys(self):
        return self.house.work / f"{self.name}-keys.conf"

    def write_keys(self, swapped):
        lines = [f'"{key}" "{caller}";' for key, caller in self.house.callers()]
        lines.append(f'"swapped-{swapped}" "swapped";')
        self.keys().write_text("\n".join(lines) + "\n")

    def metrics(self):
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    def swap(self, number):
        self.write_keys(number)
        self.process.send_signal(1)
        return True

    @classmethod
    def version(cls):
        return "nginx " + said(r"nginx/(\S+)", "nginx", "-v")


class NginxSame(Nginx):
    name = "nginx-same"
    differs = "as nginx, and tells the upstream what tollgate-telling does"
    told = """
        proxy_set_header Host $http_host; proxy_set_header X-Tollgate-Application bench;
        proxy_set_header X-Tollgate-Package bench; proxy_set_header X-Tollgate-Plan bench;
        proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host; proxy_set_header Via '1.1 nginx';
        proxy_set_header X-Request-Id $request_id;"""
