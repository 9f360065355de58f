"""The upstream, called directly."""

from .contestant import Contestant, said

BODIES = {"small": 12, "16k": 16 * 1024, "1m": 1024 * 1024}


class Direct(Contestant):
    name = "direct"
    works = False
    differs = "the upstream itself (nginx), called without anything between"

    def start(self):
        self.process = self.house.start(self.name, self.command(), self.house.other_cpus)

    def command(self):
        work = self.house.work
        site = work / "site"
        site.mkdir()
        for name, size in BODIES.items():
            if name != "small":
                (site / name).write_bytes(b"x" * size)
        # What arrived is told, so that each contestant can be seen to do its work.
        location = f"""
            root {site};
            location = /small {{ return 200 "hello, world"; }}
            location = /plain {{ return 200 "hello, world"; }}
            location = /echo {{ return 200 "key=$http_x_api_key caller=$http_x_caller$http_x_tollgate_key"; }}"""
        certificate = f"ssl_certificate {self.house.certificate}; ssl_certificate_key {self.house.key};"
        return nginx(
            work,
            self.name,
            1,
            f"""
            open_file_cache max=16 inactive=1h;
            server {{ listen 127.0.0.1:{self.ports["http1"]} backlog=4096; {location} }}
            server {{ listen 127.0.0.1:{self.ports["http2"]} http2 backlog=4096; {location} }}
            server {{ listen 127.0.0.1:{self.ports["tls"]} ssl backlog=4096; {certificate}
                ssl_protocols TLSv1.3; {location} }}""",
        )

    @classmethod
    def version(cls):
        return "nginx " + said(r"nginx/(\S+)", "nginx", "-v")


def nginx(work, name, workers, server):
    """An nginx that keeps its connections and logs nothing; the arguments it is started with."""
    temporary = " ".join(
        f"{kind}_temp_path {work}/{name}-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = work / f"{name}.conf"
    configuration.write_text(
        f"""daemon off; worker_processes {workers}; pid {work}/{name}.pid; error_log stderr crit;
        worker_rlimit_nofile 65536;
        events {{ worker_connections 16384; }}
        http {{
            access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; {temporary}
            sendfile on; tcp_nodelay on;
            {server}
        }}"""
    )
    return ["nginx", "-c", configuration]
