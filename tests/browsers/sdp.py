"""What signalling here reads in session descriptions, and what it changes."""

import re


def ufrag(sdp):
    return re.search(r"a=ice-ufrag:(\S+)", sdp)[1]


def lie(sdp):
    """Another certificate's fingerprint: the first digit of each is another one."""
    return re.sub(r"(a=fingerprint:\S+ )(.)", lambda m: m[1] + ("1" if m[2] == "0" else "0"), sdp)
