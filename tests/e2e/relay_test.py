#!/usr/bin/env python3
"""tern relay and tern demo: fates that repeat themselves, and a ladder that ends well."""
import base64
import contextlib
import signal
import socket
import subprocess
import time
import unittest

from harness import WAIT, run, events, background, Case


class Relay(Case):
    def setUp(self):
        self.server_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.server_socket.close)
        self.server_socket.bind(("127.0.0.1", 0))
        self.server_socket.settimeout(0.3)

    def relay(self, *args):
        port = self.server_socket.getsockname()[1]
        return background("relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}", *args)

    def received(self, where):
        got = []
        with contextlib.suppress(TimeoutError):
            while True:
                got.append(where.recv(65536))
        return got

    def one_way(self, *args, count=30, size=8):
        """What the server gets of numbered datagrams, and the relay's last words."""
        with self.relay(*args) as relay, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", relay.port()))
            for i in range(1, count + 1):
                client.send(b"%03d" % i + b"." * (size - 3))
                time.sleep(0.001)
            got = self.received(self.server_socket)
            self.assertEqual(relay.finish(signal.SIGTERM), 0)
            return got, bytes(relay.err).decode()

    def test_as_it_comes(self):
        got, words = self.one_way()
        self.assertEqual([int(d[:3]) for d in got], list(range(1, 31)))
        self.assertIn("client to server: 30 received, 30 forwarded, 0 lost", words)

    def test_same_seed_same_losses(self):
        runs = [self.one_way("--loss", "30", "--seed", seed)[0] for seed in ("5", "5", "6")]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        self.assertLess(len(runs[0]), 30)
        self.assertGreater(len(runs[0]), 5)

    def test_everything_lost(self):
        self.assertEqual(self.one_way("--loss", "100")[0], [])

    def test_duplicates(self):
        got, _ = self.one_way("--duplicate", "100", count=5)
        self.assertEqual([int(d[:3]) for d in got], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5])

    def test_reorder(self):
        got, words = self.one_way("--reorder", "30", "--seed", "3")
        numbers = [int(d[:3]) for d in got]
        self.assertNotEqual(numbers, sorted(numbers))
        self.assertEqual(sorted(numbers), list(range(1, 31)))
        self.assertNotIn(" 0 reordered, 0 corrupted, 0 undeliverable\nserver", words)

    def test_a_held_datagram_goes_out_alone(self):
        self.assertEqual(len(self.one_way("--reorder", "100", count=1)[0]), 1)

    def test_corrupt(self):
        got, _ = self.one_way("--corrupt", "100", count=10)
        self.assertEqual(len(got), 10)
        for i, datagram in enumerate(got, 1):
            self.assertEqual(sum(a != b for a, b in zip(datagram, b"%03d....." % i)), 1)

    def test_mtu(self):
        self.assertEqual(self.one_way("--mtu", "100", count=3, size=101)[0], [])
        self.assertEqual(len(self.one_way("--mtu", "100", count=3, size=100)[0]), 3)

    def test_delay(self):
        start = time.monotonic()
        with self.relay("--delay", "200") as relay, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", relay.port()))
            start = time.monotonic()
            client.send(b"x")
            self.server_socket.settimeout(WAIT)
            self.server_socket.recv(10)
            self.assertGreaterEqual(time.monotonic() - start, 0.19)

    def test_drop_list_both_ways(self):
        with self.relay("--drop", "c2,s1-3,c4", "-v") as relay:
            port = relay.port()
            for _ in range(2):  # the list holds for every client
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.connect(("127.0.0.1", port))
                    client.settimeout(0.3)
                    for i in range(1, 6):
                        client.send(b"%d" % i)
                    self.server_socket.settimeout(WAIT)
                    datagram, address = self.server_socket.recvfrom(10)
                    self.server_socket.settimeout(0.3)
                    self.assertEqual([datagram] + self.received(self.server_socket), [b"1", b"3", b"5"])
                    for i in range(1, 6):
                        self.server_socket.sendto(b"%d" % i, address)
                    self.assertEqual(self.received(client), [b"4", b"5"])
            self.assertEqual(relay.finish(signal.SIGTERM), 0)
            self.assertRegex(bytes(relay.err).decode(), r"c2 1 bytes: on the drop list\n")

    def test_rebind(self):
        with self.relay("--rebind-after", "1") as relay, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", relay.port()))
            client.settimeout(WAIT)
            self.server_socket.settimeout(WAIT)
            ports = []
            for pause in (0, 1.1, 0):
                time.sleep(pause)
                client.send(b"x")
                _, address = self.server_socket.recvfrom(10)
                ports.append(address[1])
                self.server_socket.sendto(b"back", address)
                self.assertEqual(client.recv(10), b"back")
        self.assertNotEqual(ports[0], ports[1])
        self.assertEqual(ports[1], ports[2])

    def test_rebind_list(self):
        with self.relay("--rebind", "c3,c5-6") as relay, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", relay.port()))
            self.server_socket.settimeout(WAIT)
            ports = []
            for _ in range(7):
                client.send(b"x")
                ports.append(self.server_socket.recvfrom(10)[1][1])
        self.assertEqual([a == b for a, b in zip(ports, ports[1:])], [True, False, True, False, False, True])

    def test_two_clients(self):
        with self.relay() as relay, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
            self.server_socket.settimeout(WAIT)
            for i, client in enumerate(clients):
                client.settimeout(WAIT)
                client.connect(("127.0.0.1", relay.port()))
                client.send(b"%d" % i)
            for _ in clients:
                datagram, address = self.server_socket.recvfrom(10)
                self.server_socket.sendto(b"to " + datagram, address)
            self.assertEqual([client.recv(10) for client in clients], [b"to 0", b"to 1"])

    def test_handshake_through_loss(self):
        with self.server("--echo", "--rto", "50") as server:
            with background("relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{server.port()}", "--drop",
                            "c1,c3,s2,s4", "--duplicate", "20", "--reorder", "20") as relay:
                done = self.client(relay.port(), "--rto", "50", "--json", "--mtu", "512")
        self.assertStatus(done, 0)
        self.assertEqual([e["event"] for e in events(done.stdout)][0], "connected")
        self.assertGreater(events(done.stdout)[-1]["retransmissions"], 0)

    def test_server_follows_a_rebinding(self):
        for dtls in ("1.2", "1.3"):
            for workers in ("1", "4"):
                with self.subTest(dtls, workers=workers):
                    self.through_rebinding(dtls, workers)

    def through_rebinding(self, dtls, workers):
        with self.server("--echo", "--json", "--cid-length", "8", "--workers", workers, "--dtls", dtls) as server:
            with background("relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{server.port()}",
                            "--rebind-after", "1") as relay:
                with background("client", f"127.0.0.1:{relay.port()}", "--ca", self.cert, "--cid-length", "0", "--json",
                                "--linger", "1500", stdin=subprocess.PIPE) as client:
                    for i in range(16):
                        client.process.stdin.write(b"%d\n" % i)
                        client.process.stdin.flush()
                        time.sleep(0.1)
                    client.process.stdin.write(b"last\n")
                    client.process.stdin.close()
                    self.assertEqual(client.finish(), 0)
            self.assertEqual(server.finish(signal.SIGTERM), 0)
        told = events(bytes(server.out))
        data = [e for e in told if e["event"] == "data"]
        paths = [e for e in told if e["event"] == "path"]
        back = [base64.b64decode(e["data"]) for e in events(bytes(client.out)) if e["event"] == "data"]
        self.assertEqual(len(data), 17)  # all that was sent
        self.assertEqual([e["change"] for e in paths], ["probing", "changed"])
        self.assertNotEqual(paths[0]["address"], paths[0]["peer"])
        self.assertIn(b"last\n", back)

class Demo(Case):
    def test_default(self):
        for dtls, retry, suite, also in (("1.2", "HelloVerifyRequest", "TLS_ECDHE_ECDSA_WITH", "Finished"),
                                         ("1.3", "HelloRetryRequest", "TLS_AES_128_GCM_SHA256", "KeyUpdate")):
            with self.subTest(dtls):
                done = run("demo", "--dtls", dtls)
                self.assertStatus(done, 0)
                text = done.stdout.decode()
                for words in ("ClientHello", retry, "Certificate 0..", "(again)", "lost", "timer:", "(resumed)",
                              "Summary", "DTLS " + dtls, suite, also):
                    self.assertIn(words, text)
                self.assertNotIn("\x1b", text)
        self.assertEqual(run("demo").stdout.decode().count("DTLS 1.3"), 1)

    def test_ladder_is_straight_in_both_locales(self):
        for locale, rail in (("C", "|"), ("C.UTF-8", "\u2502")):
            with self.subTest(locale):
                done = run("demo", "--loss", "30", "--seed", "5", env={"LC_ALL": locale})
                rungs = [line for line in done.stdout.decode().splitlines() if line.count(rail) >= 2]
                self.assertGreater(len(rungs), 20)
                self.assertEqual({len(line) for line in rungs}, {94})
                self.assertTrue(all(line.endswith(rail) and line[8] == rail for line in rungs))
        self.assertTrue(run("demo", "--loss", "0", env={"LC_ALL": "C"}).stdout.isascii())

    def test_no_loss(self):
        done = run("demo", "--loss", "0")
        self.assertStatus(done, 0)
        self.assertIn("0 lost", done.stdout.decode())
        self.assertNotIn("(again)", done.stdout.decode())

    def test_all_lost_ends(self):
        done = run("demo", "--loss", "100")
        self.assertStatus(done, 1, "did not answer in time")

    def test_json(self):
        done = run("demo", "--json", "--loss", "0")
        self.assertStatus(done, 0)
        kinds = [e["event"] for e in events(done.stdout)]
        self.assertEqual(set(kinds), {"datagram", "connected", "stats"})
        self.assertEqual([e["resumed"] for e in events(done.stdout) if e["event"] == "connected"],
                         [False, False, True, True])


if __name__ == "__main__":
    unittest.main()
