"""What the end-to-end tests share: the command under test, started and read.

TERN names it. Everything happens on loopback and in a directory of its own."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

TERN = os.environ.get("TERN", "build/tern")
WAIT = 30  # seconds until a hang is a failure; sanitized builds are slow
PSK = "device-1:00112233445566778899aabbccddeeff"


def run(*args, stdin=b"", env=None):
    return subprocess.run([TERN, *args], input=stdin, capture_output=True, timeout=WAIT, check=False,
                          env=None if env is None else {**os.environ, **env})


def events(output):
    return [json.loads(line) for line in output.decode("ascii").splitlines()]


def kinds(told, event, key):
    """What the events of one kind say under a key."""
    return [e[key] for e in told if e["event"] == event]


class Background:
    """A tern that keeps running; its output is collected so that no pipe fills up."""

    def __init__(self, *args, stdin=subprocess.DEVNULL, program=TERN):
        self.process = subprocess.Popen([program, *args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = bytearray(), bytearray()
        self.threads = [threading.Thread(target=self.collect, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def collect(pipe, into):
        while chunk := pipe.read1(65536):
            into.extend(chunk)

    def wait_for(self, pattern, where="err"):
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            found = re.search(pattern, bytes(getattr(self, where)))
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{pattern} did not come: {bytes(self.err)} {bytes(self.out)}")

    def port(self):
        return int(self.wait_for(rb"listening on .*:(\d+)\n").group(1))

    def finish(self, number=None):
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(WAIT)
        for thread in self.threads:
            thread.join(WAIT)
        if self.process.stdin:
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@contextlib.contextmanager
def background(*args, **more):
    process = Background(*args, **more)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.process.kill()
        if not process.process.stdout.closed:
            process.finish()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="tern-cli-")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.cert, cls.key = cls.path("cert.pem"), cls.path("key.pem")
        cls.made = run("cert", "self-signed", "--name", "localhost", "--name", "127.0.0.1", "--cert", cls.cert,
                       "--key", cls.key)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.dir, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def server(self, *args):
        return background("server", "--listen", "127.0.0.1:0", "--cert", self.cert, "--key", self.key, *args)

    def client(self, port, *args, stdin=b"hello\n", linger="400"):
        return run("client", f"127.0.0.1:{port}", "--ca", self.cert, "--linger", linger, *args, stdin=stdin)

    def assertStatus(self, done, status, *fragments):
        self.assertEqual(done.returncode, status, done)
        for fragment in fragments:
            self.assertIn(fragment, done.stderr.decode(), done)
