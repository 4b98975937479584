#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""File-level call cycles, read off the objects with nm.

usage: cycles.py OBJECT…      exit status 1 and the cycles, when files need each other in a circle

An edge a -> b means that a.o uses a symbol that b.o defines. Static functions stay inside a file and do not count.
"""

import re
import subprocess
import sys


def symbols(path):
    """(defined, undefined) global symbols of one object."""
    defined, undefined = set(), set()
    out = subprocess.run(["nm", "-g", path], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        kind, name = line.split()[-2:]
        (undefined if kind in "UwvV" else defined).add(name)
    return defined, undefined


def source_name(path):
    """build/daemon/etcd/.libs/libetcd_la-etcd_txn.o -> etcd_txn: the same file built twice counts once."""
    return re.sub(r"^.*?/|\.l?o$", "", re.sub(r".*/", "/", path)).split("-", 1)[-1]


def graph(paths):
    tables = {source_name(p): symbols(p) for p in sorted(paths)}
    owner = {s: f for f, (defined, _) in tables.items() for s in defined if s != "main"}
    return {f: {owner[s] for s in undefined if owner.get(s, f) != f} for f, (_, undefined) in tables.items()}


def cycles(edges):
    """Strongly connected components of more than one file (Tarjan, iterative)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in sorted(edges):
        if root in index:
            continue
        work = [(root, iter(sorted(edges[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            following = next(successors, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                        if component[-1] == node:
                            break
                    if len(component) > 1:
                        found.append(sorted(component))
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(sorted(edges[following]))))
            elif following in on_stack:
                low[node] = min(low[node], index[following])
    return found


def main():
    edges = graph(sys.argv[1:])
    found = cycles(edges)
    for component in found:
        print("call cycle:", " ".join(component))
        for f in component:
            print(f"    {f} -> {' '.join(sorted(edges[f] & set(component)))}")
    print(f"cycles: {len(edges)} files, {sum(map(len, edges.values()))} edges, {len(found)} cycles")
    return 1 if found or not edges else 0


if __name__ == "__main__":
    sys.exit(main())
