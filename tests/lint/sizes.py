#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Files over 450 lines and C functions over 70, unless a WHY: line stands in the file (above the function) and says why.

usage: sizes.py FILE…
"""

import re
import sys

FILE_LINES, FUNCTION_LINES = 450, 70


def functions(lines):
    """(name, first line, length) of what starts at a brace in column 0 and ends at one."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            head = lines[start - 2] if start > 1 else ""
            match = re.search(r"(\w+)\(", head)
            yield (match.group(1) if match else head.strip(), start, number - start)
            start = None


def main():
    bad = count = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
        count += 1
        if len(lines) > FILE_LINES and not any("WHY:" in line for line in lines[:12]):
            print(f"{path}: {len(lines)} lines (at most {FILE_LINES}, or a WHY: in its head)")
            bad += 1
        if not path.endswith((".c", ".h")):
            continue
        for name, start, length in functions(lines):
            if length > FUNCTION_LINES and not any("WHY:" in line for line in lines[max(0, start - 8) : start]):
                print(f"{path}:{start}: {name} has {length} lines (at most {FUNCTION_LINES}, or a WHY: above it)")
                bad += 1
    print(f"sizes: {count} files, {bad} too long")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
