#!/usr/bin/env python3
"""coverage.py [--keep]: runs the tests of build-coverage and shows what of the library they reach, by folder.

Exits 1 when a test fails or an aim is missed. out/coverage has the report as HTML; --keep reads the profile of the last run
again. What counts is what libtern.so is made of: the stub provider is no part of it.
"""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-coverage"
OUT = ROOT / "out" / "coverage"
PROFILE = BUILD / "tests.profdata"
LIBRARY = BUILD / "libtern.so"

# Percent of lines and of branches; None: no aim.
AIMS = {"src/wire": (98, 95), "src/record": (98, 95), "src/flight": (98, 95), "all": (95, None)}


def tool(name):
    found = shutil.which(name) or shutil.which(name + "-14")
    if not found:
        sys.exit(f"coverage: there is no {name}")
    return found


def run_tests():
    profiles = BUILD / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    log = BUILD / "ctest.log"
    with log.open("w") as out:
        status = subprocess.run(
            ["ctest", "--test-dir", str(BUILD), "-j", str(os.cpu_count()), "--timeout", "300", "--output-on-failure"],
            env={**os.environ, "LLVM_PROFILE_FILE": str(profiles / "%8m.profraw")}, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, timeout=1500, check=False).returncode
    if status:
        print("\n".join(log.read_text(errors="replace").splitlines()[-60:]))
    raw = [str(path) for path in profiles.glob("*.profraw")]
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", str(PROFILE), *raw], check=True)
    return status


def summary():
    """{file: {"lines": (covered, count), "branches": (covered, count)}}"""
    text = subprocess.run([tool("llvm-cov"), "export", "-format=text", "-summary-only", f"-instr-profile={PROFILE}",
                           str(LIBRARY)], stdout=subprocess.PIPE, check=True).stdout
    result = {}
    for entry in json.loads(text)["data"][0]["files"]:
        name = os.path.relpath(entry["filename"], ROOT)
        counts = {kind: (entry["summary"][kind]["covered"], entry["summary"][kind]["count"])
                  for kind in ("lines", "branches")}
        # With ccache a header may come twice, under two spellings of its path: at least the better one is reached.
        if name.startswith(("src/", "endpoint/")) and (name not in result or counts["lines"] > result[name]["lines"]):
            result[name] = counts
    return result


def percent(covered, count):
    return 100.0 * covered / count if count else 100.0


def add_up(files):
    folders = collections.defaultdict(lambda: {"lines": (0, 0), "branches": (0, 0)})
    for name, counts in files.items():
        for folder in (str(pathlib.PurePath(name).parent), "all"):
            for kind, (covered, count) in counts.items():
                had = folders[folder][kind]
                folders[folder][kind] = (had[0] + covered, had[1] + count)
    return folders


def show(folders):
    """The table; returns what misses its aim."""
    missed = []
    print(f"{'':24} {'lines':>18} {'branches':>20}")
    for folder in sorted(folders, key=lambda name: (name == "all", name)):
        cells = []
        for kind, aim in zip(("lines", "branches"), AIMS.get(folder, (None, None))):
            covered, count = folders[folder][kind]
            cells.append(f"{covered:6}/{count:<6} {percent(covered, count):5.1f}%")
            if aim is not None and percent(covered, count) < aim:
                missed.append(f"{folder}: {percent(covered, count):.2f}% of its {kind}, aim {aim}%")
        print(f"{folder:24} {cells[0]} {cells[1]}")
    return missed


def write_html():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    subprocess.run([tool("llvm-cov"), "show", "-format=html", "-show-branches=count", f"-output-dir={OUT}",
                    f"-instr-profile={PROFILE}", str(LIBRARY), str(ROOT / "src"), str(ROOT / "endpoint")], check=True)


def main(arguments):
    if arguments not in ([], ["--keep"]):
        sys.exit(__doc__)
    status = 0 if arguments else run_tests()
    missed = show(add_up(summary()))
    write_html()
    print(f"\nline by line: {OUT.relative_to(ROOT)}/index.html")
    if status:
        print("a test failed")
    for line in missed:
        print(f"below its aim: {line}")
    return 1 if status or missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
