"""One measurement of a bench: reads a folder in one way and prints how much it got and how long that took.

Python, because it has what Node lacks: O_DIRECT, posix_fadvise and reads into memory that is page-aligned. One call at a time:
what is compared is the cost of a call.

  measure.py tree FOLDER FILES_FOUND FILES_STATTED FILES_SMALL BIG_MIB     makes the source tree
  measure.py CASE FOLDER [--drop]                                          prints {"amount": …, "seconds": …}

From the environment: BENCH_FILES, how many files the case has; BENCH_FILE_BYTES, the size of a small one; BENCH_SHARE, "1/4"
for one of four readers that share the small ones; BENCH_READS, how many random reads.

--drop: forget the big file's pages of this mount first; those of the source stay where they are, in memory.
"""

import json
import mmap
import os
import random
import subprocess
import sys
import time

MIB = 1 << 20
PAGE = 4096
PER_FOLDER = 1000
RANDOM_READS = int(os.environ.get("BENCH_READS", 20_000))
SMALL_BYTES = int(os.environ.get("BENCH_FILE_BYTES", 4096))
PATTERN = random.Random(20).randbytes(MIB)


def make_tree(folder, found, statted, small, big_mib):
    for name, count, content in (
        ("find-names", found, b""),
        ("find-sizes", found, b""),
        ("stat", statted, b""),
        ("small", small, PATTERN[:SMALL_BYTES]),
        ("warm", 2000, PATTERN[:SMALL_BYTES]),
    ):
        for file in range(count):
            parent = f"{folder}/{name}/{file // PER_FOLDER:04d}"
            if file % PER_FOLDER == 0:
                os.makedirs(parent)
            with open(f"{parent}/{file % PER_FOLDER:04d}", "wb") as out:
                out.write(content)
    with open(f"{folder}/big", "wb") as out:
        for _ in range(big_mib):
            out.write(PATTERN)


def paths_of(folder):
    return [f"{parent}/{name}" for parent, _folders, names in sorted(os.walk(folder)) for name in sorted(names)]


def known_paths(folder, name):
    """The paths as the tree has them, without asking the folder that is measured."""
    count = int(os.environ["BENCH_FILES"])
    return [f"{folder}/{name}/{file // PER_FOLDER:04d}/{file % PER_FOLDER:04d}" for file in range(count)]


def opened(folder, drop, flags=0):
    fd = os.open(f"{folder}/big", os.O_RDONLY | flags)
    if drop:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return fd, os.fstat(fd).st_size


def sequential(folder, drop):
    fd, size = opened(folder, drop)
    buffer, amount = mmap.mmap(-1, MIB), 0
    start = time.monotonic()
    for offset in range(0, size, MIB):
        amount += os.preadv(fd, [buffer], offset)
    seconds = time.monotonic() - start
    if amount != size:
        sys.exit(f"measure: Cannot trust the reads: {amount} bytes of {size}")
    return amount / MIB, seconds


def random_reads(folder, drop, flags):
    fd, size = opened(folder, drop, flags)
    choose = random.Random(21)
    offsets = [choose.randrange(size // PAGE) * PAGE for _ in range(RANDOM_READS)]
    buffer = mmap.mmap(-1, PAGE)
    into = [buffer]
    start = time.monotonic()
    for offset in offsets:
        os.preadv(fd, into, offset)
    return RANDOM_READS, time.monotonic() - start


def stat(folder, _drop):
    paths = known_paths(folder, "stat")
    start = time.monotonic()
    for path in paths:
        os.stat(path)
    return len(paths), time.monotonic() - start


def small(folder, _drop):
    share, shares = (int(each) for each in os.environ.get("BENCH_SHARE", "0/1").split("/"))
    paths = known_paths(folder, "small")[share::shares]
    amount = 0
    start = time.monotonic()
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        amount += len(os.read(fd, 2 * SMALL_BYTES))
        os.close(fd)
    seconds = time.monotonic() - start
    if amount != len(paths) * SMALL_BYTES:
        sys.exit(f"measure: Cannot trust the reads: {amount} bytes of {len(paths)} files")
    return len(paths), seconds


def find(folder, *tests):
    count = int(os.environ["BENCH_FILES"])
    start = time.monotonic()
    done = subprocess.run(["find", folder, "-type", "f", *tests], stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - start
    if done.stdout.count(b"\n") != count:
        sys.exit(f"measure: Cannot trust find: it found {done.stdout.count(bytes([10]))} files of {count}")
    return count, seconds


def warm(folder, _drop):
    """What a mount that has just been made has not done yet, on files nobody measures."""
    start = time.monotonic()
    paths = paths_of(f"{folder}/warm")
    for path in paths:
        os.stat(path)
        with open(path, "rb", buffering=0) as file:
            file.read()
    return len(paths), time.monotonic() - start


CASES = {
    "sequential": sequential,
    "random": lambda folder, drop: random_reads(folder, drop, 0),
    "random-direct": lambda folder, drop: random_reads(folder, drop, os.O_DIRECT),
    "stat": stat,
    "small": small,
    "find-names": lambda folder, _drop: find(f"{folder}/find-names"),
    "find-small": lambda folder, _drop: find(f"{folder}/small"),
    "find-sizes": lambda folder, _drop: find(f"{folder}/find-sizes", "-size", "-1k"),
    "warm": warm,
}


def main(args):
    if len(args) == 6 and args[0] == "tree":
        make_tree(args[1], *(int(each) for each in args[2:]))
    elif len(args) >= 2 and args[0] in CASES:
        amount, seconds = CASES[args[0]](args[1], "--drop" in args)
        print(json.dumps({"amount": amount, "seconds": seconds}))
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
