#!/usr/bin/env python3
"""Tern against foreign DTLS stacks, both roles, as a table of cells: one table a version.

The peers are peer_*.c of this folder over the libraries of the system, and peer_*.py over their tools; cells.py has the cells,
and what each peer cannot do, and why. A peer that says "cannot" (exit 77) about anything else fails its cell.
With --self the peers talk to each other instead, which shows that the harness is right.
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass, field

from cells import COLUMNS, KINDS, PEERS, all_cells, has_no_cids, is_seen, why_not
from programs import Failure, Program, make_pki

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PSK = ("Client_identity", "000102030405060708090a0b0c0d0e0f")
LOSSY = ["--loss", "20", "--duplicate", "10", "--reorder", "10"]
LINES = 3


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
        text = "".join(f"--- {' '.join(p.command)}\n{p.printed()}" for p in self.programs)
        trace = self.folder / "trace"
        return text + (f"--- the trace of tern\n{trace.read_text()}" if trace.exists() else "")

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
            if self.cell.kind == "post-auth":
                server.wait_for(r"authenticated: its certificate is", self.deadline)
            server.process.send_signal(signal.SIGTERM)
            server.finish(self.deadline)
            return
        if self.cell.resume:
            server.wait_for(r"^resumed$", self.deadline)
        if self.cell.kind == "post-auth":
            server.wait_for(r"^authenticated$", self.deadline)
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
        options = ["--dtls", cell.version, "--suites", cell.suite, "--mtu", cell.mtu, "--trace", self.folder / "trace"]
        if cell.groups(role):
            options += ["--groups", cell.groups(role)]
        if cell.cid:
            options += ["--cid-length", cell.cid[0]]
        if not cell.leaf:
            return options + ["--psk", ":".join(PSK)]
        if role == "server":
            options += ["--cert", pki / f"{cell.leaf}.pem", "--key", pki / f"{cell.leaf}.key"]
            options += ["--request-cert-after", 2] if cell.kind == "post-auth" else []
            return options + (["--ca", pki / "ca.pem", "--require-client-cert"] if cell.proves else [])
        options += ["--ca", pki / "ca.pem", "--name", "localhost"]
        options += ["--post-auth"] if cell.kind == "post-auth" else []
        return options + (["--cert", pki / "client.pem", "--key", pki / "client.key"] if cell.proves else [])

    def peer_command(self, peer, role, port):
        cell, pki = self.cell, self.tools.folder
        command = [self.tools.peer(peer), role, "--port", port, "--dtls", cell.version, "--suite", cell.suite, "--mtu",
                   cell.mtu, "--timeout", cell.limit, "--lines", LINES, "--cookie" if cell.cookie else "--no-cookie"]
        if cell.groups(role):
            command += ["--groups", cell.groups(role)]
        if cell.cid:
            command += ["--cid", cell.cid[1]]
        if cell.kind == "keyupdate":
            command.append("--key-update")
        if cell.kind == "post-auth":
            command.append("--post-auth")
        if cell.resume:
            command += ["--resume", cell.resume]
        if not cell.leaf:
            return command + ["--psk", ":".join(PSK)]
        if role == "server":
            command += ["--cert", pki / f"{cell.leaf}.pem", "--key", pki / f"{cell.leaf}.key"]
            return command + (["--ca", pki / "ca.pem", "--require-client-cert"] if cell.proves else [])
        command += ["--ca", pki / "ca.pem", "--name", "localhost"]
        return command + (["--cert", pki / "client.pem", "--key", pki / "client.key"] if cell.proves else [])


# ---- the table


def skip_reason(tools, cell, server, client):
    for stack in (server, client):
        if stack != "tern" and not tools.peer(stack).exists():
            return f"peer_{stack} is not built: its library is not installed"
    for stack in (server, client):
        if cell.cid and stack != "tern" and has_no_cids(stack, tools.release(stack)):
            return f"{stack} {tools.release(stack)} has no connection IDs of RFC 9146"
    if cell.lossy and not tools.relay:
        return "no relay: --tern names no command"
    return why_not(cell, server, client)


def pairs(arguments):
    peers = PEERS[arguments.dtls]
    if arguments.self:
        every = [(a, b) for a in peers for b in peers]
    else:
        every = [(peer, "tern") for peer in peers] + [("tern", peer) for peer in peers]
    every = [pair for pair in every if not arguments.role or pair[arguments.role == "client"] == "tern"]
    return [pair for pair in every if not arguments.peer or arguments.peer in pair]


def run_all(tools, tasks, verbose):
    """{task: (verdict, detail)}. Lossy cells mostly wait for timers, so more of them run at a time."""
    results = {}

    def one(task):
        cell, server, client = task
        reason = skip_reason(tools, cell, server, client)
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


def print_matrix(results, chosen_pairs, version):
    for server, client in chosen_pairs:
        mine = {task[0].name: result for task, result in results.items() if task[1:] == (server, client)}
        print(f"\nDTLS {version}, server {server}, client {client}")
        rows = [kind for kind in KINDS[version] if any(name.startswith(f"{kind}/") for name in mine)]
        if rows:
            columns = [column for column in COLUMNS if any(f"{kind}/{column}" in mine for kind in rows)]
            print(" " * 15 + "".join(f"{column:>13}" for column in columns))
        for kind in rows:
            verdicts = [mine.get(f"{kind}/{column}", ("-", ""))[0] for column in columns]
            print(f"{kind:15}" + "".join(f"{verdict:>13}" for verdict in verdicts))
        for kind, verdict in itertools.product(("suite", "group", "cid"), ("ok", "FAIL", "skip")):
            names = [name[len(kind) + 1:] for name, result in mine.items()
                     if name.startswith(f"{kind}/") and result[0] == verdict]
            if names:
                print(f"{kind}s {verdict}: " + " ".join(names))
        for reason in sorted({detail for verdict, detail in mine.values() if verdict == "skip"}):
            print(f"skipped: {reason}")


def releases(tools, chosen_pairs):
    """{peer: release} of those that are there."""
    found = {}
    for peer in sorted({stack for pair in chosen_pairs for stack in pair if stack != "tern"}):
        if tools.peer(peer).exists():
            found[peer] = tools.release(peer)
    return found


def print_news(results, found):
    """Failures with releases that nobody has looked at yet, apart from the others."""
    for peer, release in found.items():
        failed = [task for task, (verdict, _) in results.items() if verdict == "FAIL" and peer in task[1:]]
        if failed and not is_seen(peer, release):
            print(f"\n{len(failed)} failures are with {peer} {release}, a release this table has not seen before: "
                  + " ".join(sorted({task[0].name for task in failed})))


@dataclass
class Tools:
    tern: pathlib.Path
    peers: pathlib.Path
    relay: list
    folder: pathlib.Path
    known: dict = field(default_factory=dict)  # releases of peers

    def peer(self, name):
        script = ROOT / f"tests/interop/peer_{name}.py"
        return script if script.exists() else self.peers / f"peer_{name}"

    def release(self, name):
        if name not in self.known:
            done = subprocess.run([self.peer(name), "version"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                  timeout=60, check=False)
            self.known[name] = done.stdout.strip() or "unknown"
        return self.known[name]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tern", type=pathlib.Path, default=ROOT / "build/tern", help="the command under test")
    parser.add_argument("--peers", type=pathlib.Path, default=ROOT / "build/interop", help="where the peers are")
    parser.add_argument("--self", action="store_true", help="the peers with each other, not with tern")
    parser.add_argument("--dtls", choices=sorted(PEERS), default="1.2", help="which table: 1.2 (the default) or 1.3")
    parser.add_argument("--peer", choices=sorted({peer for peers in PEERS.values() for peer in peers}), help="only this one")
    parser.add_argument("--cell", help="only cells whose name has this in it")
    parser.add_argument("--role", choices=["client", "server"], help="only this role of tern")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what the programs printed")
    arguments = parser.parse_args()

    chosen = pairs(arguments)
    cells = [cell for cell in all_cells(arguments.dtls) if not arguments.cell or arguments.cell in cell.name]
    tasks = [(cell, server, client) for server, client in chosen for cell in cells]
    if not tasks:
        sys.exit("interop: no such cell")
    with tempfile.TemporaryDirectory(prefix="tern-interop-") as folder:
        relay = [arguments.tern.resolve(), "relay"] if arguments.tern.exists() else []
        tools = Tools(arguments.tern.resolve(), arguments.peers.resolve(), relay, pathlib.Path(folder))
        make_pki(tools.folder)
        found = releases(tools, chosen)
        print("peers: " + ", ".join(f"{peer} {release}" for peer, release in found.items()), flush=True)
        results = run_all(tools, tasks, arguments.verbose)
    print_matrix(results, chosen, arguments.dtls)
    print_news(results, found)
    verdicts = [verdict for verdict, _ in results.values()]
    failed = verdicts.count("FAIL")
    print(f"\n{verdicts.count('ok')} passed, {failed} failed, {verdicts.count('skip')} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
