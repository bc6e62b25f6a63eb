# Mounts a file system of FUSE at PLACE that opens for UID and GID alone, and serves it until it is gone:
# a directory “given” with a file “file”.
import ctypes, os, stat, struct, sys

place, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
CONTENT = b"of one user alone\n"
ROOT, GIVEN, FILE = 1, 2, 3
NAMES = {(ROOT, b"given"): GIVEN, (GIVEN, b"file"): FILE}
MODES = {ROOT: stat.S_IFDIR | 0o755, GIVEN: stat.S_IFDIR | 0o755, FILE: stat.S_IFREG | 0o644}
LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 18, 25, 26
OPENDIR, READDIR, RELEASEDIR, BATCH_FORGET = 27, 28, 29, 42
ENOENT, ENOSYS = 2, 38

libc = ctypes.CDLL(None, use_errno=True)
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id={uid},group_id={gid}".encode()
NOSUID_NODEV = 6
if libc.mount(b"one-user", place.encode(), b"fuse", NOSUID_NODEV, options):
    sys.exit(os.strerror(ctypes.get_errno()))
if os.fork():
    os._exit(0)
os.setsid()
# Out of the mounts that it serves, which would never end with it: in a copy of them without that one.
NEW_MOUNTS, DETACH = 0x20000, 2
if libc.unshare(NEW_MOUNTS) or libc.umount2(place.encode(), DETACH):
    sys.exit(os.strerror(ctypes.get_errno()))
nothing = os.open("/dev/null", os.O_RDWR)
for fd in range(3):
    os.dup2(nothing, fd)


def attributes(node):
    size = len(CONTENT) if node == FILE else 0
    return struct.pack("<6Q10I", node, size, 0, 0, 0, 0, 0, 0, 0, MODES[node], 1, uid, gid, 0, 4096, 0)


def answer(code, node, body):
    if code == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 0, 0, 65536, 1, 0, 0, *[0] * 8)
    if code == LOOKUP:
        found = NAMES.get((node, body.rstrip(b"\0")))
        return -ENOENT if found is None else struct.pack("<4Q2I", found, 0, 0, 0, 0, 0) + attributes(found)
    if code == GETATTR:
        return struct.pack("<Q2I", 0, 0, 0) + attributes(node)
    if code in (OPEN, OPENDIR):
        return bytes(16)
    if code == READ:
        offset, size = struct.unpack_from("<QI", body, 8)
        return CONTENT[offset:offset + size]
    if code == READDIR:
        if struct.unpack_from("<Q", body, 8)[0]:
            return b""
        names = [(name, child) for (parent, name), child in NAMES.items() if parent == node]
        entries = b""
        for name, child in names:
            entry = struct.pack("<2Q2I", child, 1, len(name), MODES[child] >> 12) + name
            entries += entry + bytes(-len(entry) % 8)
        return entries
    return b"" if code in (RELEASE, RELEASEDIR, FLUSH) else -ENOSYS


while True:
    try:
        request = os.read(fuse, 1 << 17)
    except OSError:
        break
    _, code, number, node = struct.unpack_from("<2I2Q", request)
    if code in (FORGET, BATCH_FORGET):
        continue
    told = answer(code, node, request[40:])
    error, body = (told, b"") if isinstance(told, int) else (0, told)
    try:
        os.write(fuse, struct.pack("<IiQ", 16 + len(body), error, number) + body)
    except OSError:
        pass
