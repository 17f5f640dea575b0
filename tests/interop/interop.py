#!/usr/bin/env python3
"""Tern against foreign DTLS 1.2 stacks, both roles, as a table of cells.

A cell is KIND/COOKIE/MTU, KIND/lossy or suite/NAME. The peers are peer_*.c of this folder over the libraries of the system;
CANNOT lists what each of them cannot do, and why. A peer that says "cannot" (exit 77) about anything else fails its cell.
With --self the peers talk to each other instead, which shows that the harness is right.
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ["openssl", "gnutls", "mbedtls", "wolfssl"]
KINDS = ["ecdsa", "rsa", "ed25519", "mutual", "psk", "ecdhe-psk", "resume-id", "resume-ticket"]
COLUMNS = ["cookie/1400", "cookie/512", "none/1400", "none/512", "lossy"]
PSK = ("Client_identity", "000102030405060708090a0b0c0d0e0f")
LOSSY = ["--loss", "20", "--duplicate", "10", "--reorder", "10"]
LIMIT_S, LOSSY_LIMIT_S = 25, 120
LINES = 3

# kind -> leaf certificate, suite
SETTINGS = {
    "ecdsa": ("p256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    "rsa": ("rsa", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    "ed25519": ("ed25519", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    "mutual": ("p256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    "psk": (None, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"),
    "ecdhe-psk": (None, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"),
    "resume-id": ("p256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    "resume-ticket": ("p256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
}
AEADS = ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256", "AES_128_CCM", "AES_128_CCM_8"]
# (key exchange, AEAD) of IANA's names; RSA has no CCM without key transport in its ECDHE form, ECDHE-PSK's CCM ends in a hash
SUITES = [f"TLS_{kx}_WITH_{aead}" for kx in ("ECDHE_ECDSA", "PSK") for aead in AEADS]
SUITES += [f"TLS_ECDHE_RSA_WITH_{aead}" for aead in AEADS[:3]]
SUITES += [f"TLS_ECDHE_PSK_WITH_{aead}" for aead in AEADS[:3] + ["AES_128_CCM_SHA256", "AES_128_CCM_8_SHA256"]]

# (peer, role of the peer, pattern of the cell, reason)
CANNOT = [
    ("openssl", "server", "ed25519/.*", "an OpenSSL 3.0 server signs with Ed25519 in TLS 1.2, but not in DTLS 1.2"),
    ("openssl", ".*", "suite/TLS_ECDHE_PSK_WITH_AES.*", "OpenSSL 3 has ECDHE-PSK only with CBC and ChaCha20"),
    ("gnutls", ".*", "suite/TLS_ECDHE_PSK_WITH_AES.*", "GnuTLS has ECDHE-PSK only with CBC and ChaCha20"),
    ("mbedtls", ".*", "ed25519/.*", "Mbed TLS has no Ed25519"),
    ("mbedtls", ".*", "suite/TLS_ECDHE_PSK_WITH_AES.*", "Mbed TLS has ECDHE-PSK only with CBC and ChaCha20"),
    ("wolfssl", "server", ".*/none/.*", "a wolfSSL server always asks for a cookie"),
    ("wolfssl", "server", "ecdhe-psk/lossy", "this seed loses the last flight, which wolfSSL 5.5 repeats for no client"),
    ("wolfssl", "client", "resume-ticket/lossy", "this seed loses the last flight, which wolfSSL 5.5 repeats for no server"),
    ("wolfssl", ".*", "suite/TLS_PSK_WITH_AES.*", "Debian's wolfSSL is built without static PSK for AES"),
    ("wolfssl", ".*", "suite/TLS_ECDHE_PSK_WITH_(AES_256_GCM.*|AES_128_CCM.*)", "wolfSSL has no such suite"),
]
# (server, client, pattern of the cell, reason): where two foreign stacks fail each other, for --self
STRANGERS = [
    ("wolfssl", "mbedtls", "resume-ticket/.*", "Mbed TLS 2.28 and wolfSSL 5.5 stick when they resume by ticket over DTLS"),
    ("wolfssl", "gnutls", "ecdhe-psk/lossy", "wolfSSL 5.5 alerts on a ChangeCipherSpec that overtakes ClientKeyExchange"),
]


@dataclass(frozen=True)
class Cell:
    kind: str  # of KINDS, or "suite"
    suite: str
    leaf: str  # the server's certificate, or None
    cookie: bool = True
    mtu: int = 1400
    lossy: bool = False

    @property
    def name(self):
        if self.kind == "suite":
            return f"suite/{self.suite}"
        return f"{self.kind}/lossy" if self.lossy else f"{self.kind}/{'cookie' if self.cookie else 'none'}/{self.mtu}"

    @property
    def limit(self):
        return LOSSY_LIMIT_S if self.lossy else LIMIT_S

    @property
    def resume(self):
        return self.kind.split("-")[1] if self.kind.startswith("resume") else None


def all_cells():
    for kind in KINDS:
        leaf, suite = SETTINGS[kind]
        for cookie, mtu in itertools.product((True, False), (1400, 512)):
            yield Cell(kind, suite, leaf, cookie, mtu)
        yield Cell(kind, suite, leaf, lossy=True)
    for suite in SUITES:
        yield Cell("suite", suite, "rsa" if "_RSA_" in suite else None if "PSK" in suite else "p256")


# ---- a PKI for the run


def make_pki(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60)

    key_types = {"ca": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                 "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                 "ed25519": ["ED25519"], "client": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}
    for name, key_type in key_types.items():
        openssl("genpkey", "-algorithm", *key_type, "-out", f"{name}.key")
    (folder / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                   "subjectKeyIdentifier=hash\n")
    leaf = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
    (folder / "leaf.ext").write_text(leaf + "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
    (folder / "client.ext").write_text(leaf + "extendedKeyUsage=clientAuth\n")
    openssl("req", "-new", "-key", "ca.key", "-subj", "/CN=Tern interop CA", "-out", "ca.csr")
    openssl("x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", "-days", "2", "-sha256", "-extfile", "ca.ext", "-out",
            "ca.pem")
    for name in ("p256", "p384", "rsa", "ed25519", "client"):
        subject = "/CN=client" if name == "client" else "/CN=localhost"
        openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-sha256", "-extfile", "client.ext" if name == "client" else "leaf.ext", "-out", f"{name}.pem")


# ---- programs


class Failure(Exception):
    pass


class Program:
    """A started program whose output goes to files, so that it can be read while it runs and never blocks."""

    def __init__(self, folder, name, command, stdin=subprocess.DEVNULL):
        self.name, self.command = name, [str(word) for word in command]
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(self.command, stdin=stdin, stdout=out, stderr=err)

    def wait_for(self, pattern, deadline):
        """The first match of pattern in what the program printed; Failure when it ends or time does."""
        while True:
            ended = self.process.poll() is not None
            match = re.search(pattern, self.printed(), re.M)
            if match:
                return match
            if ended:
                raise Failure(f"{self.name} ended (status {self.process.returncode}) before {pattern!r}: {self.last()}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}: no {pattern!r} in time; {self.last()}")
            time.sleep(0.01)

    def finish(self, deadline):
        try:
            status = self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end in time; {self.last()}") from None
        if status != 0:
            raise Failure(f"{self.name}: status {status}: {self.last()}")

    def stop(self):
        if self.process.stdin and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except OSError:
                pass  # it had ended, and unread input with it
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def printed(self):
        return self.out.read_text(errors="replace") + self.err.read_text(errors="replace")

    def last(self):
        lines = self.err.read_text(errors="replace").strip().split("\n")
        return lines[-1][:200] or "nothing on stderr"


class Run:
    """One cell between two stacks, one of which may be tern."""

    def __init__(self, tools, cell, server, client):
        self.tools, self.cell, self.server, self.client = tools, cell, server, client
        self.programs = []
        self.associations = 2 if cell.resume else 1
        self.deadline = time.monotonic() + cell.limit

    def start(self, name, command, **options):
        program = Program(self.folder, name, command, **options)
        self.programs.append(program)
        return program

    def __call__(self):
        with tempfile.TemporaryDirectory(prefix="cell-", dir=self.tools.folder) as folder:
            self.folder = pathlib.Path(folder)
            try:
                self.talk()
                return None, self.transcript()
            except Failure as failure:
                return str(failure), self.transcript()
            finally:
                for program in reversed(self.programs):
                    program.stop()

    def transcript(self):
        return "".join(f"--- {' '.join(p.command)}\n{p.printed()}" for p in self.programs)

    def talk(self):
        server, port = self.start_tern_server() if self.server == "tern" else self.start_peer_server()
        if self.cell.lossy:
            seed = zlib.crc32(f"{self.cell.name} {self.server} {self.client}".encode()) % 100000
            relay = self.start("relay", [*self.tools.relay, "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}", *LOSSY,
                                         "--seed", seed])
            port = int(relay.wait_for(r"listening on 127\.0\.0\.1:(\d+)", self.deadline).group(1))
        if self.client == "tern":
            for number in range(self.associations):
                self.call_with_tern(f"client{number}", port)
        else:
            client = self.start("client", self.peer_command(self.client, "client", port))
            client.finish(self.deadline)
            if client.out.read_text().count(f"ok {LINES}\n") != self.associations:
                raise Failure("the client did not say ok")
        self.end_server(server)

    # -- the server

    def start_peer_server(self):
        command = self.peer_command(self.server, "server", 0) + ["--count", self.associations]
        server = self.start("server", command)
        return server, int(server.wait_for(r"^ready (\d+)$", self.deadline).group(1))

    def start_tern_server(self):
        command = [self.tools.tern, "server", "--listen", "127.0.0.1:0", "--echo", *self.tern_options("server")]
        if not self.cell.cookie:
            command.append("--no-cookie")
        server = self.start("server", command)
        return server, int(server.wait_for(r"listening on 127\.0\.0\.1:(\d+)", self.deadline).group(1))

    def end_server(self, server):
        if self.server == "tern":
            server.process.send_signal(signal.SIGTERM)
            server.finish(self.deadline)
            return
        if self.cell.resume:
            server.wait_for(r"^resumed$", self.deadline)
        # On a lossy link close_notify may be lost; then the server still waits.
        if not self.cell.lossy:
            server.finish(self.deadline)

    # -- the client

    def call_with_tern(self, name, port):
        command = [self.tools.tern, "client", f"127.0.0.1:{port}", *self.tern_options("client")]
        if self.cell.resume:
            command += ["--session", self.folder / "session"]
        client = self.start(name, command, stdin=subprocess.PIPE)
        for number in range(LINES):
            line = f"ping-{number}\n".encode()
            while line not in client.out.read_bytes():
                self.write_line(client, line)
        client.process.stdin.close()
        client.finish(self.deadline)

    def write_line(self, client, line):
        """Sends a line and waits a while for its echo: on a lossy link it is sent again."""
        try:
            client.process.stdin.write(line)
            client.process.stdin.flush()
        except OSError:
            pass  # it has ended; said below
        patience = time.monotonic() + (0.5 if self.cell.lossy else self.cell.limit)
        while line not in client.out.read_bytes() and time.monotonic() < patience:
            if client.process.poll() is not None:
                raise Failure(f"{client.name} ended (status {client.process.returncode}): {client.last()}")
            if time.monotonic() > self.deadline:
                raise Failure(f"{client.name}: no echo of {line!r} in time; {client.last()}")
            time.sleep(0.01)

    # -- command lines

    def tern_options(self, role):
        cell, pki = self.cell, self.tools.folder
        options = ["--dtls", "1.2", "--suites", cell.suite, "--mtu", cell.mtu]
        if not cell.leaf:
            return options + ["--psk", ":".join(PSK)]
        if role == "server":
            options += ["--cert", pki / f"{cell.leaf}.pem", "--key", pki / f"{cell.leaf}.key"]
            return options + (["--ca", pki / "ca.pem", "--require-client-cert"] if cell.kind == "mutual" else [])
        options += ["--ca", pki / "ca.pem", "--name", "localhost"]
        return options + (["--cert", pki / "client.pem", "--key", pki / "client.key"] if cell.kind == "mutual" else [])

    def peer_command(self, peer, role, port):
        cell, pki = self.cell, self.tools.folder
        command = [self.tools.peers / f"peer_{peer}", role, "--port", port, "--suite", cell.suite, "--mtu", cell.mtu,
                   "--timeout", cell.limit, "--lines", LINES, "--cookie" if cell.cookie else "--no-cookie"]
        if cell.resume:
            command += ["--resume", cell.resume]
        if not cell.leaf:
            return command + ["--psk", ":".join(PSK)]
        if role == "server":
            command += ["--cert", pki / f"{cell.leaf}.pem", "--key", pki / f"{cell.leaf}.key"]
            return command + (["--ca", pki / "ca.pem", "--require-client-cert"] if cell.kind == "mutual" else [])
        command += ["--ca", pki / "ca.pem", "--name", "localhost"]
        return command + (["--cert", pki / "client.pem", "--key", pki / "client.key"] if cell.kind == "mutual" else [])


# ---- the table


def why_not(tools, cell, server, client):
    """The reason for which this pair cannot do the cell, or None."""
    for stack, role in ((server, "server"), (client, "client")):
        if stack != "tern" and not (tools.peers / f"peer_{stack}").exists():
            return f"peer_{stack} is not built: its library is not installed"
        for peer, roles, pattern, reason in CANNOT:
            if stack == peer and re.fullmatch(roles, role) and re.fullmatch(pattern, cell.name):
                return reason
    for one, other, pattern, reason in STRANGERS:
        if (one, other) == (server, client) and re.fullmatch(pattern, cell.name):
            return reason
    if cell.lossy and not tools.relay:
        return "no relay: --tern names no command"
    return None


def pairs(arguments):
    if arguments.self:
        every = [(a, b) for a in PEERS for b in PEERS]
    else:
        every = [(peer, "tern") for peer in PEERS] + [("tern", peer) for peer in PEERS]
    return [pair for pair in every if not arguments.peer or arguments.peer in pair]


def run_all(tools, tasks, verbose):
    """{task: (verdict, detail)}. Lossy cells mostly wait for timers, so more of them run at a time."""
    results = {}

    def one(task):
        cell, server, client = task
        reason = why_not(tools, cell, server, client)
        if reason:
            return "skip", reason, ""
        started = time.monotonic()
        failure, transcript = Run(tools, cell, server, client)()
        return ("FAIL", failure, transcript) if failure else ("ok", f"{time.monotonic() - started:.1f}s", transcript)

    for lossy, jobs in ((False, 2), (True, 8)):
        batch = [task for task in tasks if task[0].lossy == lossy]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for task, (verdict, detail, transcript) in zip(batch, pool.map(one, batch)):
                results[task] = (verdict, detail)
                if verbose or verdict == "FAIL":
                    cell, server, client = task
                    print(f"{verdict} {cell.name}, server {server}, client {client}: {detail}")
                    print("\n".join(f"    {line}" for line in transcript.splitlines()[-40:]), flush=True)
    return results


def print_matrix(results, chosen_pairs):
    for server, client in chosen_pairs:
        mine = {task[0].name: result for task, result in results.items() if task[1:] == (server, client)}
        print(f"\nserver {server}, client {client}")
        rows = [kind for kind in KINDS if any(name.startswith(f"{kind}/") for name in mine)]
        if rows:
            print(" " * 15 + "".join(f"{column:>13}" for column in COLUMNS))
        for kind in rows:
            verdicts = [mine.get(f"{kind}/{column}", ("-", ""))[0] for column in COLUMNS]
            print(f"{kind:15}" + "".join(f"{verdict:>13}" for verdict in verdicts))
        suites = [(name[6:], result[0]) for name, result in mine.items() if name.startswith("suite/")]
        for verdict in ("ok", "FAIL", "skip"):
            names = [name for name, result in suites if result == verdict]
            if names:
                print(f"suites {verdict}: " + " ".join(names))
        for reason in sorted({detail for verdict, detail in mine.values() if verdict == "skip"}):
            print(f"skipped: {reason}")


@dataclass
class Tools:
    tern: pathlib.Path
    peers: pathlib.Path
    relay: list
    folder: pathlib.Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tern", type=pathlib.Path, default=ROOT / "build/tern", help="the command under test")
    parser.add_argument("--peers", type=pathlib.Path, default=ROOT / "build/interop", help="where the peers are")
    parser.add_argument("--self", action="store_true", help="the peers with each other, not with tern")
    parser.add_argument("--peer", choices=PEERS, help="only this one")
    parser.add_argument("--cell", help="only cells whose name has this in it")
    parser.add_argument("--role", choices=["client", "server"], help="only this role of tern")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what the programs printed")
    arguments = parser.parse_args()

    chosen = [pair for pair in pairs(arguments) if not arguments.role or pair[arguments.role == "client"] == "tern"]
    cells = [cell for cell in all_cells() if not arguments.cell or arguments.cell in cell.name]
    tasks = [(cell, server, client) for server, client in chosen for cell in cells]
    if not tasks:
        sys.exit("interop: no such cell")
    with tempfile.TemporaryDirectory(prefix="tern-interop-") as folder:
        relay = [arguments.tern.resolve(), "relay"] if arguments.tern.exists() else []
        tools = Tools(arguments.tern.resolve(), arguments.peers.resolve(), relay, pathlib.Path(folder))
        make_pki(tools.folder)
        results = run_all(tools, tasks, arguments.verbose)
    print_matrix(results, chosen)
    verdicts = [verdict for verdict, _ in results.values()]
    failed = verdicts.count("FAIL")
    print(f"\n{verdicts.count('ok')} passed, {failed} failed, {verdicts.count('skip')} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
