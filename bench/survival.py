"""Reads every file of a mounted data set, over and over, and compares each with what it must be by SHA-256.

Arguments: the mount, a JSON file {"path": [size, sha256, [sha256 of each MiB]]}, which share of the files ("0/2"), "whole"
or "pieces". Ends a pass at a time: after each it prints one line of JSON and, if standard input is at its end, ends.
"pieces" keeps the files open and reads one MiB at random places instead. Errors are counted and reading goes on.
"""
import hashlib, json, os, random, select, sys, time

MIB = 1 << 20
# After each whole MiB: who reads a large file leaves the processors to who reads small ones.
PAUSE_SECONDS = 0.005
mount, listing, share, mode = sys.argv[1:]
part, parts = (int(each) for each in share.split("/"))
with open(listing) as file:
    expected = json.load(file)
paths = [path for index, path in enumerate(sorted(expected)) if index % parts == part]
seen = {"pass": 0, "files": 0, "bytes": 0, "errors": 0, "wrong": 0, "seconds": 0.0, "remarks": []}


def remark(text):
    if len(seen["remarks"]) < 10:
        seen["remarks"].append(text)


def whole(path):
    size, digest, _ = expected[path]
    sha = hashlib.sha256()
    count = 0
    fd = os.open(os.path.join(mount, path), os.O_RDONLY)
    try:
        while True:
            piece = os.read(fd, MIB)
            if not piece:
                break
            sha.update(piece)
            count += len(piece)
            if len(piece) == MIB:
                time.sleep(PAUSE_SECONDS)
    finally:
        os.close(fd)
    seen["bytes"] += count
    if count != size or sha.hexdigest() != digest:
        seen["wrong"] += 1
        remark(f"{path}: {count} of {size} bytes, or other ones")


def piece_of(path, fd):
    _, _, digests = expected[path]
    at = random.randrange(len(digests))
    data = os.pread(fd, MIB, at * MIB)
    seen["bytes"] += len(data)
    time.sleep(PAUSE_SECONDS)
    if hashlib.sha256(data).hexdigest() != digests[at]:
        seen["wrong"] += 1
        remark(f"{path}: MiB {at} is other bytes")


opened = {path: os.open(os.path.join(mount, path), os.O_RDONLY) for path in paths} if mode == "pieces" else {}
while True:
    start = time.monotonic()
    for path in paths if mode == "whole" else random.choices(paths, k=64):
        try:
            whole(path) if mode == "whole" else piece_of(path, opened[path])
            seen["files"] += 1
        except OSError as err:
            seen["errors"] += 1
            remark(f"{path}: {err}")
    seen["pass"] += 1
    seen["seconds"] = time.monotonic() - start
    print(json.dumps(seen), flush=True)
    if select.select([sys.stdin], [], [], 0)[0] and not sys.stdin.read():
        break
