#!/usr/bin/env python3
"""tern server --metrics: OpenMetrics text over HTTP, while clients come and go."""
import re
import signal
import socket
import subprocess
import time
import unittest

from harness import WAIT, run, background, Case

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
LINE = re.compile(r'tern_([a-z0-9_]+?)(_total)?(\{reason="[a-z_]+"\})? ([0-9]+)')


def ask(port, request=GET, patience=WAIT):
    """Everything that is answered until the end of the connection."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), patience) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65536):
            got += chunk
    return got


class Metrics(Case):
    def metered(self, *args):
        return self.server("--echo", "--metrics", "127.0.0.1:0", *args)

    def port(self, server):
        return int(server.wait_for(rb"metrics at http://127\.0\.0\.1:(\d+)/metrics\n").group(1))

    def read(self, server):
        """{sample: value}, of a text that is as it should be."""
        head, body = ask(self.port(server)).decode("ascii").split("\r\n\r\n", 1)
        self.assertEqual(head.split("\r\n")[0], "HTTP/1.1 200 OK")
        self.assertIn("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n", head)
        self.assertIn(f"\r\nContent-Length: {len(body)}\r\n", head)
        lines = body.split("\n")
        self.assertEqual(lines[-2:], ["# EOF", ""])
        families, samples = {}, {}
        for line in lines[:-2]:
            if line.startswith("# HELP tern_"):
                family = line.split()[2]
                self.assertNotIn(family, families)
                families[family] = None
                self.assertGreater(len(line.split()), 3)
            elif line.startswith("# TYPE tern_"):
                self.assertEqual(line.split()[2], family)
                families[family] = line.split()[3]
            else:
                name, total, label, value = LINE.fullmatch(line).groups("")
                self.assertEqual("tern_" + name, family)
                self.assertEqual(families[family], "counter" if total else "gauge")
                self.assertNotIn(name + label, samples)
                samples[name + label] = int(value)
        return samples

    def read_until(self, server, holds):
        end = time.monotonic() + WAIT
        while not holds(samples := self.read(server)):
            self.assertLess(time.monotonic(), end, samples)
            time.sleep(0.05)
        return samples

    def test_while_a_client_is_connected(self):
        with self.metered() as server:
            before = self.read(server)
            self.assertEqual({before[name] for name in ("peers", "handshakes", "handshakes_started")}, {0})
            with background("client", f"127.0.0.1:{server.port()}", "--ca", self.cert, stdin=subprocess.PIPE) as client:
                client.process.stdin.write(b"tern\n")
                client.process.stdin.flush()
                client.wait_for(b"tern\n", "out")
                now = self.read(server)
                self.assertEqual((now["peers"], now["handshakes"]), (1, 0))
                self.assertEqual((now["handshakes_completed"], now["records_received"], now["records_sent"]), (1, 1, 1))
                self.assertGreater(now["bytes_received"], 500)
                client.process.stdin.close()
                self.assertEqual(client.finish(), 0)
            self.read_until(server, lambda now: now["peers"] == 0 and now["gone_closed_by_peer"] == 1)
            self.assertEqual(server.finish(signal.SIGTERM), 0)

    def test_sum_of_workers(self):
        with self.metered("--workers", "3") as server:
            for _ in range(6):
                self.assertStatus(self.client(server.port()), 0)
            self.read_until(server, lambda now: now["gone_closed_by_peer"] == now["handshakes_completed"] == 6)
            self.assertEqual(server.finish(signal.SIGTERM), 0)

    def test_drops_have_reasons(self):
        with self.metered() as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            reasons = [name for name in self.read(server) if name.startswith("dropped_records")]
            self.assertIn('dropped_records{reason="forged"}', reasons)
            self.assertNotIn('dropped_records{reason="none"}', reasons)
            for _ in range(3):
                stranger.sendto(b"nothing of the kind", ("127.0.0.1", server.port()))
            now = self.read_until(server, lambda now: now["dropped_stranger"] == 3)
            self.assertEqual(sum(now[name] for name in reasons), 3)

    def test_anything_else(self):
        with self.metered() as server:
            port = self.port(server)
            for request in (b"GET / HTTP/1.1", b"GET /metricsx HTTP/1.1", b"POST /metrics HTTP/1.1", b"x"):
                with self.subTest(request):
                    self.assertTrue(ask(port, request + b"\r\n\r\n").startswith(b"HTTP/1.1 404 Not Found\r\n"))
            self.assertTrue(ask(port, GET.replace(b"metrics", b"metrics?a=b")).startswith(b"HTTP/1.1 200 OK\r\n"))
            self.assertEqual(ask(port, b"GET /metrics HTTP/1.1\r\nX: ".ljust(4096, b"x")), b"")  # too long

    def test_the_slow_do_not_stay(self):
        with self.metered() as server, socket.create_connection(("127.0.0.1", self.port(server)), WAIT) as slow:
            slow.sendall(GET[:-2])
            start = time.monotonic()
            self.read(server)
            self.assertEqual(slow.recv(1), b"")
            self.assertLess(time.monotonic() - start, WAIT / 2)
            with socket.create_connection(("127.0.0.1", self.port(server)), WAIT):
                self.assertEqual(server.finish(signal.SIGTERM), 0)

    def test_taken_port(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            done = run("server", "--listen", "127.0.0.1:0", "--psk", "a:00", "--metrics", str(port))
            self.assertStatus(done, 1, f"--metrics {port}: cannot listen there")


if __name__ == "__main__":
    unittest.main()
