#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `make check` ran, told from its logs: every runner's own closing line, then the sum.

usage: summary.py BUILD-DIR      exit status 1 when anything failed or nothing ran
"""

import pathlib
import re
import sys

CLOSING = [  # (pattern of a closing line, what to count)
    (re.compile(r"^\[  PASSED  \] (?P<passed>\d+) test\(s\)"), "cmocka"),
    (re.compile(r"^\[  FAILED  \] (?P<failed>\d+) test\(s\)"), "cmocka"),
    (re.compile(r"^\[  SKIPPED \] (?P<skipped>\d+) test\(s\)"), "cmocka"),
    (re.compile(r"^=+ .*in [\d.]+s.*=+$"), "pytest"),
    (re.compile(r"^[\d]+ (passed|failed).* in [\d.]+s"), "pytest"),
    (re.compile(r"^--- (?P<gopass>PASS): "), "go"),
    (re.compile(r"^--- (?P<gofail>FAIL): "), "go"),
    (re.compile(r"^(ok|FAIL)\s+shardmgr\S*\s"), "go"),
]


def count(line, totals):
    for pattern, runner in CLOSING:
        match = pattern.match(line)
        if not match:
            continue
        if runner == "pytest":
            for word in totals:
                for n in re.findall(r"(\d+) " + word, line):
                    totals[word] += int(n)
            for n in re.findall(r"(\d+) errors?", line):
                totals["failed"] += int(n)
        for word, n in match.groupdict().items():
            if word == "gopass":
                totals["passed"] += 1
            elif word == "gofail":
                totals["failed"] += 1
            else:
                totals[word] += int(n)
        return not line.startswith("---")
    return False


def main():
    build = pathlib.Path(sys.argv[1])
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    broken = 0
    for trs in sorted(build.rglob("*.trs")):
        if any(p.name in ("address", "thread") for p in trs.relative_to(build).parents):
            continue
        result = re.search(r":global-test-result: (\S+)", trs.read_text())
        log = trs.with_suffix(".log").read_text(errors="replace")
        name = trs.relative_to(build).with_suffix("")
        closing = [line for line in log.splitlines() if count(line, totals)]
        print(f"{name}: " + "; ".join(closing or [result.group(1) if result else "no result"]))
        if not result or result.group(1) not in ("PASS", "SKIP"):
            broken += 1
            print("\n".join("    " + line for line in log.splitlines()[-60:]))
    failed = max(totals["failed"], broken)
    skipped = f", {totals['skipped']} skipped" if totals["skipped"] else ""
    print(f"{totals['passed']} passed, {failed} failed{skipped}")
    return 1 if failed or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
