"""A Nacre process that a check may stop, kill and start again, and the printing of checks."""
import asyncio
import hashlib
import inspect
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

GROUP = "sdk"


def digest(text):
    return hashlib.md5(text.encode()).hexdigest()


def free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Server:
    """Listens on a free pair of ports P and P+1000."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="nacre-sdk-python")
        while True:  # below the ports that connections are given: one of them could hold the port while the server is down
            self.port = random.randrange(10000, 31000)
            if free(self.port) and free(self.port + 1000):
                break
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen([
            os.environ["NACRE"], "serve", "--data-dir", self.dir + "/data", "--http-addr", self.address,
            "--access-log", "off", "--log-level", "warn"])
        for _ in range(1000):
            try:
                if urllib.request.urlopen(f"http://{self.address}/readyz", timeout=1).status == 200:
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.01)
        raise RuntimeError("the server was not ready in time")

    def end(self, sig):
        self.process.send_signal(sig)
        self.process.wait(20)

    def close(self):
        self.end(signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def publish(self, data_id, content, headers=None, **form):
        form.update(dataId=data_id, group=GROUP, content=content)
        req = urllib.request.Request(
            f"http://{self.address}/nacos/v1/cs/configs", urllib.parse.urlencode(form).encode(), headers or {})
        body = urllib.request.urlopen(req, timeout=5).read()
        assert body == b"true", body

    def publishes(self, data_id, content, headers):
        """Is publish that may be refused; says whether it was not."""
        try:
            self.publish(data_id, content, headers)
        except (AssertionError, urllib.error.HTTPError):
            return False
        return True

    def header(self, data_id, name):
        query = urllib.parse.urlencode({"dataId": data_id, "group": GROUP})
        return urllib.request.urlopen(f"http://{self.address}/nacos/v1/cs/configs?{query}", timeout=5).headers[name]


class Seen:
    """Collects what a listener is told."""

    def __init__(self):
        self.values = []

    def last(self):
        return self.values[-1] if self.values else "<nothing>"

    async def until(self, want, limit):
        end = time.monotonic() + limit
        while self.last() != want:
            if time.monotonic() > end:
                raise AssertionError(f"after {limit} s the listener was told {self.last()!r:.60} last, want {want!r:.60}")
            await asyncio.sleep(0.005)


async def check(name, run, failed):
    start = time.monotonic()
    try:
        done = run()
        if inspect.isawaitable(done):
            await done
        print(f"ok     {name} ({time.monotonic() - start:.1f} s)", flush=True)
    except Exception as e:  # whatever a check runs into is its failure
        failed.append(name)
        print(f"FAILED {name} ({time.monotonic() - start:.1f} s): {type(e).__name__}: {e}", flush=True)


def finish(failed):
    sys.stdout.flush()
    for child in multiprocessing.active_children():  # the old SDK's pollers; they would go on
        child.kill()
    os._exit(1 if failed else 0)  # threads of an SDK may go on


def same(got, want):
    assert got == want, f"got {got!r:.80}, want {want!r:.80}"
