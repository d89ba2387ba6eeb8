# SPDX-License-Identifier: MIT
"""The lines of strace -f -o, each of one whole call: one that others interrupt is written in two parts."""
import re


def calls(path):
    begun = {}
    for line in open(path):
        process, rest = line.split(None, 1)
        if rest.endswith("<unfinished ...>\n"):
            begun[process] = rest.removesuffix("<unfinished ...>\n")
        elif resumed := re.match(r"<\.\.\. \w+ resumed>(.*\n)", rest):
            yield f"{process} {begun.pop(process, '')}{resumed.group(1)}"
        else:
            yield line
