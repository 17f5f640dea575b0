#!/usr/bin/env python3
"""mutants.py [--check] [NAME...]: takes the defenses of tests/mutants/mutants.txt out of a copy of the tree, one by one.

Each mutant must be noticed by a test: those of its class (tests/classes) or the named program of tests/unit are asked
first, then the other classes, then malice. A mutant that nobody notices, one whose text is not there (any more), one that does not build, and a class that
notices none are failures. --check only sees whether every mutant still applies. The copy and its build stay in
out/mutants: only what a mutant touches is compiled.
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
TESTS = sorted((ROOT / "tests/classes").glob("*_test.c"))
PROGRAMS = [path.stem for path in TESTS]
UNITS = [path.stem for path in (ROOT / "tests/unit").glob("*_test.c")]
SCENARIOS = ["full", "mutual", "13-full", "13-mutual", "cid", "13-cid-basic"]
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
    return [name for path in TESTS for name in re.findall(r"static void (class_[A-E]\d+)_\w+\(", path.read_text())]


def check(mutants):
    """Messages: what is wrong with the list."""
    for mutant in mutants:
        why = problem(mutant)
        if why:
            yield f"{mutant.name}: {why}"
        if mutant.killer not in classes() + ["class_malice"] + UNITS:
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
    for path in COPY.rglob("*"):
        if path.is_file() and str(path.relative_to(COPY)) not in listed:
            path.unlink()
    for name in listed:
        source, target = ROOT / name, COPY / name
        if not source.is_file():
            continue
        if not target.is_file() or source.read_bytes() != target.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            os.utime(target)


def build(targets):
    """True when they build; else what the compiler said is printed."""
    command = ["cmake", "--build", BUILD, "-j", str(os.cpu_count()), "--target", *targets]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print("\n".join(line for line in done.stdout.split("\n") if "error" in line)[:2000])
    return done.returncode == 0


def configure():
    BUILD.mkdir(parents=True, exist_ok=True)
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    command = ["cmake", "-S", COPY, "-B", BUILD, *generator, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
               "-DCMAKE_C_FLAGS=-w -O1"]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        sys.exit("mutants.py: cmake failed")


RUNNING = re.compile(r"\[ RUN      \] (class_[A-E]\d+|\w+)")
FAILED = re.compile(r"\[  FAILED  \] (class_[A-E]\d+|(?!\w+:)\w+)")
REPLAY = re.compile(r"replay: build/malice --case (\S+)")


def failures(command):
    """What a program finds: nothing when it passes; else the tests that failed, or how it ended."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
    except subprocess.TimeoutExpired as stopped:
        return RUNNING.findall((stopped.stdout or b"").decode(errors="replace"))[-1:] or ["no end"]
    if done.returncode == 0:
        return []
    text = done.stdout.decode(errors="replace")
    found = FAILED.findall(text) or REPLAY.findall(text)[:1] or RUNNING.findall(text)[-1:]
    return found or [f"status {done.returncode}"]


def own_programs(mutant):
    """Those that are asked first."""
    if mutant.killer in UNITS:
        return [mutant.killer]
    return [path.stem for path in TESTS if f"static void {mutant.killer}_" in path.read_text()] or ["malice"]


def commands_of(program):
    if program == "malice":
        return [[BUILD / "malice", "--scenario", name, "--hellos", "1000"] for name in SCENARIOS]
    return [[BUILD / "unit" / program]]


def killers_of(mutant):
    """Who notices; None: it does not build. The program of its own class goes first, and if it notices no other is made."""
    own = own_programs(mutant)
    for programs in own, [name for name in [*PROGRAMS, "malice"] if name not in own]:
        if not build(programs):
            return None
        for command in [command for program in programs for command in commands_of(program)]:
            found = failures(command)
            if found:
                return found if command[0].name != "malice" else [f"malice: {name}" for name in found]
    return []


def run(mutant, noticed):
    """None when it is killed as it should; else what is wrong."""
    before = {}
    for file, old, new in mutant.edits:
        path = COPY / file
        before.setdefault(path, path.read_text())
        path.write_text(path.read_text().replace(old, new))
    start, found = time.monotonic(), killers_of(mutant)
    for path, text in before.items():
        path.write_text(text)
    if found is None:
        return "does not build"
    if not found:
        return "SURVIVES"
    noticed.update(found)
    who = mutant.killer if mutant.killer in found else found[0]
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
    passed, failed, noticed = 0, len(wrong), set()
    copy_tree()
    configure()
    programs = sorted({program for mutant in chosen for program in own_programs(mutant)} | {*PROGRAMS})
    if not build(programs) or any(failures(command) for program in programs for command in commands_of(program)):
        print("the tests do not pass without any mutant")
        print(f"0 passed, {len(chosen)} failed, 0 skipped")
        return 1
    for mutant in chosen:
        why = problem(mutant) or run(mutant, noticed)
        if why:
            print(f"{mutant.name}: {why}", flush=True)
        passed += not why
        failed += bool(why) and not problem(mutant)
    for name in [] if arguments else sorted(set(classes()) - noticed):
        print(f"{name}: noticed none of the mutants")
        failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
