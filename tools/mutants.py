#!/usr/bin/env python3
"""mutants.py [--check] [NAME...]: takes the defenses of tests/mutants/mutants.txt out of a copy of the tree, one at a time.

Each mutant must be noticed by a test: first by those of its class (tests/classes), then by the other classes, then by malice.
A mutant that nobody notices, one whose text is not there (any more), and one that does not build are failures. --check only
sees whether every mutant still applies. The copy and its build stay in out/mutants: only what a mutant touches is compiled.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/mutants/mutants.txt"
COPY = ROOT / "out/mutants/tree"
BUILD = ROOT / "out/mutants/build"
PROGRAMS = [f"class_{letter}_test" for letter in "abcde"]
SCENARIOS = ["full", "mutual", "13-full", "13-mutual"]
SECONDS = 60  # for one program: a mutant may well hang


class Mutant:
    def __init__(self, name, killer):
        self.name, self.killer, self.edits = name, killer, []


def parse(text):
    mutants, lines, number = [], text.split("\n"), 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("file "):
            end = [lines.index(mark, number) for mark in ("<<<<", "====", ">>>>")]
            old, new = lines[end[0] + 1:end[1]], lines[end[1] + 1:end[2]]
            mutants[-1].edits.append((line[5:], "\n".join(old), "\n".join(new)))
            number = end[2] + 1
            continue
        mutants.append(Mutant(*line.split()))
    return mutants


def problem(mutant):
    """Why it does not apply to the tree, or None."""
    if not mutant.edits:
        return "changes nothing"
    for file, old, new in mutant.edits:
        found = (ROOT / file).read_text().count(old) if (ROOT / file).is_file() else 0
        if found != 1 or not old:
            return f"its text is {found} times in {file}"
        if old == new:
            return f"changes nothing in {file}"
    return None


def classes():
    """The names of all class tests."""
    text = "".join(path.read_text() for path in sorted((ROOT / "tests/classes").glob("*_test.c")))
    return re.findall(r"static void (class_[A-E]\d+)_\w+\(", text)


def check(mutants):
    """Messages: what is wrong with the list."""
    for mutant in mutants:
        why = problem(mutant)
        if why:
            yield f"{mutant.name}: {why}"
        if mutant.killer not in classes() + ["class_malice"]:
            yield f"{mutant.name}: there is no {mutant.killer}"
    names = [mutant.name for mutant in mutants]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: twice"
    for name in classes():
        if name not in [mutant.killer for mutant in mutants]:
            yield f"{name}: no mutant is for it"


def copy_tree():
    """What is new or changed only, so that the build of the last time serves."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, text=True,
                            stdout=subprocess.PIPE).stdout.split()
    for name in listed:
        source, target = ROOT / name, COPY / name
        if not source.is_file():
            continue
        if not target.is_file() or source.read_bytes() != target.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            os.utime(target)


def build():
    """True when it builds; else what the compiler said is printed."""
    command = ["cmake", "--build", BUILD, "-j", str(os.cpu_count()), "--target", "malice", *PROGRAMS]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print("\n".join(line for line in done.stdout.split("\n") if "error" in line)[:2000])
    return done.returncode == 0


def configure():
    BUILD.mkdir(parents=True, exist_ok=True)
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    command = ["cmake", "-S", COPY, "-B", BUILD, *generator, "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_C_FLAGS=-w -O1"]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        sys.exit("mutants.py: cmake failed")


def fails(command):
    """None when it passes; else the first test that failed, or how the program ended."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "no end"
    if done.returncode == 0:
        return None
    text = done.stdout.decode(errors="replace")
    found = re.search(r"\[  FAILED  \] (class_[A-E]\d+)", text) or re.search(r"replay: build/malice --case (\S+)", text)
    running = re.findall(r"\[ RUN      \] (class_[A-E]\d+)", text)
    return found.group(1) if found else f"{running[-1]}, a crash" if running else f"status {done.returncode}"


def killer_of(mutant):
    """Who notices, or None. Its own class's program goes first."""
    own = mutant.killer.split("_")[1][0].lower()
    programs = sorted(PROGRAMS, key=lambda name: name != f"class_{own}_test")
    commands = [[BUILD / "unit" / name] for name in programs]
    malice = [[BUILD / "malice", "--scenario", name, "--hellos", "1000"] for name in SCENARIOS]
    for command in malice + commands if mutant.killer == "class_malice" else commands + malice:
        who = fails(command)
        if who:
            return who if command[0].name != "malice" else f"malice: {who}"
    return None


def run(mutant):
    """None when it is killed as it should; else what is wrong."""
    before = {}
    for file, old, new in mutant.edits:
        path = COPY / file
        before.setdefault(path, path.read_text())
        path.write_text(path.read_text().replace(old, new))
    start, who, built = time.monotonic(), None, build()
    if built:
        who = killer_of(mutant)
    for path, text in before.items():
        path.write_text(text)
    if not built:
        return "does not build"
    if not who:
        return "SURVIVES"
    print(f"{mutant.name}: killed by {who} ({time.monotonic() - start:.0f} s)", flush=True)
    return None


def main(arguments):
    mutants = parse(LIST.read_text())
    wrong = list(check(mutants))
    for line in wrong:
        print(line)
    if "--check" in arguments:
        print(f"{len(mutants) - len(wrong)} passed, {len(wrong)} failed, 0 skipped")
        return 1 if wrong else 0
    chosen = [mutant for mutant in mutants if not arguments or mutant.name in arguments]
    passed, failed = 0, len(wrong)
    copy_tree()
    configure()
    if not build() or any(fails([BUILD / "unit" / name]) for name in PROGRAMS):
        print("the tests do not pass without any mutant")
        print(f"0 passed, {len(chosen)} failed, 0 skipped")
        return 1
    for mutant in chosen:
        why = problem(mutant) or run(mutant)
        if why:
            print(f"{mutant.name}: {why}", flush=True)
        passed += not why
        failed += bool(why) and not problem(mutant)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
