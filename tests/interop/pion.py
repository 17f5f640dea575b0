#!/usr/bin/env python3
"""Tern against pion/dtls: the example programs of Debian's package, as its tutorial has them (DTLS 1.2, port 4444)."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from interop import ROOT
from programs import Failure, Program

SOURCE = pathlib.Path("/usr/share/gocode/src/github.com/pion/dtls/v3/examples")
ADDRESS = "127.0.0.1:4444"
LIMIT_S = 20
TO_SERVER, TO_CLIENT = "terns fly from pole to pole", "and back again"
KEY = "abc123"  # the examples' own

# name, pion's program, tern's options; @ is the case's folder
CASES = [
    ("self-signed", "listen/selfsign", "--insecure"),
    ("self-signed", "dial/selfsign", "--cert @server.pub.pem --key @server.pem"),
    ("self-signed, AES-256", "dial/selfsign",
     "--cert @server.pub.pem --key @server.pem --suites TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("PSK, CCM-8", "listen/psk", f"--psk tern:{KEY} --suites TLS_PSK_WITH_AES_128_CCM_8"),
    ("mutual", "listen/verify", "--ca @server.pub.pem --name localhost --cert @server.pub.pem --key @server.pem"),
    ("mutual", "dial/verify", "--cert @server.pub.pem --key @server.pem --ca @client.pub.pem --require-client-cert"),
]
REASONS = {"dial/psk": "pion's example sends an empty PSK identity, which the command cannot be given"}


def build(folder):
    environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode")
    for program in sorted({program for _, program, _ in CASES}):
        subprocess.run(["go", "build", "-o", folder / program.replace("/", "-"), f"./{program}"], cwd=SOURCE,
                       env=environment, check=True, stdin=subprocess.DEVNULL, timeout=300)


def make_certificates(folder):
    """Where the verify examples look for them; each is its own root."""
    certificates = folder / "examples/certificates"
    certificates.mkdir(parents=True)
    for name in ("server", "client"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                        certificates / f"{name}.pem", "-out", certificates / f"{name}.pub.pem"], check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    return certificates


class Case:
    def __init__(self, tern, programs, folder, program, options):
        self.folder, self.started, self.deadline = folder, [], time.monotonic() + LIMIT_S
        certificates = make_certificates(folder)
        self.pion_listens = program.startswith("listen")
        self.pion_command = [programs / program.replace("/", "-")]
        mine = ["client", ADDRESS] if self.pion_listens else ["server", "--listen", ADDRESS]
        self.tern_command = [tern, *mine, "--dtls", "1.2", *options.replace("@", f"{certificates}/").split()]

    def start(self, name, command):
        program = Program(self.folder, name, command, stdin=subprocess.PIPE, cwd=self.folder)
        self.started.append(program)
        return program

    def type_into(self, program, line):
        program.process.stdin.write(f"{line}\n".encode())
        program.process.stdin.flush()

    def __call__(self):
        if self.pion_listens:
            self.call_pion()
        else:
            self.answer_pion()

    def call_pion(self):
        server = self.start("pion", self.pion_command)
        server.wait_for("^Listening", self.deadline)
        client = self.start("tern", self.tern_command)
        self.type_into(client, TO_SERVER)
        server.wait_for(f"^Got message: {TO_SERVER}", self.deadline)
        self.type_into(server, TO_CLIENT)
        client.wait_for(f"^{TO_CLIENT}", self.deadline)
        client.process.stdin.close()
        client.finish(self.deadline)

    def answer_pion(self):
        """What pion sends is printed; it goes when told to, and the server sees it leave."""
        server = self.start("tern", self.tern_command)
        server.wait_for("listening on", self.deadline)
        client = self.start("pion", self.pion_command)
        client.wait_for("^Connected", self.deadline)
        self.type_into(client, TO_SERVER)
        server.wait_for(f"^{TO_SERVER}", self.deadline)
        self.type_into(client, "exit")
        server.wait_for("closed the connection", self.deadline)

    def stop(self):
        for program in reversed(self.started):
            program.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tern", type=pathlib.Path, default=ROOT / "build/tern")
    arguments = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tern-pion-") as name:
        root = pathlib.Path(name)
        build(root)
        for number, (what, program, options) in enumerate(CASES):
            folder = root / str(number)
            folder.mkdir()
            case = Case(arguments.tern.resolve(), root, folder, program, options)
            try:
                case()
                passed += 1
                print(f"ok    {program}, {what}", flush=True)
            except (Failure, OSError) as failure:
                failed += 1
                print(f"FAIL  {program}, {what}: {failure}")
                for one in case.started:
                    print(f"    --- {' '.join(one.command)}")
                    print("\n".join(f"    {line}" for line in one.printed().splitlines()[-25:]), flush=True)
            finally:
                case.stop()
    for program, reason in REASONS.items():
        print(f"skip  {program}: {reason}")
    print(f"{passed} passed, {failed} failed, {len(REASONS)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
