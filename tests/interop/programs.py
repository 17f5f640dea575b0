"""What the tables of foreign peers run: started programs whose output can be watched, and a PKI for them."""

import os
import re
import signal
import subprocess
import time


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
    leaf = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
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

    def __init__(self, folder, name, command, stdin=subprocess.DEVNULL, cwd=None):
        self.name, self.command = name, [str(word) for word in command]
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(self.command, stdin=stdin, stdout=out, stderr=err, cwd=cwd,
                                            start_new_session=True)

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
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # with what it has started itself
        except ProcessLookupError:
            pass
        self.process.wait()

    def printed(self):
        return self.out.read_text(errors="replace") + self.err.read_text(errors="replace")

    def last(self):
        lines = self.err.read_text(errors="replace").strip().split("\n")
        return lines[-1][:200] or "nothing on stderr"
