#!/usr/bin/env python3
"""rules.py RULE: one of the house's own rules over the tree; prints what breaks it and exits 1, or prints nothing.

arrows   includes between folders go one way, and each system header stays where it may be
sizes    no file above 800 lines (functions: clang-tidy)
wire     every codec has its unit test and is named by a fuzz target
marks    no TODO or FIXME; ASCII only in sources
state    no mutable static object in the library's object files (argument: the folder of the objects)
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What each folder may include of the others. A folder may always include itself.
CORE = ["src/base", "include/tern"]
ARROWS = {
    "include/tern": [],
    "src/base": ["include/tern"],
    "src/crypto": CORE,
    "src/crypto/stub": CORE + ["src/crypto"],
    "src/crypto/libcrypto": CORE + ["src/crypto"],
    "src/crypto/ipsecmb": CORE + ["src/crypto", "src/crypto/libcrypto"],
    "src/compress": CORE,
    "src/wire": CORE,
    "src/record": CORE + ["src/crypto", "src/wire"],
    "src/flight": CORE + ["src/crypto", "src/wire", "src/record"],
    "src/handshake": CORE + ["src/crypto", "src/compress", "src/wire", "src/record", "src/flight"],
    "src/connection": CORE + ["src/crypto", "src/compress", "src/wire", "src/record", "src/flight", "src/handshake"],
    "src/inspect": CORE + ["src/crypto", "src/wire", "src/record", "src/flight", "src/handshake"],
    "endpoint": ["include/tern"],
    "cli": ["include/tern"],
    "examples": ["include/tern"],
}

# System headers: pattern -> where it may be included. src/ takes time, sockets and threads from its caller.
SYSTEM = [
    (r"(zlib|zstd|zstd_errors)\b|brotli/", ["src/compress/", "tests/unit/compress_test.c"]),
    (r"(intel-ipsec-mb)\b", ["src/crypto/ipsecmb/", "bench/"]),
    (r"openssl/", ["src/crypto/libcrypto/", "cli/", "tests/", "bench/", "examples/webrtc/",
                  "examples/signer_pool.c"]),
    (r"(sys/socket|netinet/|arpa/|netdb|poll|sys/epoll|sys/time|time|pthread|threads|signal)\b",
     ["endpoint/", "cli/", "tests/", "fuzz/", "bench/", "examples/"]),
    # pages that a fork wipes
    (r"sys/mman\b", ["src/crypto/libcrypto/random.c", "tests/"]),
    (r"unistd\b", ["endpoint/", "cli/", "tests/", "fuzz/", "bench/", "examples/"]),
]
SYSTEM_EXCEPTIONS = {("src/connection/keyring.c", "pthread.h")}  # keyrings are replaced under readers

CODE = ("src", "include", "endpoint", "cli", "tests", "fuzz", "bench", "examples")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def files(*suffixes, folders=CODE):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *folders], cwd=ROOT,
                            stdout=subprocess.PIPE, check=True, text=True)
    names = sorted(set(listed.stdout.split("\n")) - {""})
    return [name for name in names if (not suffixes or name.endswith(suffixes)) and (ROOT / name).is_file()]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def resolve(includer, target):
    """The file of ours that an include names, or None: beside the includer, under src, include or the root."""
    for base in (pathlib.PurePath(includer).parent, "src", "include", "."):
        path = (ROOT / base / target).resolve()
        if path.is_file() and ROOT in path.parents:
            return str(path.relative_to(ROOT))
    return None


def arrows():
    for name in files(".c", ".h"):
        folder = str(pathlib.PurePath(name).parent)
        for _, target in INCLUDE.findall(text(name)):
            ours = resolve(name, target)
            if ours is None:
                yield from system_header(name, target)
                continue
            to = str(pathlib.PurePath(ours).parent)
            if folder in ARROWS and to != folder and to not in ARROWS[folder]:
                yield f"{name}: includes {ours}, but {folder} may not use {to}"
        if folder not in ARROWS and folder.split("/")[0] in ("src", "include", "endpoint", "cli"):
            yield f"{name}: {folder} has no place in the arrows"


def system_header(name, target):
    for pattern, allowed in SYSTEM:
        if re.match(pattern, target) and not name.startswith(tuple(allowed)) and (name, target) not in SYSTEM_EXCEPTIONS:
            yield f"{name}: includes <{target}>, which belongs to {', '.join(allowed)}"


def sizes():
    for name in files(".c", ".h", ".py", ".sh", folders=CODE + ("tools",)):
        lines = text(name).count("\n")
        if lines > 800:
            yield f"{name}: {lines} lines, at most 800"


# No codec: the names of wire constants.
NOT_CODECS = {"names"}


def wire():
    fuzzers = "".join(text(name) for name in files("_fuzz.c", folders=("fuzz",)))
    for name in files(".c", folders=("src/wire",)):
        stem = pathlib.PurePath(name).stem
        if not (ROOT / f"tests/unit/{stem}_test.c").is_file():
            yield f"{name}: no tests/unit/{stem}_test.c"
        if stem not in NOT_CODECS and f"wire/{stem}.h" not in fuzzers:
            yield f"{name}: no fuzz target includes wire/{stem}.h"


def marks():
    for name in files(".c", ".h", ".py", ".sh", ".txt", ".md", folders=CODE + ("tools", "cmake", "CMakeLists.txt", "run")):
        if name == "tools/rules.py":
            continue
        for number, line in enumerate(text(name).split("\n"), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield f"{name}:{number}: {line.strip()}"
            if name.endswith((".c", ".h")) and not line.isascii():
                yield f"{name}:{number}: not ASCII"


def state(objects):
    """Sections that hold what a program can write to: .data and .bss, not .data.rel.ro."""
    found = sorted(pathlib.Path(objects).rglob("*.o"))
    if not found:
        yield f"no object file in {objects}"
    for path in found:
        listing = subprocess.run(["nm", "-f", "sysv", path], stdout=subprocess.PIPE, check=True, text=True).stdout
        for line in listing.splitlines():
            columns = [column.strip() for column in line.split("|")]
            if len(columns) == 7 and re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM\*", columns[6]):
                if columns[3] in ("OBJECT", "TLS"):
                    yield f"{path.name}: {columns[0]} is mutable ({columns[6]})"


RULES = {"arrows": arrows, "sizes": sizes, "wire": wire, "marks": marks, "state": state}


def main(arguments):
    if not arguments or arguments[0] not in RULES:
        sys.exit(__doc__)
    broken = list(RULES[arguments[0]](*arguments[1:]))
    print("\n".join(broken), end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
