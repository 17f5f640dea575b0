#!/usr/bin/env python3
"""tern decode on captures of tern itself, of every link type that it reads, whole, cut and damaged."""
import base64
import contextlib
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import TERN, WAIT, Case, background, events, run

ETHERNET, RAW, NULL, SLL, SLL2, WIFI = 1, 101, 0, 113, 276, 105


def checksum_free_udp(source, target, payload):
    return struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload


def ipv4(source, target, payload, fragment=0):
    udp = checksum_free_udp(source, target, payload)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, fragment, 64, 17, 0,
                       socket.inet_aton(source[0]), socket.inet_aton(target[0])) + udp


def ipv6(source, target, payload):
    udp = checksum_free_udp(source, target, payload)
    hop = struct.pack("!BB6s", 17, 0, bytes(6))
    ends = [socket.inet_pton(socket.AF_INET6, "::" + end[0].split(".")[3]) for end in (source, target)]
    return struct.pack("!IHBB", 6 << 28, len(hop) + len(udp), 0, 64) + b"".join(ends) + hop + udp


LINKS = {
    "Ethernet": (ETHERNET, lambda ip, kind: bytes(12) + struct.pack("!H", kind) + ip + b"trailer"),
    "Ethernet, VLAN": (ETHERNET, lambda ip, kind: bytes(12) + struct.pack("!HHH", 0x8100, 7, kind) + ip),
    "raw": (RAW, lambda ip, kind: ip),
    "loopback": (NULL, lambda ip, kind: struct.pack("=I", 2) + ip),
    "any": (SLL, lambda ip, kind: bytes(14) + struct.pack("!H", kind) + ip),
    "any, newer": (SLL2, lambda ip, kind: struct.pack("!H", kind) + bytes(18) + ip),
}


def pcap(link, packets, snap=65535):
    out = struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    for when, packet in packets:
        out += struct.pack("=IIII", int(when), int(when % 1 * 1e6), min(len(packet), snap), len(packet)) + packet[:snap]
    return out


class Tap:
    """A proxy in front of a server that keeps all datagrams, as (time, from the client, bytes)."""

    def __init__(self, port):
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.connect(("127.0.0.1", port))
        self.port, self.kept, self.over = self.front.getsockname()[1], [], False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        client = None
        while not self.over:
            for ready in select.select([self.front, self.back], [], [], 0.05)[0]:
                with contextlib.suppress(ConnectionRefusedError):
                    data, address = ready.recvfrom(65536)
                    self.kept.append((time.time(), ready is self.front, data))
                    if ready is self.front:
                        client = address
                        self.back.send(data)
                    elif client:
                        self.front.sendto(data, client)

    def stop(self):
        self.over = True
        self.thread.join()
        self.front.close()
        self.back.close()


@unittest.skipUnless(b"decode" in subprocess.run([TERN, "--help"], capture_output=True, check=False).stdout,
                     "built without libpcap")
class Decode(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kept = {version: cls.talk(version) for version in ("1.2", "1.3")}

    @classmethod
    def talk(cls, version):
        case = cls()
        keys = cls.path(f"keys-{version}.log")
        with case.server("--echo", "--dtls", version) as server:
            tap = Tap(server.port())
            done = case.client(tap.port, "--name", "127.0.0.1", "--dtls", version, "--keylog", keys)
            tap.stop()
        assert done.returncode == 0, done
        return tap.kept

    def capture(self, version, link="raw", wrap=ipv4, kind=0x0800, **more):
        number, frame = LINKS[link]
        client, server = ("10.0.0.1", 40000), ("10.0.0.2", 4444)
        packets = [(when, frame(wrap(*((client, server) if forth else (server, client)), data), kind))
                   for when, forth, data in self.kept[version]]
        return self.write("it.pcap", pcap(number, packets, **more))

    def keys(self, version):
        return "--keylog", self.path(f"keys-{version}.log")

    def test_ladders(self):
        for version, handshake in (("1.2", ("HelloVerifyRequest", "ServerKeyExchange", "NewSessionTicket")),
                                   ("1.3", ("HelloRetryRequest", "EncryptedExtensions", "CertificateVerify", "ACK"))):
            for link in LINKS:
                with self.subTest((version, link)):
                    done = run("decode", self.capture(version, link), *self.keys(version))
                    self.assertStatus(done, 0)
                    text = done.stdout.decode()
                    for part in (*handshake, "10.0.0.1:40000 to 10.0.0.2:4444", "Finished", "Alert close_notify",
                                 f"DTLS {version}, TLS_", "the key log has its secrets"):
                        self.assertIn(part, text)
                    self.assertEqual(text.count(r'"hello\n"'), 2)
                    self.assertNotIn("encrypted", text)
                    self.assertEqual(done.stderr, b"")

    def test_ipv6(self):
        done = run("decode", self.capture("1.3", "Ethernet", ipv6, 0x86dd), *self.keys("1.3"))
        self.assertStatus(done, 0)
        self.assertIn(b"[::1]:40000 to [::2]:4444", done.stdout)
        self.assertEqual(done.stdout.count(rb'"hello\n"'), 2)

    def test_without_keys(self):
        for version, name in (("1.2", "ApplicationData"), ("1.3", "record")):
            done = run("decode", self.capture(version))
            self.assertStatus(done, 0)
            self.assertIn(b"ClientHello", done.stdout)
            self.assertRegex(done.stdout.decode(), rf"{name} \d+ \(encrypted, epoch ")
            self.assertNotIn(b"hello\\n", done.stdout)
        other = "1.2" if version == "1.3" else "1.3"
        done = run("decode", self.capture(version), *self.keys(other))
        self.assertStatus(done, 0)
        self.assertIn(b"not in the key log", done.stdout)

    @unittest.skipUnless(shutil.which("openssl"), "no openssl")
    def test_others(self):
        """Two OpenSSLs, of which tern knows nothing but what flew and the key log of one."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        keys = self.path("openssl.log")
        with background("s_server", "-dtls1_2", "-accept", str(port), "-cert", self.cert, "-key", self.key, "-mtu",
                        "512", program="openssl", stdin=subprocess.PIPE) as server:
            server.wait_for(rb"ACCEPT", "out")
            tap = Tap(port)
            client = subprocess.Popen(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{tap.port}", "-quiet",
                                       "-keylogfile", keys], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
            client.stdin.write(b"stressed\n")
            client.stdin.flush()
            server.wait_for(rb"stressed", "out")
            server.process.stdin.write(b"desserts\n")
            server.process.stdin.flush()
            self.assertEqual(client.stdout.readline(), b"desserts\n")
            client.stdin.close()
            client.terminate()
            client.wait(WAIT)
            client.stdout.close()
            tap.stop()
        self.kept["openssl"] = tap.kept
        done = run("decode", self.capture("openssl"), "--keylog", keys)
        self.assertStatus(done, 0)
        for part in (r'"stressed\n"', r'"desserts\n"', "Finished", "Certificate 0..", "the key log has its secrets"):
            self.assertIn(part, done.stdout.decode())
        self.assertNotIn(b"encrypted", done.stdout)

    def test_json(self):
        for version in ("1.2", "1.3"):
            done = run("decode", self.capture(version), "--json", *self.keys(version))
            self.assertStatus(done, 0)
            said = events(done.stdout)
            self.assertEqual({e["event"] for e in said}, {"record"})
            self.assertEqual([e["from"] for e in said if e.get("data") is not None], ["client", "server"])
            self.assertEqual({base64.b64decode(e["data"]) for e in said if "data" in e}, {b"hello\n"})
            self.assertEqual(said[0]["message"], "ClientHello")
            self.assertEqual(said[-1]["alert"], "close_notify")
            self.assertEqual(sum(e["length"] for e in said), sum(len(data) for _, _, data in self.kept[version]))

    def test_filter_and_standard_input(self):
        path = self.capture("1.3", "Ethernet")
        self.assertStatus(run("decode", path, "udp", "port", "4444"), 0)
        self.assertStatus(run("decode", path, "port 4445"), 1, "no ClientHello")
        self.assertStatus(run("decode", path, "prt 4445"), 2, "prt 4445", "pcap-filter")
        self.assertStatus(run("decode", "-", stdin=self.read("it.pcap")), 0)

    def test_copies_and_strangers(self):
        self.kept["twice"] = [one for one in self.kept["1.3"] for _ in range(2)]
        done = run("decode", self.capture("twice"), *self.keys("1.3"))
        self.assertStatus(done, 0)
        self.assertIn(b"ClientHello", done.stdout)
        self.assertIn(b"(again)", done.stdout)
        self.assertIn(b"(record number seen before)", done.stdout)
        self.assertEqual(done.stdout.count(rb'"hello\n"'), 2)
        self.kept["late"] = self.kept["1.3"][4:]
        self.assertStatus(run("decode", self.capture("late"), *self.keys("1.3")), 1, "whose ClientHello is not there")

    def test_what_is_no_capture(self):
        self.assertStatus(run("decode"), 2, "a file is missing")
        self.assertStatus(run("decode", self.path("none.pcap")), 1, "none.pcap", "No such file")
        self.assertStatus(run("decode", self.cert), 1, self.cert, "tcpdump -w")
        self.assertStatus(run("decode", self.capture("1.3"), "--keylog", self.path("none.log")), 1, "none.log")
        self.assertStatus(run("decode", self.write("wifi.pcap", pcap(WIFI, []))), 1, "IEEE802_11")
        self.assertStatus(run("decode", self.write("empty.pcap", pcap(RAW, []))), 1, "no ClientHello")

    def test_cut(self):
        done = run("decode", self.capture("1.3", snap=100), *self.keys("1.3"))
        self.assertStatus(done, 1, "not captured whole", "tcpdump -s 0")
        path = self.capture("1.3")
        self.write("it.pcap", self.read("it.pcap")[:-7])
        done = run("decode", path, *self.keys("1.3"))
        self.assertStatus(done, 1, "truncated")
        self.assertIn(b"Finished", done.stdout)

    def test_fragments_of_ip(self):
        done = run("decode", self.capture("1.3", wrap=lambda *ends: ipv4(*ends, fragment=0x2000)))
        self.assertStatus(done, 1, "fragments of IP")

    def test_damage(self):
        chance = random.Random(9)
        for version in ("1.2", "1.3"):
            for link in ("Ethernet, VLAN", "any, newer"):
                self.capture(version, link)
                whole = self.read("it.pcap")
                for _ in range(20):
                    damaged = bytearray(whole)
                    for _ in range(chance.randrange(1, 60)):
                        damaged[chance.randrange(24, len(damaged))] = chance.randrange(256)
                    done = run("decode", self.write("damaged.pcap", bytes(damaged)), *self.keys(version))
                    self.assertIn(done.returncode, (0, 1), done)
                    self.assertNotIn(b"Sanitizer", done.stderr)


if __name__ == "__main__":
    unittest.main()
