#!/usr/bin/env python3
"""requirements.py: checks docs/requirements/*.tsv against the tree; the last line counts rows.
requirements.py count RFC.txt NUMBER: the lines of counts.tsv for the text of an RFC.

A row that is done names where: functions (or tables) of sources and cases of tests. They must be there, and the file, or
the header beside it, must cite the row's section, as "RFC 9147 4.2.3". A row that is not done says why.
"""

import collections
import functools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs/requirements"
COLUMNS = ["id", "level", "covers", "status", "requirement", "src", "test", "note"]
LEVELS = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "SHALL", "SHALL NOT", "REQUIRED", "RECOMMENDED", "NOT RECOMMENDED"]
STATUSES = ["done", "not applicable", "refused", "later"]

# The draft of a successor has ids of its own: its rows are not counted against the RFC.
ID = re.compile(r"(\d{4})(bis)?-(\d+(?:\.\d+)*)-(\d+)")
SECTION = r"[0-9A-F]+(?:\.\d+)*"
CITATION = re.compile(rf"RFC (\d{{4}}) ({SECTION}(?:(?:, (?:and )?| and ){SECTION}(?![0-9a-zA-Z]))*)")
KEYWORD = re.compile(r"\b(?:MUST|SHALL|SHOULD)(?: NOT)?\b|\bREQUIRED\b|\b(?:NOT )?RECOMMENDED\b")


@functools.lru_cache(maxsize=None)
def text(name):
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@functools.lru_cache(maxsize=None)
def citations(name):
    """Every (RFC, section) that a file names; a list of sections counts, and so does one over two lines of a comment."""
    flat = re.sub(r"\s*\n[\s*#/]*", " ", text(name) or "")
    return {(rfc, section) for rfc, sections in CITATION.findall(flat) for section in re.findall(SECTION, sections)}


def cites(name, rfc, section):
    header = str(pathlib.PurePath(name).with_suffix(".h"))
    return (rfc, section) in citations(name) | citations(header)


def defines(name, symbol):
    """Whether a source defines a function or a table of this name."""
    head = rf"^[a-z][^\n;]*?\b{re.escape(symbol)}"
    return re.search(rf"{head}(\([^;{{]*\)\n\{{|(?:\[[^;\n]*\])? = \{{)", text(name), re.M) is not None


def has_case(name, case):
    """Whether a test runs this case: a function of cmocka's, a method of unittest's, or a scenario of the simulator's."""
    escaped = re.escape(case)
    if name.endswith("_test.c"):
        return (re.search(rf"^static void {escaped}\(void \*\*state\)\n\{{", text(name), re.M)
                and re.search(rf"cmocka_unit_test\w*\({escaped}\b", text(name)))
    if name.endswith(".py"):
        return re.search(rf"^    def {escaped}\(self", text(name), re.M)
    return name == "tests/sim/scenario.c" and f'"{case}"' in text(name)


def faults_of_place(place, kind, rfc, section):
    name, _, symbol = place.partition(":")
    if text(name) is None:
        yield f"there is no file {name}"
    elif not (defines if kind == "src" else has_case)(name, symbol):
        yield f"{name} has no {symbol}"
    elif not cites(name, rfc, section):
        yield f"{name} does not cite RFC {rfc} {section}"


def faults_of_row(row, rfc):
    match = ID.fullmatch(row["id"])
    if not match or match[1] != rfc:
        return ["the id is not of the form NUMBER-SECTION-N"]
    found = []
    if row["level"] not in LEVELS:
        found.append(f"no level {row['level']!r}")
    if row["status"] not in STATUSES:
        found.append(f"no status {row['status']!r}")
    if not re.fullmatch(r"\d", row["covers"]) or (row["covers"] == "0") != bool(match[2]):
        found.append("covers is how many keywords of the RFC the row stands for; of the draft 0")
    if not row["requirement"] or len(row["requirement"]) > 160:
        found.append("the requirement is missing or long")
    if row["status"] == "done" and not (row["src"] and row["test"]):
        found.append("done, but no source or no test is named")
    if row["status"] != "done" and not row["note"]:
        found.append("not done, and the note does not say why")
    for kind in ("src", "test"):
        for place in row[kind].split():
            found += faults_of_place(place, kind, rfc, match[3])
    return found


def read(path):
    """Rows as dictionaries; a line that does not have all columns is a row with an id of None."""
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0] == "\t".join(COLUMNS) and lines[-1] == "", f"{path.name}: head or end of the table"
    for line in lines[1:-1]:
        fields = line.split("\t")
        yield dict(zip(COLUMNS, fields)) if len(fields) == len(COLUMNS) else {"id": None, "line": line}


def faults_of_counts(rfc, covered):
    """The keywords in the text of the RFC and the rows of each section."""
    wanted = collections.Counter()
    for line in (FOLDER / "counts.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        number, section, keywords = line.split("\t")
        if number == rfc:
            wanted[section] = int(keywords)
    for section in sorted(wanted.keys() | covered.keys()):
        if wanted[section] != covered[section]:
            yield f"rfc{rfc} {section}: {wanted[section]} keywords, rows for {covered[section]}"


def check():
    passed, faults, seen = 0, [], set()
    for path in sorted(FOLDER.glob("rfc*.tsv")):
        rfc = path.stem[3:]
        statuses, covered = collections.Counter(), collections.Counter()
        for row in read(path):
            if row["id"] is None:
                faults.append(f"{path.name}: not {len(COLUMNS)} columns: {row['line'][:60]}")
                continue
            broken = faults_of_row(row, rfc) + (["the id is there twice"] if row["id"] in seen else [])
            seen.add(row["id"])
            faults += [f"{row['id']}: {what}" for what in broken]
            passed += not broken
            statuses[row["status"]] += 1
            if ID.fullmatch(row["id"]):
                covered[ID.fullmatch(row["id"])[3]] += int(row["covers"] or 0)
        faults += faults_of_counts(rfc, +covered)
        print(f"RFC {rfc}: " + ", ".join(f"{statuses[s]} {s}" for s in STATUSES))
    print("".join(f"{fault}\n" for fault in faults) + f"{passed} passed, {len(faults)} failed, 0 skipped")
    return 1 if faults or not passed else 0


def count(name, rfc):
    """Keywords by section. Where BCP 14 itself is quoted is no requirement."""
    section, found = "", collections.Counter()
    for paragraph in re.split(r"\n\s*\n", pathlib.Path(name).read_text(encoding="utf-8").replace("\f", "")):
        head = re.match(r"(\d+(?:\.\d+)*)\.  ?\S", paragraph)
        section = head[1] if head and "...." not in paragraph and ". ." not in paragraph else section
        flat = " ".join(paragraph.split())
        if "key words" not in flat:
            found[section] += len(KEYWORD.findall(flat))
    for section, keywords in found.items():
        if keywords:
            print(f"{rfc}\t{section}\t{keywords}")


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "count":
        return count(*arguments[1:])
    return sys.exit(__doc__) if arguments else check()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
