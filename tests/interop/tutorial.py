#!/usr/bin/env python3
"""The well-known tutorial's commands, as they are typed there, with tern at the other end; and a capture of it for tshark.

The certificate they make is X.509 v1 with a common name and nothing else, and its key file begins with EC PARAMETERS.
"""

import argparse
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from interop import ROOT
from programs import Failure, Program

LIMIT_S = 20
TO_SERVER, TO_CLIENT = "terns fly from pole to pole\n", "and back again\n"


def make_certificate(folder):
    """The tutorial's three commands; only the subject is given instead of typed."""
    for line in ("openssl ecparam -out key.pem -name prime256v1 -genkey",
                 "openssl req -new -sha256 -key key.pem -out server.csr -subj /CN=localhost",
                 "openssl x509 -req -sha256 -days 365 -in server.csr -signkey key.pem -out cert.pem"):
        subprocess.run(line.split(), cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
    if not (folder / "key.pem").read_text().startswith("-----BEGIN EC PARAMETERS-----"):
        raise Failure("this openssl writes another key file than the tutorial's")


def fingerprint(folder):
    line = subprocess.run("openssl x509 -in cert.pem -noout -fingerprint -sha256".split(), cwd=folder, check=True,
                          stdout=subprocess.PIPE, text=True, timeout=60).stdout
    return "sha-256:" + line.strip().split("=")[1].replace(":", "")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Session:
    """The programs of one case, in its folder; all are stopped at its end."""

    def __init__(self, folder, tern):
        self.folder, self.tern, self.programs = folder, tern, []
        self.deadline = time.monotonic() + LIMIT_S

    def start(self, name, command):
        program = Program(self.folder, name, [word.replace("@", f"{self.folder}/") for word in command],
                          stdin=subprocess.PIPE)
        self.programs.append(program)
        return program

    def type_into(self, program, line):
        program.process.stdin.write(line.encode())
        program.process.stdin.flush()

    def stop(self):
        for program in reversed(self.programs):
            program.stop()


def openssl_server(session, port, *more):
    command = f"openssl s_server -dtls1_2 -cert @cert.pem -key @key.pem -accept {port}".split()
    server = session.start("s_server", [*command, *more])
    server.wait_for("^ACCEPT", session.deadline)
    return server


def both_ways(session, server, client):
    """A line each way between two programs that print what they receive; the client then ends by itself."""
    session.type_into(client, TO_SERVER)
    server.wait_for(f"^{TO_SERVER}", session.deadline)
    session.type_into(server, TO_CLIENT)
    client.wait_for(f"^{TO_CLIENT}", session.deadline)
    client.process.stdin.close()
    client.finish(session.deadline)


def tern_calls_s_server(session, *trust):
    port = free_port()
    server = openssl_server(session, port)
    client = session.start("client", [str(session.tern), "client", f"127.0.0.1:{port}", *trust])
    both_ways(session, server, client)


def tern_refuses_s_server(session, *trust):
    port = free_port()
    server = openssl_server(session, port)
    client = session.start("client", [str(session.tern), "client", f"127.0.0.1:{port}", *trust])
    client.process.stdin.close()
    status = client.process.wait(LIMIT_S)
    if status != 1:
        raise Failure(f"the client must refuse with status 1, not {status}: {client.last()}")
    if TO_SERVER in server.printed():
        raise Failure("data left the client that trusts nobody")


def s_client_calls_tern(session, *options):
    server = session.start("server", [str(session.tern), "server", "--listen", "127.0.0.1:0", "--cert", "@cert.pem", "--key",
                                      "@key.pem", *options])
    port = server.wait_for(r"listening on 127\.0\.0\.1:(\d+)", session.deadline).group(1)
    command = f"openssl s_client -dtls1_2 -connect 127.0.0.1:{port} -debug -cert @cert.pem -key @key.pem".split()
    client = session.start("s_client", command)
    client.wait_for("Verify return code", session.deadline)
    session.type_into(client, TO_SERVER)
    if "--echo" in options:
        client.wait_for(f"^{TO_SERVER}", session.deadline)
    else:
        server.wait_for(f"^{TO_SERVER}", session.deadline)
    client.process.stdin.close()
    client.process.wait(LIMIT_S)
    server.process.send_signal(signal.SIGTERM)
    server.finish(session.deadline)


def srtp(session, tern_serves):
    """Both agree on the second profile that tern likes; what OpenSSL exports for SRTP, tern does."""
    profiles = ["--srtp", "SRTP_AEAD_AES_256_GCM,SRTP_AES128_CM_HMAC_SHA1_80", "--export", "EXTRACTOR-dtls_srtp:60"]
    theirs = "-use_srtp SRTP_AES128_CM_SHA1_80 -keymatexport EXTRACTOR-dtls_srtp -keymatexportlen 60".split()
    if tern_serves:
        ours = session.start("server", [str(session.tern), "server", "--listen", "127.0.0.1:0", "--cert", "@cert.pem",
                                        "--key", "@key.pem", *profiles])
        port = ours.wait_for(r"listening on 127\.0\.0\.1:(\d+)", session.deadline).group(1)
        peer = session.start("s_client", [*f"openssl s_client -dtls1_2 -connect 127.0.0.1:{port}".split(), *theirs])
    else:
        port = free_port()
        peer = openssl_server(session, port, *theirs)
        ours = session.start("client", [str(session.tern), "client", f"127.0.0.1:{port}", "--insecure", *profiles])
    ours.wait_for("connected.*, SRTP_AES128_CM_HMAC_SHA1_80", session.deadline)
    mine = ours.wait_for("export EXTRACTOR-dtls_srtp: ([0-9a-f]{120})", session.deadline).group(1)
    peer.wait_for("SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_80", session.deadline)
    other = peer.wait_for("Keying material: ([0-9A-F]{120})", session.deadline).group(1)
    if mine != other.lower():
        raise Failure("the keys for SRTP differ")


def capture(session, *trust):
    """tcpdump sees the datagrams, tshark finds both lines in them with the key log, and neither without."""
    port = free_port()
    dump = session.start("tcpdump", ["tcpdump", "-i", "lo", "-U", "-w", "@lo.pcap", "udp", "port", str(port)])
    dump.wait_for("listening on lo", session.deadline)
    server = openssl_server(session, port)
    client = session.start("client", [str(session.tern), "client", f"127.0.0.1:{port}", *trust, "--keylog", "@keys.log"])
    both_ways(session, server, client)
    time.sleep(0.5)  # libpcap hands the last packets over when its buffer's time is up
    dump.process.send_signal(signal.SIGINT)
    dump.process.wait(LIMIT_S)
    lines = [TO_SERVER.encode().hex(), TO_CLIENT.encode().hex()]
    for keylog, found in (("@keys.log", lines), ("/dev/null", [])):
        decoded = decode(session, port, keylog)
        if [line for line in lines if line in decoded] != found:
            raise Failure(f"tshark with {keylog} finds {decoded.split()}")


def decode(session, port, keylog):
    command = ["tshark", "-n", "-r", "@lo.pcap", "-d", f"udp.port=={port},dtls", "-o", f"tls.keylog_file:{keylog}", "-Y",
               "dtls.record.content_type == 23", "-T", "fields", "-e", "data.data"]
    command = [word.replace("@", f"{session.folder}/") for word in command]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          timeout=LIMIT_S, check=True).stdout


def cases(folder):
    trust = ("--ca", "@cert.pem", "--name", "localhost")
    yield "s_server, tern client --ca", tern_calls_s_server, trust
    yield "s_server, tern client --fingerprint", tern_calls_s_server, ("--fingerprint", fingerprint(folder))
    yield "s_server, tern client --insecure", tern_calls_s_server, ("--insecure",)
    yield "s_server, tern client that trusts nobody here", tern_refuses_s_server, ()
    yield "s_server, tern client with a wrong name", tern_refuses_s_server, ("--ca", "@cert.pem", "--name", "example.org")
    yield "s_server, tern client with a wrong pin", tern_refuses_s_server, ("--fingerprint", "sha-256:" + "00" * 32)
    yield "s_client, tern server", s_client_calls_tern, ()
    yield "s_client, tern server --echo", s_client_calls_tern, ("--echo",)
    yield "s_client, tern server --require-client-cert", s_client_calls_tern, ("--echo", "--ca", "@cert.pem",
                                                                              "--require-client-cert")
    yield "s_client -use_srtp, tern server --srtp", srtp, (True,)
    yield "s_server -use_srtp, tern client --srtp", srtp, (False,)
    yield "capture, tshark and the key log", capture, trust


def why_not(function):
    if function is not capture:
        return None
    for program in ("tcpdump", "tshark"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if not can_capture():
        return "capturing on lo is not permitted here"
    return None


def can_capture():
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
        return True
    except PermissionError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tern", type=pathlib.Path, default=ROOT / "build/tern")
    parser.add_argument("--case", default="", help="only cases whose name has this in it")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    tally = {"ok": 0, "FAIL": 0, "skip": 0}
    with tempfile.TemporaryDirectory(prefix="tern-tutorial-") as name:
        folder = pathlib.Path(name)
        make_certificate(folder)
        for case, function, options in cases(folder):
            if arguments.case not in case:
                continue
            session = Session(folder, arguments.tern.resolve())
            verdict, detail = "ok", ""
            try:
                detail = why_not(function) or ""
                if detail:
                    verdict = "skip"
                else:
                    function(session, *options)
            except (Failure, OSError, subprocess.SubprocessError) as failure:
                verdict, detail = "FAIL", str(failure)
            finally:
                session.stop()
            tally[verdict] += 1
            print(f"{verdict:5} {case}" + (f": {detail}" if detail else ""), flush=True)
            if arguments.verbose or verdict == "FAIL":
                for program in session.programs:
                    print(f"    --- {' '.join(program.command)}")
                    print("\n".join(f"    {line}" for line in program.printed().splitlines()[-25:]))
    print(f"{tally['ok']} passed, {tally['FAIL']} failed, {tally['skip']} skipped")
    return 1 if tally["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
