#!/usr/bin/env python3
"""tern bench against tern server: what it counts, and what it says when it cannot."""
import signal
import unittest

from harness import PSK, Case, events, run


class Bench(Case):
    def setUp(self):
        self.name = ("--ca", self.cert, "--name", "localhost")
        self.running = self.enterContext(self.server("--psk", PSK, "--echo"))
        self.addr = f"127.0.0.1:{self.running.port()}"

    def bench(self, *args):
        done = run("bench", self.addr, "-t", "1", "--json", *args)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        told = events(done.stdout)
        self.assertEqual([e["event"] for e in told], ["bench"])
        self.assertEqual(told[0]["failed"], 0)
        return told[0]

    def test_handshakes(self):
        for dtls, version in (("1.2", 0xfefd), ("1.3", 0xfefc)):
            b = self.bench(*self.name, "--dtls", dtls, "-P", "4")
            self.assertEqual((b["mode"], b["version"], b["connections"], b["resumed"]), ("handshakes", version, 4, 0))
            self.assertGreater(b["handshakes"], 0)
            latency = b["latency_ns"]
            self.assertLessEqual(latency["p50"], latency["p99"])
            self.assertLessEqual(latency["p99.9"], latency["max"])

    def test_resumed(self):
        for dtls in ("1.2", "1.3"):
            b = self.bench(*self.name, "--dtls", dtls, "--resume", "-P", "2")
            self.assertGreater(b["handshakes"], 0)
            self.assertEqual(b["resumed"], b["handshakes"])

    def test_psk(self):
        b = self.bench("--psk", PSK, "--suites", "TLS_PSK_WITH_AES_128_GCM_SHA256", "--dtls", "1.2")
        self.assertEqual((b["suite"], b["group"]), ("TLS_PSK_WITH_AES_128_GCM_SHA256", None))

    def test_records(self):
        b = self.bench(*self.name, "--records", "-l", "200", "-P", "3", "--window", "4")
        self.assertEqual((b["mode"], b["length"]), ("records", 200))
        self.assertGreater(b["answered"], 0)
        self.assertLessEqual(b["answered"] + b["lost"], b["sent"])
        self.assertGreater(b["latency_ns"]["p50"], 0)

    def test_one_way(self):
        b = self.bench(*self.name, "--one-way", "-l", "16")
        self.assertGreater(b["sent"], 0)
        self.assertEqual((b["answered"], b["latency_ns"]["max"]), (0, 0))

    def test_words(self):
        done = run("bench", self.addr, *self.name, "-t", "1", "-P", "1")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        for word in (b"connection   DTLS 1.3", b"handshakes ", b"latency ", b"CPU here "):
            self.assertIn(word, done.stdout)

    def test_what_goes_wrong(self):
        for args, words in (((self.addr, "--ca", self.cert, "--name", "other"), b"certificate is for another name"),
                            ((self.addr, *self.name, "--records", "-l", "5000"), b"fit one record here")):
            done = run("bench", *args, "-t", "1")
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(words, done.stderr)
        self.assertEqual(self.running.finish(signal.SIGTERM), 0)
        done = run("bench", self.addr, *self.name, "-t", "1")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"nobody listens", done.stderr)

    def test_usage(self):
        for args in ((), ("1", "2"), (self.addr, "--handshakes", "--records"), (self.addr, "--records", "--resume"),
                     (self.addr, "-l", "3"), (self.addr, "-t", "0"), (self.addr, "-P")):
            self.assertEqual(run("bench", *args).returncode, 2)


if __name__ == "__main__":
    unittest.main()
