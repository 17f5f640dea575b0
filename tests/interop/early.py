#!/usr/bin/env python3
"""Early data of DTLS 1.3 between Tern and NSS, both roles: nss_early.c of this folder. Debian builds wolfSSL without it, and
OpenSSL, GnuTLS and Mbed TLS have no DTLS 1.3."""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

from interop import ROOT
from peer_nss import free_port
from programs import Failure, Program

LIMIT_S = 30


def nss_database(folder, tern):
    pair = ["--cert", folder / "cert.pem", "--key", folder / "key.pem"]
    for command in ([tern, "cert", "self-signed", "--name", "localhost", *pair],
                    ["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"],
                    ["openssl", "pkcs12", "-export", "-in", pair[1], "-inkey", pair[3], "-name", "own", "-out",
                     folder / "own.p12", "-passout", "pass:peer"],
                    ["pk12util", "-i", folder / "own.p12", "-d", f"sql:{folder}", "-W", "peer"]):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
    return pair


def require(program, *lines):
    printed = program.out.read_text().splitlines()
    if printed != list(lines):
        raise Failure(f"{program.name} printed {printed}, not {list(lines)}")


class Case:
    def __init__(self, tern, nss, folder):
        self.tern, self.nss, self.folder = tern, nss, folder
        self.programs, self.deadline = [], time.monotonic() + LIMIT_S
        self.pair = nss_database(folder, tern)

    def start(self, name, *command, **more):
        self.programs.append(Program(self.folder, name, command, cwd=self.folder, **more))
        return self.programs[-1]

    def delayed(self, port):
        """The handshake is to take a while."""
        relay = self.start("relay", self.tern, "relay", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}", "--delay", 30)
        return relay.wait_for(r"listening on 127\.0\.0\.1:(\d+)", self.deadline).group(1)

    def nss_client(self):
        server = self.start("server", self.tern, "server", "--listen", "127.0.0.1:0", *self.pair, "--dtls", "1.3", "--groups",
                            "x25519,secp256r1", "--early-data", 1000, "--echo", "--trace", self.folder / "trace")
        port = server.wait_for(r"listening on 127\.0\.0\.1:(\d+)", self.deadline).group(1)
        port = self.delayed(port)
        client = self.start("client", self.nss, "client", port)
        client.finish(self.deadline)
        require(client, "early 0", "read late", "early 1", "read early", "read late")
        if " received ApplicationData, record 1.0" not in (self.folder / "trace").read_text():
            raise Failure("no early data came")

    def nss_server(self):
        port = free_port()
        server = self.start("server", self.nss, "server", port)
        server.wait_for("^ready$", self.deadline)
        port = self.delayed(port)
        (self.folder / "request").write_bytes(b"early\n")
        for number in range(2):
            server.wait_for("(ready\n(.|\n)*){%d}" % (number + 1), self.deadline)
            client = self.start(f"client{number}", self.tern, "client", f"127.0.0.1:{port}", "--ca", self.pair[1], "--name",
                                "localhost", "--dtls", "1.3", "--groups", "x25519,secp256r1", "--session", "session",
                                "--early-data", "request", "--linger", 500)
            client.finish(self.deadline)
            if ("early data accepted" in client.printed()) != (number == 1):
                raise Failure(client.printed())
        server.finish(self.deadline)
        require(server, "ready", "early 0", "read early", "ready", "before early", "early 1")

    def stop(self):
        for program in reversed(self.programs):
            program.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tern", type=pathlib.Path, default=ROOT / "build/tern")
    parser.add_argument("--nss", type=pathlib.Path, default=ROOT / "build/interop/nss_early")
    arguments = parser.parse_args()
    if not arguments.nss.exists():
        print(f"skip  early data: {arguments.nss} is not built: NSS is not installed\n0 passed, 0 failed, 1 skipped")
        return 0
    failed = 0
    for name in ("nss_client", "nss_server"):
        with tempfile.TemporaryDirectory(prefix="tern-early-") as folder:
            case = Case(arguments.tern.resolve(), arguments.nss.resolve(), pathlib.Path(folder))
            try:
                getattr(case, name)()
                print(f"ok    {name}", flush=True)
            except (Failure, OSError) as failure:
                failed += 1
                print(f"FAIL  {name}: {failure}")
                for one in case.programs:
                    print(f"    --- {' '.join(one.command)}")
                    print("\n".join(f"    {line}" for line in one.printed().splitlines()[-25:]), flush=True)
            finally:
                case.stop()
    print(f"{2 - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
