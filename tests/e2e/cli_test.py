#!/usr/bin/env python3
"""The command tern from outside: its forms, exit statuses, messages, and that it talks to itself."""
import base64
import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest

from harness import TERN, WAIT, PSK, run, events, Background, background, Case


class Cert(Case):
    def test_key_types(self):
        for key_type, shown in (("p256", "P-256"), ("p384", "P-384"), ("ed25519", "Ed25519"), ("rsa", "RSA 3072")):
            with self.subTest(key_type):
                cert, key = self.path(key_type + ".pem"), self.path(key_type + ".key")
                made = run("cert", "self-signed", "--name", "a.example", "--name", "::1", "--key-type", key_type,
                           "--days", "3", "--cert", cert, "--key", key)
                self.assertStatus(made, 0)
                show = run("cert", "show", cert)
                self.assertStatus(show, 0)
                text = show.stdout.decode()
                self.assertIn("CN=a.example", text)
                self.assertIn("DNS:a.example, IP Address:0:0:0:0:0:0:0:1", text)
                self.assertRegex(text, rf"key +{shown}\n")
                self.assertIn(made.stdout.decode().strip(), text)
                self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)

    def test_fingerprint_is_that_of_the_der(self):
        body = b"".join(self.read("cert.pem").split(b"-----")[2].split())
        digest = hashlib.sha256(base64.b64decode(body)).hexdigest().upper()
        pairs = ":".join(digest[i:i + 2] for i in range(0, 64, 2))
        self.assertEqual(self.made.stdout.decode().strip(), "sha-256:" + pairs)

    def test_never_overwrites_silently(self):
        before = self.read("key.pem"), self.read("cert.pem")
        again = ["cert", "self-signed", "--name", "x", "--cert", self.path("new.pem"), "--key", self.key]
        self.assertStatus(run(*again), 1, "--key " + self.key, "--force")
        self.assertFalse(os.path.exists(self.path("new.pem")))
        again = ["cert", "self-signed", "--name", "x", "--cert", self.cert, "--key", self.path("new.key")]
        self.assertStatus(run(*again), 1, "--cert " + self.cert, "--force")
        self.assertFalse(os.path.exists(self.path("new.key")))
        self.assertEqual(before, (self.read("key.pem"), self.read("cert.pem")))
        self.write("old.pem", b"old"), self.write("old.key", b"old")
        done = run("cert", "self-signed", "--name", "x", "--cert", self.path("old.pem"), "--key",
                   self.path("old.key"), "--force")
        self.assertStatus(done, 0)
        self.assertIn(b"PRIVATE KEY", self.read("old.key"))

    def make_ca(self):
        done = run("cert", "ca", "--name", "Test CA", "--cert", self.path("ca.pem"), "--key", self.path("ca.key"),
                   "--force")
        self.assertStatus(done, 0)
        done = run("cert", "issue", "--ca-cert", self.path("ca.pem"), "--ca-key", self.path("ca.key"), "--name",
                   "localhost", "--cert", self.path("leaf.pem"), "--key", self.path("leaf.key"), "--force")
        self.assertStatus(done, 0)

    def test_issue(self):
        self.make_ca()
        self.assertRegex(run("cert", "show", self.path("leaf.pem")).stdout.decode(), r"issuer +CN=Test CA\n")
        self.assertRegex(run("cert", "show", self.path("ca.pem")).stdout.decode(), r"CA +yes\n")
        with background("server", "--listen", "127.0.0.1:0", "--cert", self.path("leaf.pem"), "--key",
                        self.path("leaf.key"), "--echo") as server:
            done = run("client", f"127.0.0.1:{server.port()}", "--ca", self.path("ca.pem"), "--name", "localhost",
                       "--linger", "400", stdin=b"issued\n")
        self.assertStatus(done, 0)
        self.assertEqual(done.stdout, b"issued\n")

    @unittest.skipUnless(shutil.which("openssl"), "no openssl command to check with")
    def test_openssl_agrees(self):
        self.make_ca()
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile",
                               self.path("ca.pem"), self.path("leaf.pem")], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done)


class Usage(Case):
    def test_bad_input(self):
        other_cert, other_key = self.path("other.pem"), self.path("other.key")
        run("cert", "self-signed", "--name", "x", "--cert", other_cert, "--key", other_key)
        junk = self.write("junk", b"this is no PEM\n")
        cut = self.write("cut.pem", self.read("cert.pem")[:200])
        psk_file = self.write("psks", b"# comment\nok:0011\nbroken\n")
        busy = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(busy.close)
        busy.bind(("127.0.0.1", 0))
        used = f"127.0.0.1:{busy.getsockname()[1]}"
        missing = self.path("missing")
        listen, pair = ["server", "--listen", "127.0.0.1:0"], ["--cert", self.cert, "--key", self.key]
        client = ["client", "127.0.0.1:9"]
        issue = ["cert", "issue", "--name", "x", "--cert", self.path("n.pem"), "--key", self.path("n.key")]
        relay = ["relay", "--listen", "127.0.0.1:0"]
        for args, status, fragments in (
                ([], 2, ["usage: tern COMMAND"]),
                (["nonsense"], 2, ["no command 'nonsense'"]),
                (["client"], 2, ["ADDR is missing"]),
                (["client", "a:1", "b:2"], 2, ["one ADDR"]),
                (["client", "127.0.0.1"], 2, ["ADDR 127.0.0.1", "HOST:PORT"]),
                (["client", "127.0.0.1:99999"], 2, ["127.0.0.1:99999"]),
                (["client", "127.0.0.1:0"], 2, ["port 0"]),
                (["client", "::1:4444"], 2, ["[v6]:PORT"]),
                (["client", "no-such-host.invalid:1"], 1, ["ADDR no-such-host.invalid:1", "cannot find the host"]),
                (client + ["--frobnicate"], 2, ["--frobnicate"]),
                (client + ["--ca"], 2, ["--ca needs a value"]),
                (client + ["--name", "a", "--name", "b"], 2, ["--name is given twice"]),
                (client + ["--mtu", "95"], 2, ["--mtu 95", "96 to 65507"]),
                (client + ["--early-data", self.cert], 2, ["--early-data", "--session"]),
                (client + ["--insecure", "--session", missing, "--early-data", missing], 1,
                 ["--early-data " + missing]),
                (listen + pair + ["--early-data", "-1"], 2, ["--early-data -1"]),
                (client + ["--mtu", "x"], 2, ["--mtu x"]),
                (client + ["--linger", "-1"], 2, ["--linger -1"]),
                (client + ["--dtls", "1.3,1.4"], 2, ["--dtls 1.3,1.4"]),
                (client + ["--dtls", "1.0"], 2, ["--dtls 1.0"]),
                (client + ["--cid-length", "21"], 2, ["--cid-length 21", "0 to 20"]),
                (listen + pair + ["--cid-length", "21"], 2, ["--cid-length 21", "0 to 20"]),
                (listen + pair + ["--cid-length", "7"], 2, ["--cid-length 7", "give 8 to 20 bytes, or 0"]),
                (listen + pair + ["--follow"], 2, ["--follow", "--cid-length"]),
                (listen + pair + ["--follow", "--cid-length", "0"], 2, ["--follow", "--cid-length"]),
                (listen + pair + ["--secret", missing], 1, ["--secret " + missing]),
                (listen + pair + ["--secret", junk], 1, ["--secret " + junk, "32 bytes"]),
                (listen + ["--raw-key", junk], 1, ["--raw-key " + junk, "PEM"]),
                (client + ["--rrc", "on", "--cid-length", "0"], 2, ["--rrc on", "basic"]),
                (client + ["--rrc", "basic"], 2, ["--rrc", "--cid-length"]),
                (client + ["--pmtud"], 2, ["--pmtud", "--cid-length"]),
                (client + ["--keep-alive", "5"], 2, ["--keep-alive", "--cid-length"]),
                (client + ["--keep-alive", "5", "--cid-length", "0", "--rrc", "off"], 2, ["--rrc off", "--keep-alive"]),
                (client + ["--pmtud", "--cid-length", "0", "--rrc", "off"], 2, ["--rrc off", "--pmtud"]),
                (client + ["--mtu-max", "1400"], 2, ["--mtu-max", "--pmtud"]),
                (client + ["--mtu-max", "1199", "--pmtud", "--cid-length", "0"], 2, ["--mtu-max 1199", "1200"]),
                (client + ["--replay-window", "100"], 2, ["--replay-window 100", "multiple of 64"]),
                (client + ["--max-fragment-length", "1000"], 2, ["--max-fragment-length 1000", "1024"]),
                (client + ["--schemes", "rot13"], 2, ["--schemes rot13", "IANA"]),
                (client + ["--io", "fast"], 2, ["--io fast", "plain"]),
                (client + ["--insecure", "--bind", "[::1]:0"], 2, ["--bind [::1]:0", "IPv4"]),
                (["relay", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--rebind", "s1"], 2, ["--rebind s1", "c6"]),
                (client + ["--srtp", "x"], 2, ["--srtp", "SRTP_AEAD_AES_128_GCM"]),
                (listen + pair + ["--workers", "0"], 2, ["--workers 0", "1 to 64"]),
                (listen + pair + ["--metrics", "x"], 2, ["--metrics x", "HOST:PORT"]),
                (client + ["--policy", "x"], 2, ["--policy x", "webrtc"]),
                (client + ["--suites", "TLS_NULL"], 2, ["--suites TLS_NULL", "IANA"]),
                (client + ["--groups", "secp9"], 2, ["--groups secp9"]),
                (client + ["--alpn", ""], 2, ["--alpn"]),
                (client + ["--cert-compression", "lzma"], 2, ["--cert-compression lzma"]),
                (client + ["--record-crypto", "rot13"], 2, ["--record-crypto rot13", "libcrypto"]),
                (client + ["--psk", "id"], 2, ["--psk", "ID:HEX"]),
                (client + ["--psk", "id:0"], 2, ["--psk", "ID:HEX"]),
                (client + ["--psk", "id:zz"], 2, ["--psk", "ID:HEX"]),
                (client + ["--psk", ":00"], 2, ["--psk", "ID:HEX"]),
                (client + ["--psk", "id:" + "00" * 65], 2, ["--psk", "64"]),
                (client + ["--psk", PSK, "--psk-context", "x"], 2, ["--psk-context", "--psk-import"]),
                (client + ["--psk", PSK, "--psk-import", "--psk-hash", "md5"], 2, ["--psk-hash md5", "sha384"]),
                (client + ["--psk-import"], 2, ["--psk-import", "--psk ID:HEX"]),
                (client + ["--fingerprint", "sha-256:00"], 2, ["--fingerprint sha-256:00"]),
                (client + ["--export", "label"], 2, ["--export label"]),
                (client + ["--export", "label:0"], 2, ["--export label:0"]),
                (client + ["--insecure", "--ca", self.cert], 2, ["--insecure"]),
                (client + ["--ca", missing], 1, ["--ca " + missing, "No such file"]),
                (client + ["--ca", self.dir], 1, ["--ca " + self.dir, "directory"]),
                (client + ["--ca", junk], 1, ["--ca " + junk, "PEM"]),
                (client + ["--ca", cut], 1, ["--ca " + cut]),
                (client + ["--insecure", "--cert", self.cert], 2, ["--key is missing"]),
                (client + ["--insecure", "--session", self.cert], 1, ["--session " + self.cert]),
                (client + ["--insecure", "--keylog", missing + "/x"], 1, ["--keylog " + missing + "/x"]),
                (client + ["--insecure", "--trace", missing + "/x"], 1, ["--trace " + missing + "/x"]),
                (["server"] + pair, 2, ["--listen is missing"]),
                (listen, 2, ["--cert FILE", "--psk"]),
                (listen + ["--cert", self.cert], 2, ["--key is missing"]),
                (listen + ["--key", self.key], 2, ["--cert is missing"]),
                (listen + ["--cert", missing, "--key", self.key], 1, ["--cert " + missing]),
                (listen + ["--cert", self.cert, "--key", missing], 1, ["--key " + missing]),
                (listen + ["--cert", self.cert, "--key", junk], 1, ["--key " + junk]),
                (listen + ["--cert", self.cert, "--key", self.cert], 1, ["--key " + self.cert]),
                (listen + ["--cert", self.key, "--key", self.key], 1, ["--cert " + self.key]),
                (listen + ["--cert", cut, "--key", self.key], 1, ["--cert " + cut]),
                (listen + ["--cert", self.cert, "--key", other_key], 1, [other_key, self.cert, "belong"]),
                (listen + ["--psk-file", psk_file], 1, ["--psk-file " + psk_file, "line 3"]),
                (listen + ["--psk-file", missing], 1, ["--psk-file " + missing]),
                (listen + pair + ["--require-client-cert"], 2, ["--require-client-cert", "--ca"]),
                (listen + pair + ["--request-cert-after", "1"], 2, ["--request-cert-after", "--ca"]),
                (listen + pair + ["extra"], 2, ["extra"]),
                (["server", "--listen", used] + pair, 1, ["--listen " + used, "in use"]),
                (["server", "--listen", "192.0.2.1:4444"] + pair, 1, ["--listen 192.0.2.1:4444"]),
                (["cert"], 2, ["self-signed"]),
                (["cert", "frob"], 2, ["self-signed"]),
                (["cert", "show"], 2, ["show"]),
                (["cert", "show", junk], 1, [junk]),
                (["cert", "show", missing], 1, [missing]),
                (["cert", "self-signed", "--cert", "x", "--key", "y"], 2, ["--name is missing"]),
                (["cert", "self-signed", "--name", "x", "--key", "y"], 2, ["--cert is missing"]),
                (["cert", "self-signed", "--name", "x", "--cert", "y"], 2, ["--key is missing"]),
                (["cert", "self-signed", "--name", "a b", "--cert", "x", "--key", "y"], 2, ["--name"]),
                (["cert", "self-signed", "--name", "x", "--key-type", "dsa", "--cert", "x", "--key", "y"], 2,
                 ["--key-type dsa"]),
                (["cert", "self-signed", "--name", "x", "--days", "0", "--cert", "x", "--key", "y"], 2, ["--days 0"]),
                (["cert", "self-signed", "--name", "x", "--cert", missing + "/x", "--key", missing + "/y"], 1,
                 ["--key " + missing + "/y"]),
                (issue, 2, ["--ca-cert is missing"]),
                (issue + ["--ca-cert", self.cert], 2, ["--ca-key is missing"]),
                (issue + ["--ca-cert", self.cert, "--ca-key", self.key], 1, ["--ca-cert " + self.cert]),
                (["relay", "--to", "1"], 2, ["--listen is missing"]),
                (relay, 2, ["--to is missing"]),
                (relay + ["--to", "127.0.0.1:1", "--loss", "101"], 2, ["--loss 101"]),
                (relay + ["--to", "127.0.0.1:1", "--drop", "x1"], 2, ["--drop x1"]),
                (relay + ["--to", "127.0.0.1:1", "--drop", "c3-2"], 2, ["--drop c3-2"]),
                (["relay", "--listen", used, "--to", "127.0.0.1:1"], 1, ["--listen " + used]),
                (["demo", "--dtls", "1.1"], 2, ["--dtls 1.1"]),
                (["demo", "--loss", "nan"], 2, ["--loss nan"]),
                (["demo", "extra"], 2, ["extra"]),
        ):
            with self.subTest(" ".join(args)):
                self.assertStatus(run(*args), status, *fragments)

    def test_a_bad_psk_is_not_repeated(self):
        self.assertNotIn(b"c0ffee", run("client", "127.0.0.1:9", "--psk", "id:c0ffeezz").stderr)

    def test_mismatched_ca_pair(self):
        for name in ("one", "two"):
            run("cert", "ca", "--name", name, "--cert", self.path(name + ".pem"), "--key", self.path(name + ".key"))
        done = run("cert", "issue", "--ca-cert", self.path("one.pem"), "--ca-key", self.path("two.key"), "--name", "x",
                   "--cert", self.path("n.pem"), "--key", self.path("n.key"))
        self.assertStatus(done, 1, "--ca-key " + self.path("two.key"), self.path("one.pem"))

    def test_help(self):
        for command in ("server", "client", "cert", "relay", "demo"):
            for option in ("-h", "--help"):
                with self.subTest(command + option):
                    done = run(command, option)
                    self.assertStatus(done, 0)
                    self.assertIn(f"usage: tern {command}", done.stdout.decode())
                    self.assertIn("Examples:", done.stdout.decode())
        self.assertStatus(run("--help"), 0)
        self.assertRegex(run("--version").stdout.decode(), r"^tern \d+\.\d+\.\d+\n$")


class Proxy:
    """Forwards one client at a time from one fixed port, keeps what clients sent, and can send it again."""

    def __init__(self, port):
        self.front, self.back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.front.bind(("127.0.0.1", 0))
        self.back.connect(("127.0.0.1", port))
        self.front.settimeout(0.02)
        self.back.settimeout(0.02)
        self.port = self.front.getsockname()[1]
        self.client, self.sent, self.stopped = None, [], False
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self.forward, self.backward)]
        for thread in self.threads:
            thread.start()

    def forward(self):
        while not self.stopped:
            with contextlib.suppress(TimeoutError, ConnectionError):
                datagram, self.client = self.front.recvfrom(65536)
                self.sent.append(datagram)
                self.back.send(datagram)

    def backward(self):
        while not self.stopped:
            with contextlib.suppress(TimeoutError, ConnectionError):
                datagram = self.back.recv(65536)
                if self.client:
                    self.front.sendto(datagram, self.client)

    def close(self):
        self.stopped = True
        for thread in self.threads:
            thread.join(WAIT)
        self.front.close()
        self.back.close()


class ServerAndClient(Case):
    def test_echo(self):
        with self.server("--echo") as server:
            done = self.client(server.port(), stdin=b"one\ntwo\nthree")
            self.assertStatus(done, 0, "connected to")
            self.assertEqual(done.stdout, b"one\ntwo\nthree")
            self.assertEqual(server.finish(signal.SIGTERM), 0)
            self.assertEqual(bytes(server.out), b"")

    def test_records_to_stdout(self):
        with self.server("--once") as server:
            self.assertStatus(self.client(server.port(), stdin=b"one\n\0two\n"), 0)
            self.assertEqual(server.finish(), 0)
            self.assertEqual(bytes(server.out), b"one\n\0two\n")

    def test_no_cookie(self):
        with self.server("--echo", "--no-cookie", "-v") as server:
            self.assertEqual(self.client(server.port()).stdout, b"hello\n")
            server.wait_for(rb"received ClientHello.*, message 0, record 0\.0")

    def test_no_cookie_but_another_group(self):
        """The second ClientHello belongs to the handshake that asked for it, cookie or not."""
        with self.server("--echo", "--no-cookie", "--groups", "secp384r1") as server:
            done = self.client(server.port(), "--groups", "x25519,secp384r1")
            self.assertStatus(done, 0, "secp384r1")
            self.assertEqual(done.stdout, b"hello\n")

    def many_clients_at_once(self, *args):
        with self.server("--echo", "--json", *args) as server:
            port, results = server.port(), {}

            def talk(i):
                results[i] = self.client(port, stdin=b"".join(b"%d-%d\n" % (i, j) for j in range(5)), linger="1000")

            threads = [threading.Thread(target=talk, args=(i,)) for i in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(WAIT)
            for i in range(16):
                self.assertStatus(results[i], 0)
                self.assertEqual(sorted(results[i].stdout.split()), [b"%d-%d" % (i, j) for j in range(5)])
            self.assertEqual(server.finish(signal.SIGTERM), 0)
            connected = [e for e in events(bytes(server.out)) if e["event"] == "connected"]
            self.assertEqual(len({e["peer"] for e in connected}), 16)

    def test_many_clients_at_once(self):
        self.many_clients_at_once()

    def test_workers(self):
        self.many_clients_at_once("--workers", "3")
        self.many_clients_at_once("--workers", "3", "--cid-length", "8")

    def test_resumption(self):
        session = self.path("session.bin")
        with self.server("--echo") as server:
            port = server.port()
            for resumed in (False, True, True):
                done = self.client(port, "--session", session, "--json")
                self.assertStatus(done, 0)
                connected = events(done.stdout)[0]
                self.assertEqual((connected["event"], connected["resumed"]), ("connected", resumed), done)
                self.assertTrue(connected["authenticated"])
                self.assertEqual(stat.S_IMODE(os.stat(session).st_mode), 0o600)

    def early(self, port, *args, stdin=b"then\n"):
        return self.client(port, "--session", self.path("early.bin"), "--early-data",
                           self.write("request", b"first\nsecond"), "--json", *args, stdin=stdin)

    def test_early_data(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("early.bin"))
        with self.server("--echo", "--json", "--early-data", "1000") as server:
            port = server.port()
            for early in (False, True, True):
                done = self.early(port)
                self.assertStatus(done, 0)
                mine = events(done.stdout)
                connected = [e for e in mine if e["event"] == "connected"][0]
                self.assertEqual(connected["early_data"], "accepted" if early else "none", done)
                sent = [e for e in mine if e["event"] == "sent"]
                self.assertEqual([(base64.b64decode(e["data"]), e.get("early", False)) for e in sent],
                                 [(b"first\n", early), (b"second", early), (b"then\n", False)])
                echoed = [base64.b64decode(e["data"]) for e in mine if e["event"] == "data"]
                self.assertEqual(sorted(echoed), [b"first\n", b"second", b"then\n"])
            self.assertEqual(server.finish(signal.SIGTERM), 0)
        theirs = events(bytes(server.out))
        self.assertEqual([base64.b64decode(e["data"]) for e in theirs if e.get("early") and e["event"] == "data"],
                         2 * [b"first\n", b"second"])
        self.assertFalse([e for e in theirs if e.get("early") and e["event"] == "sent"])

    def test_early_data_refused_is_sent_again(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("early.bin"))
        for args in ([], ["--early-data", "1000"], ["--early-data", "0", "--no-cookie"]):
            with self.server("--json", "--early-data", "1000") as server:
                self.assertStatus(self.early(server.port()), 0)
            with self.subTest(args), self.server("--json", *args) as server:
                done = self.early(server.port())
                self.assertStatus(done, 0)
                self.assertEqual(server.finish(signal.SIGTERM), 0)
                got = [(base64.b64decode(e["data"]), e.get("early", False))
                       for e in events(bytes(server.out)) if e["event"] == "data"]
                self.assertEqual(got, [(b"first\n", False), (b"second", False), (b"then\n", False)])
                connected = [e for e in events(done.stdout) if e["event"] == "connected"][0]
                self.assertEqual(connected["early_data"], "rejected")
                self.assertTrue(connected["early_data_reason"])

    def test_json(self):
        with self.server("--echo", "--json", "--alpn", "coap,irc") as server:
            port = server.port()
            done = self.client(port, "--json", "--alpn", "irc", "--export", "EXPORTER-test:20")
            self.assertStatus(done, 0)
            self.assertEqual(server.finish(signal.SIGTERM), 0)
        mine, theirs = events(done.stdout), events(bytes(server.out))
        self.assertEqual([e["event"] for e in mine], ["connected", "sent", "data", "closed", "stats"])
        self.assertEqual([e["event"] for e in theirs], ["listening", "connected", "data", "sent", "closed", "stats"])
        self.assertEqual(base64.b64decode(mine[2]["data"]), b"hello\n")
        self.assertEqual(theirs[0]["address"], f"127.0.0.1:{port}")
        self.assertEqual((mine[0]["version"], mine[0]["alpn"]), ("DTLS 1.3", "irc"))
        self.assertEqual(mine[0]["fingerprint"], self.made.stdout.decode().strip())
        self.assertEqual(len(mine[0]["export"]), 40)
        self.assertEqual((mine[3]["by"], theirs[4]["by"]), ("us", "peer"))
        self.assertGreater(mine[4]["records_opened"], 0)

    def test_srtp(self):
        with self.server("--echo", "--json", "--srtp", "SRTP_AEAD_AES_256_GCM,SRTP_AEAD_AES_128_GCM") as server:
            done = self.client(server.port(), "--srtp", "SRTP_AEAD_AES_128_GCM,SRTP_AES128_CM_HMAC_SHA1_80")
            self.assertStatus(done, 0)
            self.assertIn(b", SRTP_AEAD_AES_128_GCM", done.stderr)
            self.assertStatus(self.client(server.port()), 0)
            self.assertEqual(server.finish(signal.SIGTERM), 0)
        connected = [e["srtp"] for e in events(bytes(server.out)) if e["event"] == "connected"]
        self.assertEqual(connected, ["SRTP_AEAD_AES_128_GCM", None])

    def test_connection_ids(self):
        for dtls in ("1.2", "1.3"):
            with self.server("--echo", "--json", "--cid-length", "8", "--dtls", dtls) as server:
                for args, ours in ((["--cid-length", "0"], 0), (["--cid-length", "20"], 20), ([], None)):
                    done = self.client(server.port(), *args, stdin=b"tern\n")
                    self.assertStatus(done, 0)
                    self.assertEqual(done.stdout, b"tern\n")
                    if ours is not None:
                        self.assertRegex(done.stderr, b"connection IDs: ours (none|[0-9a-f]{40}), the peer's [0-9a-f]{16}")
                self.assertEqual(server.finish(signal.SIGTERM), 0)
            connected = [(e["own_cid"], e["peer_cid"]) for e in events(bytes(server.out)) if e["event"] == "connected"]
            lengths = [(len(own or ""), len(peer or "")) for own, peer in connected]
            self.assertEqual(lengths, [(16, 0), (16, 40), (0, 0)])

    def test_exporters_agree(self):
        with self.server("--echo", "--export", "EXPORTER-test:32") as server:
            done = self.client(server.port(), "--export", "EXPORTER-test:32")
            line = re.search(rb"export EXPORTER-test: [0-9a-f]{64}\n", done.stderr).group()
            server.wait_for(re.escape(line))

    def test_verification(self):
        other = self.path("v.pem")
        run("cert", "self-signed", "--name", "localhost", "--cert", other, "--key", self.path("v.key"), "--force")
        good = self.made.stdout.decode().strip()
        wrong = good[:-2] + ("00" if good[-2:] != "00" else "01")
        with self.server("--echo") as server:
            address = f"127.0.0.1:{server.port()}"
            for args, status, fragments in (
                    (["--ca", self.cert], 0, []),
                    (["--ca", self.cert, "--name", "localhost"], 0, []),
                    (["--fingerprint", good], 0, []),
                    (["--insecure"], 0, ["NOT authenticated"]),
                    ([], 1, ["trusted issuer", "unknown_ca", "RFC", "hint: use --ca"]),
                    (["--ca", other], 1, ["trusted issuer", "hint: use --ca"]),
                    (["--ca", self.cert, "--name", "example.org"], 1, ["another name", "hint: use --name"]),
                    (["--fingerprint", wrong], 1, ["another fingerprint", "hint:"]),
            ):
                with self.subTest(" ".join(args)):
                    done = run("client", address, "--linger", "400", *args, stdin=b"hello\n")
                    self.assertStatus(done, status, *fragments)
                    self.assertEqual(done.stdout, b"hello\n" if status == 0 else b"")

    def test_client_certificates(self):
        cert, key = self.path("c.pem"), self.path("c.key")
        mine = run("cert", "self-signed", "--name", "client", "--cert", cert, "--key", key, "--force")
        fingerprint = mine.stdout.decode().strip()
        for server_args, client_args, status in (
                (["--ca", cert, "--require-client-cert"], ["--cert", cert, "--key", key], 0),
                (["--ca", cert, "--require-client-cert"], [], 1),
                (["--ca", cert], [], 0),
                (["--fingerprint", fingerprint, "--require-client-cert"], ["--cert", cert, "--key", key], 0),
                (["--fingerprint", fingerprint], ["--cert", self.cert, "--key", self.key], 1),
        ):
            with self.subTest(f"{server_args} {client_args}"), self.server("--echo", *server_args) as server:
                self.assertStatus(self.client(server.port(), *client_args), status)

    def test_client_certificates_after_the_handshake(self):
        cert, key = self.path("late.pem"), self.path("late.key")
        mine = run("cert", "self-signed", "--name", "client", "--cert", cert, "--key", key, "--force")
        fingerprint = mine.stdout.decode().strip()
        proof = [b"authenticated: its certificate is " + fingerprint.encode()]
        offers = ["--cert", cert, "--key", key, "--post-auth"]
        for server_args, client_args, status, fragments in (
                (["--request-cert-after", "0"], offers, 0, proof),
                (["--request-cert-after", "1", "--require-client-cert"], offers, 0, proof),
                (["--request-cert-after", "9"], offers, 0, []),
                (["--request-cert-after", "1"], ["--cert", cert, "--key", key], 0, [b"does not offer authentication"]),
                (["--request-cert-after", "0", "--require-client-cert"], [], 0,
                 [b"does not offer authentication", b"closed"]),
                (["--request-cert-after", "1"], ["--cert", self.cert, "--key", self.key, "--post-auth"], 1,
                 [b"trusted issuer"]),
        ):
            with self.subTest(f"{server_args} {client_args}"), self.server("--echo", "--ca", cert, *server_args) as server:
                self.assertStatus(self.client(server.port(), *client_args), status)
                for fragment in fragments:
                    server.wait_for(re.escape(fragment))
        with self.server("--echo", "--ca", cert, "--request-cert-after", "1", "--json") as server:
            self.assertStatus(self.client(server.port(), *offers), 0)
            server.wait_for(rb'"event": ?"closed"', "out")
            told = [event for event in events(bytes(server.out)) if event["event"] == "authenticated"]
            self.assertEqual([(event["authenticated"], event["fingerprint"]) for event in told], [(True, fingerprint)])

    def test_psk(self):
        psks = self.write("psk.txt", ("# devices\n\n" + PSK + "\n").encode())
        for server_args in (["--psk", "other:00", "--psk", PSK], ["--psk-file", psks]):
            with background("server", "--listen", "127.0.0.1:0", "--echo", *server_args) as server:
                address = f"127.0.0.1:{server.port()}"
                for dtls, suite in (("1.2", "PSK"), ("1.3", "TLS_AES_128_GCM_SHA256")):
                    done = run("client", address, "--psk", PSK, "--dtls", dtls, "--linger", "400", "--json",
                               stdin=b"hello\n")
                    self.assertStatus(done, 0)
                    connected = events(done.stdout)[0]
                    self.assertIn(suite, connected["suite"])
                    self.assertTrue(connected["authenticated"])
                done = run("client", address, "--psk", "nobody:00", stdin=b"")
                self.assertStatus(done, 1)

    def test_certificate_compression(self):
        refused = run("client", "127.0.0.1:9", "--cert-compression", "none-such").stderr.decode()
        if "built without any" in refused:
            self.skipTest("no compressor is built in")
        first = refused.split("give names out of ")[1].split(",")[0]
        key, cert = self.path("long-key.pem"), self.path("long-cert.pem")
        names = [arg for i in range(30) for arg in ("--name", f"host-{i}.long.example.test")]
        self.assertStatus(run("cert", "self-signed", "--name", "localhost", *names, "--cert", cert, "--key", key), 0)
        for server_list, client_list, compression in ((first, first, first), (None, first, None), (first, None, None)):
            args = [[] if one is None else ["--cert-compression", one] for one in (server_list, client_list)]
            with background("server", "--listen", "127.0.0.1:0", "--cert", cert, "--key", key, "--echo",
                            *args[0]) as server:
                done = run("client", f"127.0.0.1:{server.port()}", "--ca", cert, "--name", "localhost", "--dtls", "1.3",
                           *args[1], "--json", stdin=b"")
                self.assertStatus(done, 0)
                self.assertEqual(events(done.stdout)[0]["compression"], compression)

    def test_imported_psk(self):
        imported = ["--psk", PSK, "--psk-import"]
        context = imported + ["--psk-context", "client to server", "--psk-hash", "sha384"]
        for server_args, client_args, status in (
                (imported, imported, 0),
                (context, context, 0),
                (context, imported, 1),
                (imported, ["--psk", PSK], 1),
                (["--psk", PSK], imported, 1),
                (imported, imported + ["--dtls", "1.2"], 1),
        ):
            with self.subTest(f"{server_args} {client_args}"), \
                    background("server", "--listen", "127.0.0.1:0", "--echo", *server_args) as server:
                done = run("client", f"127.0.0.1:{server.port()}", *client_args, "--linger", "400", "--json",
                           stdin=b"hello\n")
                self.assertStatus(done, status)
                if status == 0:
                    connected = events(done.stdout)[0]
                    self.assertEqual(connected["version"], "DTLS 1.3")
                    self.assertEqual(base64.b64decode(connected["psk_identity"]), b"device-1")

    # RFC 6347 4.2.8, RFC 9147 5.11
    def test_restarted_client_on_the_same_port(self):
        with self.server("--echo", "--json") as server:
            proxy = Proxy(server.port())
            self.addCleanup(proxy.close)
            with background("client", f"127.0.0.1:{proxy.port}", "--ca", self.cert, stdin=subprocess.PIPE) as first:
                first.wait_for(rb"connected to")
                server.wait_for(rb'"connected"', "out")  # in DTLS 1.3 half a round trip later
                first.process.kill()  # says no word to the server
                first.finish()
            done = self.client(proxy.port, stdin=b"back again\n")
            self.assertStatus(done, 0)
            self.assertEqual(done.stdout, b"back again\n")
            server.finish(signal.SIGTERM)
            connected = [e["peer"] for e in events(bytes(server.out)) if e["event"] == "connected"]
            self.assertEqual(len(connected), 2)
            self.assertEqual(connected[0], connected[1])

    def test_the_old_association_lives_until_the_new_one_is_proved(self):
        for cookie in ([], ["--no-cookie"]):
            with self.subTest(str(cookie)), self.server("--echo", "--json", *cookie) as server:
                stranger = Proxy(server.port())
                self.addCleanup(stranger.close)
                self.assertStatus(self.client(stranger.port), 0)
                hello = stranger.sent[0]
                proxy = Proxy(server.port())
                self.addCleanup(proxy.close)
                with background("client", f"127.0.0.1:{proxy.port}", "--ca", self.cert, stdin=subprocess.PIPE) as mine:
                    mine.wait_for(rb"connected to")
                    own = list(proxy.sent[:2])
                    for datagram in (hello, *own, hello):
                        proxy.back.send(datagram)
                    time.sleep(0.1)
                    mine.process.stdin.write(b"still here\n")
                    mine.process.stdin.flush()
                    mine.wait_for(rb"still here\n", "out")
                server.finish(signal.SIGTERM)
                connected = [e for e in events(bytes(server.out)) if e["event"] == "connected"]
                self.assertEqual(len(connected), 2)  # the stranger's and ours

    def test_sigterm_closes_every_peer(self):
        with self.server("--echo") as server:
            port = server.port()
            clients = [Background("client", f"127.0.0.1:{port}", "--ca", self.cert, stdin=subprocess.PIPE)
                       for _ in range(3)]
            for client in clients:
                client.wait_for(rb"connected to")
            self.assertEqual(server.finish(signal.SIGTERM), 0)
            for client in clients:
                client.wait_for(rb"closed the connection\n")
                self.assertEqual(client.finish(), 0)

    def test_next_address_of_a_name(self):
        with self.server("--echo") as server:
            done = run("client", f"localhost:{server.port()}", "--ca", self.cert, "--linger", "400", stdin=b"name\n")
            self.assertStatus(done, 0)
            self.assertEqual(done.stdout, b"name\n")

    def test_closed_standard_input(self):
        with self.server("--echo") as server:
            shell = f'"{TERN}" client 127.0.0.1:{server.port()} --ca "{self.cert}" --linger 0 <&-'
            self.assertEqual(subprocess.run(shell, shell=True, timeout=WAIT, check=False).returncode, 0)

    def test_failure_in_json(self):
        with self.server("--json") as server:
            done = run("client", f"127.0.0.1:{server.port()}", "--json", stdin=b"")
            self.assertStatus(done, 1)
            failed, stats = events(done.stdout)
            self.assertEqual((failed["event"], failed["error"]), ("failed", "TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER"))
            self.assertEqual((failed["alert"], failed["alert_by"]), ("unknown_ca", "us"))
            self.assertEqual(stats["event"], "stats")
            server.wait_for(rb'"alert":"unknown_ca","alert_by":"peer"', "out")

    def test_sigint_closes_the_client(self):
        with self.server("--once") as server:
            with background("client", f"127.0.0.1:{server.port()}", "--ca", self.cert, stdin=subprocess.PIPE) as client:
                client.wait_for(rb"connected to")
                self.assertEqual(client.finish(signal.SIGINT), 0)
            self.assertEqual(server.finish(), 0)

    def test_interrupted_before_connected(self):
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(silent.close)
        silent.bind(("127.0.0.1", 0))
        with background("client", f"127.0.0.1:{silent.getsockname()[1]}", "--insecure") as client:
            silent.recv(65536)
            self.assertEqual(client.finish(signal.SIGTERM), 1)

    def test_refused_at_once(self):
        closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        closed.close()
        start = time.monotonic()
        self.assertStatus(self.client(port), 1, "refused", "hint:")
        self.assertLess(time.monotonic() - start, 5)

    def test_once_fails_with_the_handshake(self):
        with self.server("--once") as server:
            done = run("client", f"127.0.0.1:{server.port()}", "--linger", "400", stdin=b"")
            self.assertStatus(done, 1)
            self.assertEqual(server.finish(), 1)

    def test_long_lines_are_split_aloud(self):
        line = b"0123456789" * 500 + b"\n"
        with self.server("--echo") as server:
            done = self.client(server.port(), stdin=line + b"short\n", linger="400")
            self.assertStatus(done, 0, "sent as several", "--mtu")
            self.assertEqual(done.stdout, line + b"short\n")

    def test_large_records(self):
        line = b"x" * 8000 + b"\n"
        with self.server("--echo", "--mtu", "9000") as server:
            done = self.client(server.port(), "--mtu", "9000", stdin=line)
            self.assertStatus(done, 0)
            self.assertEqual(done.stdout, line)
            self.assertNotIn(b"several", done.stderr)

    def test_oversize_echo_is_told(self):
        with self.server("--echo", "--mtu", "600") as server:
            self.assertStatus(self.client(server.port(), stdin=b"x" * 1000 + b"\n"), 0)
            server.wait_for(rb"--echo: a record of 1001 bytes does not fit .*--mtu")

    def test_keylog_and_trace(self):
        by_option, by_environment, trace = self.path("a.keys"), self.path("b.keys"), self.path("trace")
        old = self.path("old.keys")
        secrets = (b"CLIENT_HANDSHAKE_TRAFFIC_SECRET", b"SERVER_HANDSHAKE_TRAFFIC_SECRET", b"CLIENT_TRAFFIC_SECRET_0",
                   b"SERVER_TRAFFIC_SECRET_0", b"EXPORTER_SECRET")
        with self.server("--echo") as server:
            port = server.port()
            self.assertStatus(self.client(port, "--keylog", by_option, "--trace", trace), 0)
            self.assertStatus(run("client", f"127.0.0.1:{port}", "--ca", self.cert, "--linger", "0",
                                  env={"SSLKEYLOGFILE": by_environment}), 0)
            self.assertStatus(self.client(port, "--dtls", "1.2", "--keylog", old), 0)
        self.assertRegex(self.read(old), rb"^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n$")
        for path in (by_option, by_environment):
            lines = self.read(path).splitlines()
            self.assertEqual([line.split()[0] for line in lines], list(secrets))
            self.assertEqual(len({line.split()[1] for line in lines}), 1)
            for line in lines:
                self.assertRegex(line, rb"^[A-Z_0]+ [0-9a-f]{64} [0-9a-f]{64}$")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        for words in (b"sent ClientHello", b"received ServerHello", b"received Certificate", b"sent Finished",
                      b"keys of epoch 2", b"keys of epoch 3"):
            self.assertIn(words, self.read(trace))

    def test_v6(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
            with background("server", "--listen", "[::1]:0", "--cert", self.cert, "--key", self.key, "--echo") as server:
                done = run("client", f"[::1]:{server.port()}", "--ca", self.cert, "--name", "localhost", "--linger",
                           "400", stdin=b"six\n")
                self.assertStatus(done, 0)
                self.assertEqual(done.stdout, b"six\n")
            return
        self.skipTest("this machine has no IPv6 loopback")


if __name__ == "__main__":
    unittest.main()
