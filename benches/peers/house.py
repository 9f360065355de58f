"""What all contestants share: a folder, keys, certificates, an upstream, and where they run."""

import os
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile
import time

RATE = 50  # calls a second of each key, and as many at once


class House:
    """Goes with its processes and its folder when the context ends."""

    def __init__(self, keys, workers, seconds_to_start=600):
        self.keys = keys
        self.workers = workers
        self.seconds_to_start = seconds_to_start
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="peers-"))
        # Contestants that give their rights up read in it too.
        self.work.chmod(0o755)
        self.processes = []
        self.contestant_cpus, self.other_cpus = placement(workers)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.certificate, self.key, self.both = certificates(self.work)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def start(self, name, argv, cpus):
        """A process on these CPUs; what it says goes to a file of its name."""
        log = open(self.work / f"{name}.log", "wb")
        process = subprocess.Popen(
            [str(part) for part in argv],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )
        self.processes.append(process)
        return process

    def wait_for(self, name, process, ports):
        """Until it takes connections at each port."""
        for port in ports:
            self.wait_until(name, process, lambda: listens(port))

    def wait_until(self, name, process, is_so):
        end = time.monotonic() + self.seconds_to_start
        while not is_so():
            if process.poll() is not None or time.monotonic() > end:
                log = (self.work / f"{name}.log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"{name} did not start:\n{log}")
            time.sleep(0.02)

    def callers(self):
        """Every key, and who calls with it."""
        for number in range(self.keys):
            yield f"bench-key-{number:07}", f"caller-{number:07}"


def placement(workers):
    """CPUs of the contestants and of everything else: apart where there are enough."""
    cpus = sorted(os.sched_getaffinity(0))
    if workers < len(cpus):
        return cpus[:workers], cpus[workers:]
    return cpus, cpus


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def certificates(work):
    certificate, key, both = work / "certificate.pem", work / "key.pem", work / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-days", "2", "-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:bench.test"]
        + ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)
    both.write_text(certificate.read_text() + key.read_text())
    both.chmod(0o600)
    return certificate, key, both
