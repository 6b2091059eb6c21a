"""The readers of the failover bench: five processes that verify every byte they get, and time every call they make.

Python, because it has what Node lacks: O_DIRECT, posix_fadvise and mmap. Processes, because threads of one interpreter would
wait for each other and call it a stall.

  readers.py make FOLDER               makes the source tree
  readers.py read FOLDER [--mounted] [--replace SOURCE]
      reads until "stop" or the end of standard input, then prints one line of JSON. Prints "ready" when all read.
      --mounted: every read is to reach the daemon (O_DIRECT, pages dropped before mapped memory is touched)
      --replace: files of SOURCE are renamed over by new versions all the time

A file's bytes say which file, which version and which block they are, so bytes of the wrong file, the wrong place or of two
versions are found out.
"""

import array
import json
import mmap
import os
import random
import selectors
import signal
import stat
import struct
import sys
import time
import traceback

BLOCK = 4096
FILES = 64
LARGE_EVERY = 8  # every eighth file is large enough to be read by passthrough
VERSIONS_SEEN = 13  # sizes repeat after so many versions
HEADER = struct.Struct("<4sIII")
MAGIC = b"EVMB"
PATTERN = random.Random(20).randbytes(3 * BLOCK)
PAUSE_S = (0.001, 0.003)
REPLACE_PAUSE_S = (0.002, 0.010)
LONG_NS = 200_000  # calls at least this long are reported one by one
STOP_TIMEOUT_S = 20
SAMPLES = 5


def blocks_of(file, version):
    few = 4 + (file * 3 + version * 5) % VERSIONS_SEEN
    return few + 48 if file % LARGE_EVERY == 0 else few


def block_bytes(file, version, block):
    at = (file * 17 + version * 131 + block * 31) % (2 * BLOCK)
    return HEADER.pack(MAGIC, file, version, block) + PATTERN[at : at + BLOCK - HEADER.size]


def file_bytes(file, version):
    return b"".join(block_bytes(file, version, block) for block in range(blocks_of(file, version)))


def name_of(file):
    return f"file-{file:03d}"


def make(folder):
    os.makedirs(f"{folder}/files")
    os.makedirs(f"{folder}/staging")
    for file in range(FILES):
        with open(f"{folder}/files/{name_of(file)}", "wb") as out:
            out.write(file_bytes(file, 0))


class Reader:
    """One process. Subclasses say what one turn does; every call is made through `timed`."""

    def __init__(self, folder, mounted):
        self.files = f"{folder}/files"
        self.direct = os.O_DIRECT if mounted else 0
        self.mounted = mounted
        self.random = random.Random(f"{type(self).__name__}{mounted}")
        self.buffer = mmap.mmap(-1, 256 * 1024)  # page-aligned, as O_DIRECT wants it
        self.view = memoryview(self.buffer)
        self.durations_us = array.array("I")
        self.long = []
        self.errors = 0
        self.error_samples = []
        self.wrong_bytes = 0
        self.wrong_samples = []

    def timed(self, call, *args):
        start = time.monotonic_ns()
        try:
            return call(*args)
        finally:
            end = time.monotonic_ns()
            self.durations_us.append((end - start) // 1000)
            if end - start >= LONG_NS:
                self.long.append((start, end))

    def error(self, err):
        self.errors += 1
        if len(self.error_samples) < SAMPLES:
            self.error_samples.append(f"{type(self).__name__}: {err}")

    def wrong(self, count, what):
        self.wrong_bytes += count
        if len(self.wrong_samples) < SAMPLES:
            self.wrong_samples.append(f"{type(self).__name__}: {what}")

    def check(self, got, file, version, first_block):
        """`got` are whole blocks of the version."""
        for at in range(0, len(got), BLOCK):
            chunk = bytes(got[at : at + BLOCK])
            wanted = block_bytes(file, version, first_block + at // BLOCK)
            if chunk != wanted:
                count = sum(a != b for a, b in zip(chunk, wanted)) + abs(len(chunk) - len(wanted))
                head = HEADER.unpack(chunk[: HEADER.size]) if len(chunk) >= HEADER.size else chunk
                self.wrong(count, f"file {file} version {version} block {first_block + at // BLOCK} holds {head}")

    def version_at(self, got, file):
        """Which version the first block says it is; None when it is no block of this file."""
        if len(got) >= HEADER.size:
            magic, said, version, block = HEADER.unpack(got[: HEADER.size])
            if magic == MAGIC and said == file and block == 0:
                return version
        self.wrong(max(1, len(got)), f"file {file} begins with {bytes(got[:16])!r}")
        return None

    def run(self, is_stopped, on_first):
        self.prepare()
        first = True
        while not is_stopped():
            try:
                self.turn()
            except OSError as err:
                self.error(err)
            if first:
                on_first()
                first = False
            time.sleep(self.random.uniform(*PAUSE_S))

    def prepare(self):
        pass

    def result(self):
        slowest = sorted(self.durations_us, reverse=True)
        return {
            "reader": type(self).__name__,
            "calls": len(slowest),
            "slowestUs": slowest[: len(slowest) // 10 + 1],
            "long": self.long,
            "errors": self.errors,
            "errorSamples": self.error_samples,
            "wrongBytes": self.wrong_bytes,
            "wrongSamples": self.wrong_samples,
        }


class ByPath(Reader):
    """Opens a file by its path, reads all of it in two or more reads, closes it."""

    STEP = 32 * 1024

    def turn(self):
        file = self.random.randrange(FILES)
        fd = self.timed(os.open, f"{self.files}/{name_of(file)}", os.O_RDONLY | self.direct)
        try:
            version, offset, got = None, 0, 1
            while got > 0:
                got = self.timed(os.preadv, fd, [self.view[: self.STEP]], offset)
                if offset == 0:
                    version = self.version_at(self.view[:got], file)
                    if version is None:
                        return
                self.check(self.view[:got], file, version, offset // BLOCK)
                offset += got
                if offset == self.STEP:
                    time.sleep(0.0005)  # room for the file to be replaced between two reads
            if offset != blocks_of(file, version) * BLOCK:
                self.wrong(abs(offset - blocks_of(file, version) * BLOCK), f"file {file} version {version} ends at {offset}")
        finally:
            self.timed(os.close, fd)


class OldDescriptors(Reader):
    """Reads anywhere in files that were opened once, at the start."""

    def prepare(self):
        self.open = []
        for file in range(FILES):
            fd = os.open(f"{self.files}/{name_of(file)}", os.O_RDONLY | self.direct)
            got = os.preadv(fd, [self.view[:BLOCK]], 0)
            version = self.version_at(self.view[:got], file)
            if version is not None:
                self.open.append((fd, file, version))

    def turn(self):
        fd, file, version = self.random.choice(self.open)
        count = self.random.choice((1, 1, 2, 4))
        block = self.random.randrange(blocks_of(file, version) - count + 1)
        got = self.timed(os.preadv, fd, [self.view[: count * BLOCK]], block * BLOCK)
        if got != count * BLOCK:
            self.wrong(count * BLOCK - got, f"file {file} gave {got} bytes of {count * BLOCK}")
        self.check(self.view[:got], file, version, block)


class Listing(Reader):
    """Lists the folder; every name, and nothing else, is there."""

    NAMES = {name_of(file) for file in range(FILES)}

    def turn(self):
        names = self.timed(os.listdir, self.files)
        if len(names) != FILES or set(names) != self.NAMES:
            self.wrong(1, f"the list has {len(names)} names, differing by {sorted(set(names) ^ self.NAMES)[:3]}")


class Stat(Reader):
    """Asks for a file's attributes."""

    def turn(self):
        file = self.random.randrange(FILES)
        found = self.timed(os.stat, f"{self.files}/{name_of(file)}")
        sizes = {blocks_of(file, version) * BLOCK for version in range(VERSIONS_SEEN if REPLACING else 1)}
        if found.st_size not in sizes or not stat.S_ISREG(found.st_mode):
            self.wrong(1, f"file {file} has size {found.st_size}, mode {found.st_mode:o}")


class Mapped(Reader):
    """Touches memory mapped from files that were opened once, at the start."""

    def prepare(self):
        self.maps = []
        for file in range(0, FILES, 3):
            fd = os.open(f"{self.files}/{name_of(file)}", os.O_RDONLY)
            mapped = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
            version = self.version_at(mapped[:BLOCK], file)
            if version is not None:
                self.maps.append((fd, mapped, file, version))

    def turn(self):
        fd, mapped, file, version = self.random.choice(self.maps)
        if self.mounted:
            mapped.madvise(mmap.MADV_DONTNEED)  # out of this process, then out of the kernel's cache
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        block = self.random.randrange(blocks_of(file, version))
        got = self.timed(mapped.__getitem__, slice(block * BLOCK, (block + 1) * BLOCK))
        self.check(got, file, version, block)


class Replacer(Reader):
    """Renames new versions over the files of the source."""

    def __init__(self, source):
        super().__init__(source, False)
        self.staging = f"{source}/staging"
        self.version = [0] * FILES

    def prepare(self):
        for file in range(FILES):
            with open(f"{self.files}/{name_of(file)}", "rb") as known:
                self.version[file] = HEADER.unpack(known.read(HEADER.size))[2]

    def turn(self):
        file = self.random.randrange(FILES)
        self.version[file] += 1
        staged = f"{self.staging}/{name_of(file)}"
        with open(staged, "wb") as out:
            out.write(file_bytes(file, self.version[file]))
        os.rename(staged, f"{self.files}/{name_of(file)}")
        self.durations_us.append(0)
        time.sleep(self.random.uniform(*REPLACE_PAUSE_S))


REPLACING = False
READERS = (ByPath, OldDescriptors, Listing, Stat, Mapped)


def start(make_reader, shared, index):
    """Forks a reader. Returns its pid and the pipe its result comes through."""
    from_child, to_parent = os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(to_parent)
        return pid, from_child
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        reader = make_reader()
        reader.run(lambda: shared[0] != 0, lambda: shared.__setitem__(index + 1, 1))
        with os.fdopen(to_parent, "w") as out:
            json.dump(reader.result(), out)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def read(folder, mounted, source):
    makers = [lambda kind=kind: kind(folder, mounted) for kind in READERS]
    if source is not None:
        makers.append(lambda: Replacer(source))
    shared = mmap.mmap(-1, BLOCK)  # byte 0: stop; byte n: reader n has read
    children = [start(make_reader, shared, index) for index, make_reader in enumerate(makers)]
    try:
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while not all(shared[index + 1] for index in range(len(makers))):
            if time.monotonic() > deadline:
                sys.exit("readers: Cannot start: not every reader could make its first read")
            time.sleep(0.01)
        print("ready", flush=True)
        sys.stdin.readline()
        shared[0] = 1
        print(json.dumps(collect(children)), flush=True)
    finally:
        for pid, _pipe in children:
            os.kill(pid, signal.SIGKILL)


def collect(children):
    """What the readers found. A reader that cannot stop is hung; one that died counts as an error."""
    waiting = selectors.DefaultSelector()
    texts = {}
    for pid, pipe in children:
        texts[pid] = b""
        waiting.register(pipe, selectors.EVENT_READ, pid)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while waiting.get_map() and time.monotonic() < deadline:
        for key, _events in waiting.select(0.1):
            got = os.read(key.fd, 1 << 20)
            texts[key.data] += got
            if not got:
                waiting.unregister(key.fd)
    hung = len(waiting.get_map())
    results = [json.loads(text) for text in texts.values() if text.endswith(b"}")]
    died = len(children) - hung - len(results)
    return {"hung": hung, "died": died, "readers": results}


def main(args):
    global REPLACING
    if len(args) >= 2 and args[0] == "make":
        make(args[1])
    elif len(args) >= 2 and args[0] == "read":
        source = args[args.index("--replace") + 1] if "--replace" in args else None
        REPLACING = source is not None
        read(args[1], "--mounted" in args, source)
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
