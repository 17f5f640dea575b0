"""The cells of the tables of foreign peers, and what each peer cannot do.

A cell is KIND/COOKIE/MTU, KIND/lossy, suite/NAME or group/NAME, of one version.
"""

import itertools
import re
from dataclasses import dataclass

PEERS = {"1.2": ["openssl", "gnutls", "mbedtls", "wolfssl"], "1.3": ["wolfssl", "nss"]}
KINDS = {
    "1.2": ["ecdsa", "rsa", "ed25519", "mutual", "psk", "ecdhe-psk", "resume-id", "resume-ticket"],
    "1.3": ["ecdsa", "rsa", "ed25519", "mutual", "psk", "resume-ticket", "hrr", "keyupdate", "post-auth", "mlkem", "default"],
}
COLUMNS = ["cookie/1400", "cookie/512", "none/1400", "none/512", "lossy", "lossy/none"]
LIMIT_S, LOSSY_LIMIT_S = 25, 120

GCM12, GCM13 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"
# version -> kind -> leaf certificate, suite
SETTINGS = {
    "1.2": {
        "rsa": ("rsa", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        "ed25519": ("ed25519", GCM12),
        "psk": (None, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"),
        "ecdhe-psk": (None, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"),
    },
    "1.3": {"rsa": ("rsa", GCM13), "ed25519": ("ed25519", GCM13), "psk": (None, GCM13)},
}
AEADS = ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256", "AES_128_CCM", "AES_128_CCM_8"]
# (key exchange, AEAD) of IANA's names; RSA has no CCM without key transport in its ECDHE form, ECDHE-PSK's CCM ends in a hash
SUITES = {
    "1.2": [f"TLS_{kx}_WITH_{aead}" for kx in ("ECDHE_ECDSA", "PSK") for aead in AEADS]
    + [f"TLS_ECDHE_RSA_WITH_{aead}" for aead in AEADS[:3]]
    + [f"TLS_ECDHE_PSK_WITH_{aead}" for aead in AEADS[:3] + ["AES_128_CCM_SHA256", "AES_128_CCM_8_SHA256"]],
    "1.3": [f"TLS_{aead}" for aead in AEADS[:3] + ["AES_128_CCM_SHA256", "AES_128_CCM_8_SHA256"]],
}
CIDS = [0, 1, 8, 20]  # bytes of a connection ID
GROUPS = ["x25519", "secp256r1", "secp384r1", "X25519MLKEM768"]

# The releases all this was last seen with: what fails with another one is the peer's news until somebody has looked.
SEEN = {
    "openssl": ["3.0", "3.5", "3.6"],
    "gnutls": ["3.7", "3.8"],
    "mbedtls": ["2.28", "3.6"],
    "wolfssl": ["5.5.4", "5.9.2"],
    "nss": ["3.132"],
}

# (version, peer, role of the peer, pattern of the cell, reason)
CANNOT = [
    ("1.2", "openssl", "server", "ed25519/.*",
     "an OpenSSL 3 server signs with Ed25519 in TLS 1.2, but not in DTLS 1.2"),
    ("1.2", "openssl", ".*", "suite/TLS_ECDHE_PSK_WITH_AES.*", "OpenSSL 3 has ECDHE-PSK only with CBC and ChaCha20"),
    ("1.2", "gnutls", ".*", "suite/TLS_ECDHE_PSK_WITH_AES.*", "GnuTLS has ECDHE-PSK only with CBC and ChaCha20"),
    ("1.2", "mbedtls", ".*", "ed25519/.*", "Mbed TLS has no Ed25519"),
    ("1.2", "mbedtls", ".*", "suite/TLS_ECDHE_PSK_WITH_AES.*", "Mbed TLS has ECDHE-PSK only with CBC and ChaCha20"),
    ("1.2", "wolfssl", "server", ".*/none/.*", "a wolfSSL server of DTLS 1.2 always asks for a cookie"),
    ("1.2", "wolfssl", "server", "ecdhe-psk/lossy",
     "this seed loses the last flight, which wolfSSL 5.5 repeats for no client"),
    ("1.2", "wolfssl", "client", "resume-ticket/lossy",
     "this seed loses the last flight, which wolfSSL 5.5 repeats for no server"),
    ("1.2", "wolfssl", ".*", "suite/TLS_PSK_WITH_AES.*", "Debian's wolfSSL is built without static PSK for AES"),
    ("1.2", "wolfssl", ".*", "suite/TLS_ECDHE_PSK_WITH_(AES_256_GCM.*|AES_128_CCM.*)", "wolfSSL has no such suite"),
    ("1.3", "wolfssl", "server", "default/.*|mlkem/.*/512",
     "wolfSSL's server drops a first ClientHello in fragments"),
    ("1.3", "wolfssl", "client", "(default|mlkem)/(none|lossy/none).*",
     "without a cookie wolfSSL's second ClientHello has no share either"),
    ("1.2", "openssl|gnutls", ".*", "cid/.*", "it has no connection IDs"),
    ("1.3", "nss", ".*", "cid/.*", "it has no connection IDs"),
    ("1.2", "mbedtls", ".*", "cid/0/0", "Mbed TLS calls two empty connection IDs none"),
    (".*", "tern", "server", "cid/1/.*", "tern server's connection IDs are of 8 to 20 bytes, or none"),
    ("1.2|1.3", "wolfssl", ".*", "cid/.*/20", "wolfSSL takes connection IDs of up to 10 bytes"),
    ("1.2", "wolfssl", ".*", "cid/20/.*", "wolfSSL cannot send with a connection ID of 20 bytes in DTLS 1.2"),
    ("1.3", "nss", ".*", "ed25519/.*", "NSS takes no Ed25519 certificate in TLS"),
    ("1.3", "nss", "client", ".*/lossy|hrr/lossy/none",
     "NSS's client never repeats its ClientHello after a HelloRetryRequest"),
    ("1.3", "nss", "server", ".*/cookie/.*|.*/lossy", "tstclnt asks for no cookie"),
    ("1.3", "nss", ".*", "suite/.*_CCM_.*", "NSS has no CCM suite of TLS 1.3"),
    ("1.3", "nss", ".*", "keyupdate/.*", "tstclnt starts no key update"),
    ("1.3", "nss", ".*", "post-auth/.*", "NSS has no post-handshake authentication in DTLS"),
    ("1.3", "nss", ".*", "resume-ticket/.*", "tstclnt keeps no session for another run"),
    ("1.3", "nss", "server", "mutual/.*", "tstclnt's server asks for no certificate"),
]
# (version, server, client, pattern of the cell, reason): where two foreign stacks fail each other, for --self
STRANGERS = [
    ("1.2", "wolfssl", "mbedtls", "resume-ticket/.*",
     "Mbed TLS 2.28 and wolfSSL 5.5 stick when they resume by ticket"),
    ("1.2", "wolfssl", "gnutls", "ecdhe-psk/lossy",
     "wolfSSL 5.5 alerts on a ChangeCipherSpec that overtakes ClientKeyExchange"),
]


@dataclass(frozen=True)
class Cell:
    version: str
    kind: str  # of KINDS, "suite", "group" or "cid"
    suite: str
    leaf: str  # the server's certificate, or None
    cookie: bool = True
    mtu: int = 1400
    lossy: bool = False
    group: str = None  # the only one
    cid: tuple = None  # bytes of tern's connection ID and of the peer's

    @property
    def name(self):
        if self.kind in ("suite", "group"):
            return f"{self.kind}/{self.suite if self.kind == 'suite' else self.group}"
        if self.cid:
            return f"cid/{self.cid[0]}/{self.cid[1]}"
        if self.lossy:
            return f"{self.kind}/lossy" + ("" if self.cookie else "/none")
        return f"{self.kind}/{'cookie' if self.cookie else 'none'}/{self.mtu}"

    @property
    def limit(self):
        return LOSSY_LIMIT_S if self.lossy else LIMIT_S

    @property
    def proves(self):
        """Whether the client shows a certificate, in the handshake or after it."""
        return self.kind in ("mutual", "post-auth")

    @property
    def resume(self):
        return self.kind.split("-")[1] if self.kind.startswith("resume") else None

    def groups(self, role):
        """What this role is told to use, or None. In "hrr" the client's first share is for a group the server refuses, in
        "default" nobody is told anything, elsewhere in 1.3 the first ClientHello fits a datagram."""
        if self.version == "1.2" or self.kind == "default":
            return None
        if self.kind == "hrr":
            return "secp384r1" if role == "server" else "x25519,secp384r1"
        return "X25519MLKEM768" if self.kind == "mlkem" else self.group or "x25519,secp256r1"


def all_cells(version):
    plain = ("p256", GCM12 if version == "1.2" else GCM13)
    for kind in KINDS[version]:
        leaf, suite = SETTINGS[version].get(kind, plain)
        for cookie, mtu in itertools.product((True, False), (1400, 512)):
            yield Cell(version, kind, suite, leaf, cookie, mtu)
        yield Cell(version, kind, suite, leaf, lossy=True)
        if version == "1.3":
            yield Cell(version, kind, suite, leaf, lossy=True, cookie=False)
    for suite in SUITES[version]:
        yield Cell(version, "suite", suite, "rsa" if "_RSA_" in suite else None if "PSK" in suite else "p256")
    for cid in itertools.product(CIDS, CIDS):
        yield Cell(version, "cid", plain[1], plain[0], cid=cid)
    if version == "1.3":
        for group in GROUPS:
            yield Cell(version, "group", GCM13, "p256", group=group)


def is_seen(peer, release):
    return any(release == seen or release.startswith(f"{seen}.") for seen in SEEN[peer])


def has_no_cids(peer, release):
    """Debian 12's: Mbed TLS 2.28 speaks a draft, wolfSSL 5.5 is built without."""
    return (peer, release.split(".")[0]) == ("mbedtls", "2") or (peer, release) == ("wolfssl", "5.5.4")


def why_not(cell, server, client):
    """The reason for which one of this pair cannot do the cell, or None."""
    for stack, role in ((server, "server"), (client, "client")):
        for version, peer, roles, pattern, reason in CANNOT:
            if not re.fullmatch(version, cell.version) or not re.fullmatch(peer, stack):
                continue
            if re.fullmatch(roles, role) and re.fullmatch(pattern, cell.name):
                return reason
    for version, one, other, pattern, reason in STRANGERS:
        if (version, one, other) == (cell.version, server, client) and re.fullmatch(pattern, cell.name):
            return reason
    return None
