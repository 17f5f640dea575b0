#!/usr/bin/env python3
"""What options of server and client set: limits, timers, keys, sockets."""
import contextlib
import os
import signal
import socket
import subprocess
import time
import unittest

from harness import PSK, WAIT, Case, background, events, kinds, run

VERSIONS = ("1.2", "1.3")


class Limits(Case):
    def connected(self, port, *args, **more):
        done = self.client(port, "--json", *args, **more)
        self.assertStatus(done, 0)
        return [e for e in events(done.stdout) if e["event"] == "connected"][0]

    def test_system_calls_of_each_kind(self):
        for kind in ("offload", "batch", "plain"):
            with self.subTest(kind), self.server("--echo", "--io", kind, "--socket-buffer", "65536") as server:
                done = self.client(server.port(), "--io", kind, stdin=b"tern\n" * 50)
                self.assertStatus(done, 0)
                self.assertEqual(done.stdout, b"tern\n" * 50)

    def test_bind(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        with self.server("--echo") as server:
            self.assertStatus(self.client(server.port(), "--bind", address), 0)
            server.wait_for(address.encode() + b" connected")

    def test_several_addresses(self):
        for workers in ("1", "2"):
            with self.subTest(workers), self.server("--listen", "127.0.0.2:0", "--listen", "[::1]:0", "--echo", "--workers",
                                                    workers) as server:
                told = server.wait_for(rb"listening on (127\.0\.0\.1:\d+)\nlistening on (127\.0\.0\.2:\d+)\n"
                                       rb"listening on (\[::1\]:\d+)\n")
                for address in told.groups():
                    done = run("client", address.decode(), "--insecure", "--linger", "200", stdin=b"tern\n")
                    self.assertStatus(done, 0)
                    self.assertEqual(done.stdout, b"tern\n")

    def test_raw_key(self):
        wrong = "sha-256:" + ":".join(["00"] * 32)
        for dtls in VERSIONS:
            with self.subTest(dtls), background("server", "--listen", "127.0.0.1:0", "--raw-key", self.key, "--echo",
                                                "--dtls", dtls) as server:
                address = f"127.0.0.1:{server.port()}"
                done = run("client", address, "--insecure", "--json", "--linger", "50", stdin=b"")
                self.assertStatus(done, 0)
                key = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"], check=True,
                                     capture_output=True, timeout=WAIT).stdout
                digest = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=key, check=True, capture_output=True,
                                        timeout=WAIT).stdout[:64].decode().upper()
                known = events(done.stdout)[0]["fingerprint"]
                self.assertEqual(known.replace(":", ""), "sha-256" + digest)
                self.assertStatus(run("client", address, "--fingerprint", known, "--linger", "50", stdin=b""), 0)
                self.assertStatus(run("client", address, "--fingerprint", wrong, "--linger", "50", stdin=b""), 1,
                                  "fingerprint")
                self.assertEqual(server.finish(signal.SIGTERM), 0)

    def test_a_secret_outlives_the_server(self):
        secret = self.write("secret", os.urandom(48))
        other = self.write("other-secret", os.urandom(48))
        session = self.path("shared.session")
        for dtls in VERSIONS:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(session)
            for with_secret, resumed in ((secret, False), (secret, True), (other, False)):
                with self.subTest(dtls, resumed=resumed), self.server("--secret", with_secret, "--dtls", dtls) as server:
                    self.assertIs(self.connected(server.port(), "--session", session)["resumed"], resumed)

    def test_no_tickets(self):
        for side in ("server", "client"):
            session = self.path(f"none-{side}.session")
            option = {side: ["--no-tickets"]}
            with self.subTest(side), self.server("--dtls", "1.3", *option.get("server", [])) as server:
                self.connected(server.port(), "--session", session, *option.get("client", []))
                self.assertFalse(os.path.exists(session))

    def test_session_lifetime(self):
        session = self.path("short.session")
        with self.server("--session-lifetime", "1") as server:
            self.assertFalse(self.connected(server.port(), "--session", session)["resumed"])
            time.sleep(2.1)
            self.assertFalse(self.connected(server.port(), "--session", session)["resumed"])

    def test_psk(self):
        with background("server", "--listen", "127.0.0.1:0", "--psk", PSK, "--psk-hint", "tern", "--echo") as server:
            address = f"127.0.0.1:{server.port()}"
            for args, group in ((["--psk-ke", "--groups", "none", "--dtls", "1.3"], None),
                                (["--groups", "x25519", "--dtls", "1.3"], "x25519")):
                done = run("client", address, "--psk", PSK, "--json", "--linger", "50", *args, stdin=b"")
                self.assertStatus(done, 0)
                self.assertEqual(events(done.stdout)[0]["group"], group)
            done = run("client", address, "--psk", PSK, "--groups", "none", "--dtls", "1.3", stdin=b"")
            self.assertNotEqual(done.returncode, 0)
            trace = self.path("hint.trace")
            done = run("client", address, "--psk", PSK, "--dtls", "1.2", "--linger", "50", "--trace", trace,
                       stdin=b"")
            self.assertStatus(done, 0)
            self.assertIn(b"ServerKeyExchange", self.read("hint.trace"))

    def test_size_of_records(self):
        line = b"x" * 600 + b"\n"
        for server, client in ((["--record-size-limit", "200"], ["--record-size-limit", "1000"]),
                               ([], ["--max-fragment-length", "512", "--dtls", "1.2"])):
            with self.subTest(server=server, client=client), self.server("--echo", *server) as running:
                done = self.client(running.port(), *client, stdin=line)
                self.assertStatus(done, 0, "stdin: a line is longer than the")
                self.assertEqual(done.stdout, line)

    def test_replay_window(self):
        for window in ("1", "8192"):
            with self.subTest(window), self.server("--echo", "--replay-window", window, "--json") as server:
                with background("relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{server.port()}", "--duplicate",
                                "100") as relay:
                    self.client(relay.port(), "--replay-window", window, stdin=b"once\n")
                self.assertEqual(server.finish(signal.SIGTERM), 0)
                self.assertEqual(len(kinds(events(bytes(server.out)), "data", "data")), 2 if window == "1" else 1)

    def test_must_authenticate(self):
        cert, key = self.path("ed.pem"), self.path("ed.key")
        run("cert", "self-signed", "--name", "x", "--cert", cert, "--key", key, "--key-type", "ed25519")
        for dtls in VERSIONS:
            with self.subTest(dtls), self.server("--ca", cert, "--schemes", "ecdsa_secp256r1_sha256", "--dtls", dtls) as server:
                pair = ["--cert", cert, "--key", key]
                self.assertStatus(self.client(server.port(), *pair), 0)
                done = self.client(server.port(), *pair, "--must-authenticate", "--json")
                self.assertStatus(done, 1)
                self.assertEqual(kinds(events(done.stdout), "failed", "error"), ["TERN_ERROR_NO_SHARED_SCHEME"])

    def test_a_handshake_that_nobody_answers_ends(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            for args in (["--handshake-timeout", "1"], ["--tries", "2", "--rto", "100"]):
                begin = time.monotonic()
                self.assertStatus(self.client(silent.getsockname()[1], *args), 1, "in time")
                self.assertLess(time.monotonic() - begin, 10)

    def test_most_peers(self):
        with self.server("--echo", "--json", "--max-peers", "1") as server:
            with background("client", f"127.0.0.1:{server.port()}", "--ca", self.cert, stdin=subprocess.PIPE) as first:
                first.wait_for(b"connected to")
                self.assertStatus(self.client(server.port()), 0)
                server.wait_for(b'"event":"closed".*"by":"us","reason":"room was needed for another peer"', "out")

    def test_schemes(self):
        with self.server("--echo") as server:
            self.assertEqual(self.connected(server.port(), "--schemes", "ed25519,ecdsa_secp256r1_sha256")["scheme"],
                             "ecdsa_secp256r1_sha256")
            self.assertStatus(self.client(server.port(), "--schemes", "ed25519"), 1)

    def test_delayed_acks(self):
        with self.server("--echo", "--dtls", "1.3") as server:
            self.assertStatus(self.client(server.port(), "--ack-delay", "100"), 0)

    def test_budgets(self):
        with self.server("--echo", "--max-handshakes", "1", "--max-handshakes-per-prefix", "1", "--max-signatures", "50",
                         "--shard", "513", "--cid-length", "8") as server:
            cid = self.connected(server.port(), "--cid-length", "0")["peer_cid"]
            self.assertEqual(cid[2:6], "0201")


if __name__ == "__main__":
    unittest.main()
