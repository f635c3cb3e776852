"""Restores the present of an archive from a directory remote, by docs/remote-format.md alone.

python3 without-hkfs.py REMOTE ARCHIVE-ID TARGET
"""
import base64, hashlib, os, shutil, subprocess, sys

remote, archive, target = sys.argv[1:4]
home = os.path.join(remote, "archives", archive)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def item(data, at):
    """One CBOR item and the position after it."""
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True, 22: None}[info], at
    count = info
    if info >= 24:
        size = 1 << (info - 24)
        count = int.from_bytes(data[at : at + size], "big")
        at += size
    if major == 0:
        return count, at
    if major == 1:
        return -1 - count, at
    if major in (2, 3):
        text = data[at : at + count]
        return (text if major == 2 else text.decode()), at + count
    values = []
    for _ in range(count * (2 if major == 5 else 1)):
        value, at = item(data, at)
        values.append(value)
    return values, at


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves):
    """RFC 6962: perfect subtrees, one for each 1 in the number of leaves."""
    stack = []
    for number, leaf in enumerate(leaves):
        node = sha(b"\0", leaf)
        while number % 2 == 1:
            node = sha(b"\1", stack.pop(), node)
            number //= 2
        stack.append(node)
    node = stack.pop()
    while stack:
        node = sha(b"\1", stack.pop(), node)
    return node


# The newest checkpoint says how much of the log there is, and its root.
newest = sorted(os.listdir(f"{home}/checkpoint"))[-1]
origin, size, root = read(f"{home}/checkpoint/{newest}").decode().split("\n")[:3]
assert origin == f"hkfs/{archive}" and int(size) == int(newest)

events = []
for name in sorted(name for name in os.listdir(f"{home}/log") if "-" in name):
    data, at = read(f"{home}/log/{name}"), 0
    while at < len(data):
        (record, stored, digest), at = item(data, at)
        assert hashlib.sha256(record).digest() == digest
        first = item(record, 0)[0][1]
        for number, event in enumerate(stored):
            if first + number == len(events) < int(size):
                events.append(event)
assert len(events) == int(size), "a log segment is missing"
assert root_of(events) == base64.b64decode(root), "the log has not the root that was signed"

# What stands at each place (directory id, name), with all that stood there before.
places = {}


def put(position, parent, name, entry):
    places.setdefault((parent, name), []).append((position, entry))


def entry_at(parent, name, position):
    past = [entry for at, entry in places.get((parent, name), []) if at <= position]
    return past[-1] if past else None


for position, stored in enumerate(events):
    _, kind, *fields = item(stored, 0)[0]
    if kind == "directory.added":
        put(position, fields[0], fields[1], ("directory", position))
    elif kind == "file.ingested":
        put(position, fields[0], fields[1], ("file", fields[2], fields[4]))
    elif kind == "symlink.added":
        put(position, fields[0], fields[1], ("symlink", fields[2]))
    elif kind == "special.added":
        put(position, fields[0], fields[1], ("special",))
    elif kind == "path.renamed":
        entry = entry_at(fields[0], fields[1], position)
        put(position, fields[0], fields[1], None)
        put(position, fields[2], fields[3], entry)
    elif kind == "path.removed":
        put(position, fields[0], fields[1], None)
    elif kind == "path.restored":
        put(position, fields[0], fields[1], entry_at(fields[0], fields[1], fields[2]))


def copy(content, path):
    digits = content.hex()
    name = f"{remote}/objects/{digits[:2]}/{digits[2:]}"
    if os.path.exists(name):
        shutil.copyfile(name, path)
    else:
        with open(path, "wb") as file:
            subprocess.run(["zstd", "-dc", f"{name}.zst"], stdout=file, check=True)


def build(parent, path):
    os.makedirs(path, exist_ok=True)
    for (above, name), versions in places.items():
        entry = versions[-1][1]
        if above != parent or entry is None:
            continue
        where = os.path.join(path, name)
        if entry[0] == "directory":
            build(entry[1], where)
        elif entry[0] == "symlink":
            os.symlink(entry[1], where)
        elif entry[0] == "file":
            if entry[1] is None:
                open(where, "wb").close()
            else:
                copy(entry[1], where)
            times = entry[2][5]
            os.utime(where, ns=(times, times))


build(0, os.fsencode(target))
print(f"{len(events)} events")
