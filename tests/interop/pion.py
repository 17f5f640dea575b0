#!/usr/bin/env python3
"""Tern against pion/dtls: the example programs of Debian's package, as its tutorial has them (DTLS 1.2, port 4444), and
DTLS-SRTP as WebRTC has it, by pion_srtp.go: the keys for SRTP are compared; and connection IDs (RFC 9146), by pion_cid.go, of all
lengths either side makes, with a client that gets another port on the way. pion has no return routability check."""

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


CM, GCM, GCM256 = "SRTP_AES128_CM_HMAC_SHA1_80", "SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM"
# tern's profiles, pion's, the one that a tern server and a pion server choose; bytes of keying material
SRTP_CASES = [
    (CM, CM, CM, CM, 60),
    (GCM, GCM, GCM, GCM, 56),
    (GCM256, GCM256, GCM256, GCM256, 88),
    (f"{GCM},{CM}", f"{CM},{GCM}", GCM, None, 56),
]


# who listens, the length of pion's connection IDs and of tern's. A server that wants none cannot find a client that moved.
CID_CASES = [("pion", theirs, ours) for theirs in (0, 1, 4, 8, 20) for ours in (0, 7, 20)] + \
            [("tern", theirs, ours) for theirs in (0, 1, 8, 20) for ours in (0, 8, 13, 20)]
REBIND = "c8"  # behind the handshake, and before the lines end
LINES = 10


def build(folder):
    environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode")
    for program in sorted({program for _, program, _ in CASES}):
        subprocess.run(["go", "build", "-o", folder / program.replace("/", "-"), f"./{program}"], cwd=SOURCE,
                       env=environment, check=True, stdin=subprocess.DEVNULL, timeout=300)
    for name in ("pion_srtp", "pion_cid"):
        subprocess.run(["go", "build", "-o", folder / name, ROOT / f"tests/interop/{name}.go"], env=environment, check=True,
                       stdin=subprocess.DEVNULL, timeout=300)


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


class SrtpCase(Case):
    """A media session's handshake: keys of SRTP from both sides. A pion server wants a certificate."""

    def __init__(self, tern, programs, folder, pion_listens, row):
        self.folder, self.started, self.deadline = folder, [], time.monotonic() + LIMIT_S
        self.pion_listens = pion_listens
        ours, theirs, by_tern, by_pion, length = row
        self.digits = 2 * length
        self.profile, certificates = by_pion if pion_listens else by_tern, make_certificates(folder)
        self.pion_command = [programs / "pion_srtp", "listen" if pion_listens else "dial", ADDRESS, theirs]
        mine = ["client", ADDRESS, "--insecure"] if pion_listens else \
            ["server", "--listen", ADDRESS, "--echo"]
        self.tern_command = [tern, *mine, "--policy", "webrtc", "--dtls", "1.2", "--srtp", ours, "--export",
                             f"EXTRACTOR-dtls_srtp:{length}", "--cert", certificates / "server.pub.pem", "--key",
                             certificates / "server.pem"]

    def __call__(self):
        first, second = ("pion", self.pion_command), ("tern", self.tern_command)
        if not self.pion_listens:
            first, second = second, first
        programs = {first[0]: self.start(*first)}
        programs[first[0]].wait_for("listening", self.deadline)
        programs[second[0]] = self.start(*second)
        pion, tern = programs["pion"], programs["tern"]
        tern.wait_for(f"connected.*, {self.profile}", self.deadline)
        mine = tern.wait_for(f"export EXTRACTOR-dtls_srtp: ([0-9a-f]{{{self.digits}}})", self.deadline).group(1)
        theirs = pion.wait_for(f"^profile {self.profile} ([0-9a-f]{{{self.digits}}})", self.deadline).group(1)
        if mine != theirs:
            raise Failure("the keys for SRTP differ")
        if self.pion_listens:
            self.type_into(tern, TO_SERVER)
        pion.wait_for(f"^got {TO_SERVER if self.pion_listens else 'an echo'}", self.deadline)


class CidCase(Case):
    """Lines and their echoes, from a client whose port changes where it is known by an ID."""

    def __init__(self, tern, programs, folder, row):
        self.folder, self.started, self.deadline = folder, [], time.monotonic() + LIMIT_S
        listens, theirs, self.own = row
        self.theirs, self.pion_listens, self.tern = theirs, listens == "pion", tern
        self.moves = (theirs if self.pion_listens else self.own) > 0
        self.pion = [programs / "pion_cid", "listen" if self.pion_listens else "dial"]
        self.more = ["--dtls", "1.2", "--cid-length", str(self.own)]

    def __call__(self):
        if self.pion_listens:
            server = self.start("pion", [*self.pion, ADDRESS, str(self.theirs)])
        else:
            certificates = make_certificates(self.folder)
            server = self.start("tern", [self.tern, "server", "--listen", ADDRESS, "--echo", "--cert",
                                         certificates / "server.pub.pem", "--key", certificates / "server.pem", *self.more,
                                         *(["--follow"] if self.own else [])])
        server.wait_for("listening", self.deadline)
        relay = self.start("relay", [self.tern, "relay", "--listen", "127.0.0.1:0", "--to", ADDRESS, "-v",
                                     *(["--rebind", REBIND] if self.moves else [])])
        address = relay.wait_for(r"listening on (\S+)", self.deadline).group(1)
        if self.pion_listens:
            client = self.start("tern", [self.tern, "client", address, "--insecure", *self.more])
        else:
            client = self.start("pion", [*self.pion, address, str(self.theirs)])
        self.expect_ids(client if self.pion_listens else server)
        client.wait_for("connected", self.deadline)
        for number in range(LINES):
            self.type_into(client, f"line {number}")
            time.sleep(0.02)
        if self.moves:
            relay.wait_for("^the client has a new port", self.deadline)
        self.type_into(client, TO_SERVER)
        client.wait_for(f"^(got )?{TO_SERVER}", self.deadline)
        if self.moves and not self.pion_listens:
            server.wait_for("is followed to another address", self.deadline)

    def expect_ids(self, tern):
        if not self.own and not self.theirs:
            return
        digits = ["none" if not length else f"[0-9a-f]{{{2 * length}}}" for length in (self.own, self.theirs)]
        tern.wait_for(f"^connection IDs: ours {digits[0]}, the peer's {digits[1]}$", self.deadline)


def all_cases(tern, programs, root):
    """Name and case; each has a folder of its own."""
    for number, (what, program, options) in enumerate(CASES):
        folder = root / str(number)
        folder.mkdir()
        yield f"{program}, {what}", Case(tern, programs, folder, program, options)
    for number, row in enumerate(SRTP_CASES):
        for pion_listens in (True, False):
            if (row[3] if pion_listens else row[2]) is None:
                continue
            folder = root / f"srtp-{number}-{pion_listens}"
            folder.mkdir()
            yield f"SRTP, pion {'listens' if pion_listens else 'dials'}, {row[0]}", \
                SrtpCase(tern, programs, folder, pion_listens, row)
    for number, row in enumerate(CID_CASES):
        folder = root / f"cid-{number}"
        folder.mkdir()
        yield f"connection IDs, {row[0]} listens, pion's {row[1]}, tern's {row[2]} bytes", CidCase(tern, programs, folder, row)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tern", type=pathlib.Path, default=ROOT / "build/tern")
    arguments = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tern-pion-") as scratch:
        root = pathlib.Path(scratch)
        build(root)
        for name, case in all_cases(arguments.tern.resolve(), root, root):
            try:
                case()
                passed += 1
                print(f"ok    {name}", flush=True)
            except (Failure, OSError) as failure:
                failed += 1
                print(f"FAIL  {name}: {failure}")
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
