#!/usr/bin/env python3
"""Peers that move, paths that are measured, and silence."""
import base64
import contextlib
import os
import re
import signal
import subprocess
import time
import unittest

from harness import Case, background, events, kinds

VERSIONS = ("1.2", "1.3")
GROWN = rb'"event":"mtu".*"mtu":1(3[89]\d|400)'


class Paths(Case):
    @contextlib.contextmanager
    def through_relay(self, server, client, *relay):
        """A server with --json, a client whose input stays open, and a relay between them."""
        with self.server("--echo", "--json", *server) as s:
            with background("relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{s.port()}", *relay) as r:
                with background("client", f"127.0.0.1:{r.port()}", "--ca", self.cert, "--json", *client,
                                stdin=subprocess.PIPE) as c:
                    c.wait_for(rb'"event":"connected"', "out")
                    yield s, c

    def say(self, client, line):
        client.process.stdin.write(line)
        client.process.stdin.flush()

    def hears(self, client, line):
        client.wait_for(b'"event":"data".*"data":"%s"' % base64.b64encode(line), "out")

    def ends(self, server, client):
        """All that both told."""
        client.process.stdin.close()
        self.assertEqual(client.finish(), 0, client.err)
        self.assertEqual(server.finish(signal.SIGTERM), 0, server.err)
        return events(bytes(server.out)), events(bytes(client.out))

    def test_a_check_finds_who_moved(self):
        for dtls in VERSIONS:
            for mode, length in (("basic", "8"), ("enhanced", "20"), ("basic", "13")):
                with self.subTest(dtls, mode=mode, length=length):
                    with self.through_relay(["--cid-length", length, "--rrc", mode, "--dtls", dtls], ["--cid-length", "0"],
                                            "--rebind", "c8") as (server, client):
                        for i in range(10):
                            self.say(client, b"%d\n" % i)
                            time.sleep(0.05)
                        server.wait_for(b'"change":"changed"', "out")
                        self.say(client, b"there\n")
                        self.hears(client, b"there\n")
                        told, _ = self.ends(server, client)
                    self.assertEqual(kinds(told, "path", "change"), ["probing", "changed"])
                    self.assertEqual(kinds(told, "connected", "rrc"), [True])
                    self.assertEqual([len(cid) for cid in kinds(told, "connected", "own_cid")], [2 * int(length)])
                    self.assertEqual(len(kinds(told, "data", "data")), 11)

    def test_nothing_to_check_by(self):
        for dtls in VERSIONS:
            for follow in (False, True):
                with self.subTest(dtls, follow=follow):
                    server = ["--cid-length", "8", "--dtls", dtls] + (["--follow"] if follow else [])
                    with self.through_relay(server, ["--cid-length", "0", "--rrc", "off", "--linger", "100"],
                                            "--rebind", "c8") as (server, client):
                        for i in range(10):
                            self.say(client, b"%d\n" % i)
                            time.sleep(0.05)
                        self.say(client, b"there\n")
                        server.wait_for(b'"event":"data".*"data":"%s"' % base64.b64encode(b"there\n"), "out")
                        if follow:
                            self.hears(client, b"there\n")
                        told, heard = self.ends(server, client)
                    self.assertEqual(kinds(told, "path", "change"), ["followed" if follow else "seen"])
                    self.assertEqual(kinds(told, "connected", "rrc"), [False])
                    self.assertEqual(base64.b64encode(b"there\n").decode() in kinds(heard, "data", "data"), follow)

    def test_path_mtu(self):
        line = b"x" * 1300 + b"\n"
        for dtls in VERSIONS:
            with self.subTest(dtls), self.through_relay(
                    ["--cid-length", "8", "--pmtud", "--dtls", dtls, "--mtu", "1100"],
                    ["--cid-length", "4", "--pmtud", "--mtu", "1100", "--mtu-max", "1460"], "--mtu", "1400") as (server, client):
                for _ in range(100):
                    self.say(client, b"y" * 1000 + b"\n")
                    if re.search(GROWN, client.out) and re.search(GROWN, server.out):
                        break
                    time.sleep(0.05)
                client.wait_for(GROWN, "out")
                server.wait_for(GROWN, "out")
                self.say(client, line)
                self.hears(client, line)
                for told in self.ends(server, client):
                    self.assertLessEqual(max(kinds(told, "mtu", "mtu")), 1400)

    def test_mtu_in_words(self):
        with self.server("--echo", "--cid-length", "8") as server:
            with background("client", f"127.0.0.1:{server.port()}", "--ca", self.cert, "--cid-length", "4", "--pmtud",
                            stdin=subprocess.PIPE) as client:
                client.wait_for(b"connected to")
                self.say(client, b"y" * 1000 + b"\n")
                client.wait_for(rb"datagrams of up to 1472 bytes from now on\n")
                client.process.stdin.close()
                self.assertEqual(client.finish(), 0)

    def test_sign_of_life_and_silence(self):
        with self.server("--cid-length", "8") as server:
            with background("client", f"127.0.0.1:{server.port()}", "--ca", self.cert, "--cid-length", "0", "--keep-alive", "1",
                            "--idle", "5", "--json", stdin=subprocess.PIPE) as client:
                client.wait_for(b'"change":"alive"', "out")
                os.kill(server.process.pid, signal.SIGSTOP)
                try:
                    client.wait_for(b'"change":"silent"', "out")
                    self.assertEqual(client.finish(), 1)
                finally:
                    os.kill(server.process.pid, signal.SIGCONT)
                told = events(bytes(client.out))
        self.assertEqual(told[-1]["sentence"], "the peer was silent for too long")
        self.assertIn("--idle", told[-1]["hint"])

    def test_server_keeps_in_touch(self):
        with self.through_relay(["--cid-length", "8", "--keep-alive", "1", "--idle", "3"], ["--cid-length", "0"]) as \
                (server, client):
            server.wait_for(b'(?s)"change":"alive".*"change":"alive"', "out")
            os.kill(client.process.pid, signal.SIGSTOP)
            try:
                server.wait_for(b'"event":"closed".*"by":"us","reason":"the peer was silent for too long"', "out")
                server.wait_for(b'"change":"silent"', "out")
            finally:
                os.kill(client.process.pid, signal.SIGCONT)

    def test_who_does_not_agree_is_told_of(self):
        with self.server("--echo") as server:
            done = self.client(server.port(), "--cid-length", "0", "--keep-alive", "5", linger="50")
            self.assertStatus(done, 0, "--keep-alive: the server agrees on no return routability check")
            done = self.client(server.port(), "--cid-length", "0", "--pmtud", linger="50")
            self.assertStatus(done, 0, "--pmtud: the server agrees on no return routability check")
        with self.server("--echo", "--cid-length", "0", "--dtls", "1.2") as server:
            done = self.client(server.port(), "--cid-length", "4", "--pmtud", linger="50")
            self.assertStatus(done, 0, "--pmtud: in DTLS 1.2 it works only where the server wants a connection ID")


if __name__ == "__main__":
    unittest.main()
