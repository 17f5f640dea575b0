#!/usr/bin/env python3
"""A peer over NSS's tstclnt, with the command line and the conversation of peer.h. tstclnt prints the records it receives and
sends the lines it reads, so the echo is made here."""

import argparse
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

GROUPS = {"x25519": "x25519", "secp256r1": "P256", "secp384r1": "P384", "X25519MLKEM768": "x25519mlkem768"}
CIPHERS = {"TLS_AES_128_GCM_SHA256": ":1301", "TLS_AES_256_GCM_SHA384": ":1302", "TLS_CHACHA20_POLY1305_SHA256": ":1303"}
PEER_CLOSED = b"Read from server 0 bytes"  # what its server says, and then waits for more to send
ECHO_WAIT_S = 0.5


def cannot(reason):
    print(f"peer: {reason}", file=sys.stderr)
    sys.exit(77)


class Tool:
    """tstclnt, with what it printed so far."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.printed, self.ended, self.closed, self.news = b"", False, False, threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        for line in self.process.stderr:
            if b"PR_Poll" not in line:
                sys.stderr.buffer.write(line)
                sys.stderr.buffer.flush()
            if PEER_CLOSED in line:
                with self.news:
                    self.ended = self.closed = True
                    self.news.notify()

    def read(self):
        while True:
            chunk = self.process.stdout.read1(65536)
            with self.news:
                self.printed += chunk
                self.ended |= not chunk
                self.news.notify()
            if not chunk:
                return

    def wait(self, ready, seconds):
        with self.news:
            return self.news.wait_for(ready, seconds)

    def send(self, data):
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended: its status tells

    def finish(self):
        try:
            self.process.stdin.close()
            return self.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            return self.process.wait()


def nss(*command):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   timeout=60)


def make_database(folder, o):
    database = f"sql:{folder}"
    nss("certutil", "-N", "-d", database, "--empty-password")
    if o.ca:
        nss("certutil", "-A", "-d", database, "-n", "ca", "-t", "CT,C,C", "-a", "-i", o.ca)
    if o.cert:
        nss("openssl", "pkcs12", "-export", "-in", o.cert, "-inkey", o.key, "-name", "own", "-out", folder / "own.p12",
            "-passout", "pass:peer")
        nss("pk12util", "-i", folder / "own.p12", "-d", database, "-W", "peer")
    elif o.role == "server":  # tstclnt's server wants a certificate even if a PSK will do
        (folder / "noise").write_bytes(os.urandom(64))
        nss("certutil", "-S", "-x", "-d", database, "-n", "own", "-s", "CN=localhost", "-t", ",,", "-z", folder / "noise")
    return database


def tool_command(o, folder, port):
    version = "tls1.3:tls1.3" if o.dtls == "1.3" else "tls1.2:tls1.2"
    command = ["tstclnt", "-4", "-h", "127.0.0.1", "-p", str(port), "-P", o.role, "-V", version, "-v", "-c", CIPHERS[o.suite]]
    command += ["-d", make_database(folder, o)]
    if o.cert or o.role == "server":
        command += ["-n", "own"]
    if o.role == "client":
        command += ["-a", o.name]
    if not o.ca or o.role == "server":
        command += ["-o"]
    if o.groups:
        command += ["-I", ",".join(GROUPS[group] for group in o.groups.split(","))]
    if o.psk:
        identity, key = o.psk.rsplit(":", 1)
        command += ["-z", f"0x{key}:{identity}"]
    return command


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bound(port):
    """Whether somebody has the port: /proc/net/udp lists it, and asking it would be a datagram."""
    rows = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(int(row.split()[1].split(":")[1], 16) == port for row in rows)


def serve(o, folder):
    port = o.port or free_port()
    tool = Tool(tool_command(o, folder, port))
    patience = time.monotonic() + 5
    while not bound(port) and time.monotonic() < patience and tool.process.poll() is None:
        time.sleep(0.01)
    print(f"ready {port}", flush=True)
    echoed = 0
    while tool.wait(lambda: len(tool.printed) > echoed or tool.ended, o.timeout):
        new, echoed = tool.printed[echoed:], len(tool.printed)
        if not new:
            break
        tool.send(new)
    tool.process.kill()  # it would go on to wait for the peer that has left
    return 0 if echoed and tool.closed else 1


def call(o, folder):
    tool = Tool(tool_command(o, folder, o.port))
    deadline = time.monotonic() + o.timeout
    for number in range(1, o.lines + 1):
        line = f"ping-{number}\n".encode()
        while time.monotonic() < deadline:
            tool.send(line)
            if tool.wait(lambda: line in tool.printed or tool.ended, ECHO_WAIT_S) and line in tool.printed:
                break
            if tool.ended:
                return 1
        else:
            print(f"peer: no echo of line {number}", file=sys.stderr)
            return 1
    tool.finish()
    if not re.fullmatch(rb"(ping-\d+\n)+", tool.printed):
        print(f"peer: an answer that is no echo: {tool.printed[:80]!r}", file=sys.stderr)
        return 1
    print(f"ok {o.lines}", flush=True)
    return 0


def version():
    """Of the library's package: tstclnt does not tell."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libnss3"], check=False, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, timeout=60)
    print(re.sub(r"^\d+:|-.*$", "", done.stdout) or "unknown")
    return 0


def main():
    if sys.argv[1:] == ["version"]:
        return version()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["server", "client"])
    for name, kind in (("port", int), ("mtu", int), ("lines", int), ("timeout", int), ("count", int)):
        parser.add_argument(f"--{name}", type=kind, default=1)
    for name in ("dtls", "cert", "key", "ca", "psk", "suite", "groups", "resume", "name"):
        parser.add_argument(f"--{name}")
    for name in ("cookie", "no-cookie", "require-client-cert", "key-update"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.set_defaults(name="localhost")
    o = parser.parse_args()
    if o.suite not in CIPHERS:
        cannot(f"NSS has no suite {o.suite}")
    with tempfile.TemporaryDirectory(prefix="nss-") as folder:
        return (serve if o.role == "server" else call)(o, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
