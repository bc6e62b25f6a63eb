# Tries what an app with light walls must not be able to, one attempt after the other, and prints the
# name of each that came of something. Its arguments: a directory of the host that it was not given, one
# that it may read, and the id of a process of the same user. The processes around it are tried as well.
import ctypes, errno, os, resource, signal, socket, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
secret, readable, outside = sys.argv[1], sys.argv[2], int(sys.argv[3])


def call(number, *arguments):
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def attempt(name, deed):
    try:
        result = deed()
    except (OSError, resource.error, ValueError):
        return
    print(name, "came of it:", repr(result)[:80], flush=True)


def read(path):
    with open(path, "rb") as file:
        return file.read(4096)


def parent_of(pid):
    return int(read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()[1])


def error_of(*arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno


def memory_of(pid):
    buffer = ctypes.create_string_buffer(8)
    here, there = struct.pack("PP", ctypes.addressof(buffer), 8), struct.pack("PP", 0x400000, 8)
    # With the right to it, an address that is not there is another error.
    if error_of(310, pid, here, 1, there, 1, 0) == errno.EPERM:
        raise OSError("refused")


def signal_by_descriptor(pid):
    a, b = socket.socketpair()
    call(72, a.fileno(), 8, pid)  # F_SETOWN
    call(72, a.fileno(), 10, signal.SIGKILL)  # F_SETSIG
    call(72, a.fileno(), 4, os.O_ASYNC)  # F_SETFL
    b.send(b"x")
    raise OSError("whether it arrived is seen from outside")


# What was not given: by its name, from a directory that it was started in, by a link of its own.
attempt("read a file", lambda: read(secret + "/file"))
attempt("list a directory", lambda: os.listdir(secret))
attempt("write a file", lambda: open(secret + "/file", "a"))
attempt("make a file", lambda: open(secret + "/made", "w"))
attempt("make a directory", lambda: os.mkdir(secret + "/made"))
attempt("make a nameless file", lambda: os.open(secret, os.O_TMPFILE | os.O_WRONLY))
attempt("remove a file", lambda: os.unlink(secret + "/file"))
attempt("rename a file", lambda: os.rename(secret + "/file", secret + "/other"))
attempt("take a file", lambda: os.rename(secret + "/file", os.environ["HOME"] + "/taken"))
attempt("link a file", lambda: os.link(secret + "/file", os.environ["HOME"] + "/linked"))
attempt("truncate a file", lambda: os.truncate(secret + "/file", 0))
attempt("read from where it is", lambda: read("file"))
if os.getcwd() != os.environ["HOME"]:
    print("it was started in", os.getcwd())
os.symlink(secret, os.environ["HOME"] + "/link")
attempt("read through a link", lambda: read(os.environ["HOME"] + "/link/file"))
attempt("read through /proc", lambda: read("/proc/self/cwd/file"))
attempt("read through the root of a process", lambda: read("/proc/self/root" + secret + "/file"))
attempt("read by a handle", lambda: call(304, -100, 0, 0))
attempt("extended attributes by name", lambda: os.getxattr(secret + "/file", "user.word"))
attempt("names of attributes", lambda: os.listxattr(secret + "/file"))
for place in ("/home", "/root", "/tmp", "/var/tmp", "/run", "/mnt", "/media", "/srv", "/", "/dev", "/dev/pts", "/dev/shm"):
    attempt("list " + place, lambda: os.listdir(place))
for place in ("/usr", "/etc", "/opt", "/tmp", "/var/tmp", "/dev/shm"):
    attempt("make a file in " + place, lambda: open(place + "/arkose-made", "w"))

# What it may read, and not change.
if read(readable + "/file") != b"words":
    print("the file that it may read cannot be read")
held = os.open(readable + "/file", os.O_RDONLY)
directory = os.open(readable, os.O_RDONLY)
attempt("write what it may read", lambda: open(readable + "/file", "a"))
attempt("change what it may read", lambda: os.truncate(readable + "/file", 0))
attempt("open it once more to write", lambda: os.open(f"/proc/self/fd/{held}", os.O_WRONLY))
attempt("make something there", lambda: open(readable + "/made", "w"))
attempt("remove it", lambda: os.unlink(readable + "/file"))
attempt("take it", lambda: os.rename(readable + "/file", os.environ["HOME"] + "/taken"))
attempt("link it", lambda: os.link(readable + "/file", os.environ["HOME"] + "/linked"))
attempt("chmod", lambda: os.chmod(readable + "/file", 0o777))
attempt("fchmod", lambda: os.fchmod(held, 0o777))
attempt("fchmodat2", lambda: call(452, -100, (readable + "/file").encode(), 0o777, 0))
attempt("chown", lambda: os.chown(readable + "/file", os.getuid(), os.getgid()))
attempt("fchown", lambda: os.fchown(held, os.getuid(), os.getgid()))
attempt("utime", lambda: os.utime(readable + "/file", (0, 0)))
attempt("futimens", lambda: os.utime(held, (0, 0)))
attempt("setxattr", lambda: os.setxattr(readable + "/file", "user.word", b"x"))
attempt("fsetxattr", lambda: os.setxattr(held, "user.word", b"x"))
flags = ctypes.c_long(0x40)  # FS_NODUMP_FL
attempt("FS_IOC_SETFLAGS", lambda: call(16, held, 0x40086602, ctypes.byref(flags)))
attempt("FS_IOC_FSSETXATTR", lambda: call(16, held, 0x401C5820, ctypes.create_string_buffer(28)))
attempt("high bits", lambda: call(16, held, 0x7F00000040086602, ctypes.byref(flags)))
for control in (0x5000940E, 0x40806685, 0x40047211, 0x4008F501):  # of btrfs, fs-verity, fat, f2fs
    if error_of(16, directory, control, ctypes.create_string_buffer(4096)) != errno.EPERM:
        print(f"the control {control:#x} reaches the file system")
attempt("a lease", lambda: call(72, held, 1024, 0))
attempt("a watch of a directory", lambda: call(72, directory, 1026, 2))
attempt("inotify", lambda: call(294, 0))
attempt("fanotify", lambda: call(300, 0x200, 0))

# Sockets. The listeners lie in the directory that it may read.
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    attempt(f"a local socket of kind {kind}", lambda: socket.socket(socket.AF_UNIX, kind))
attempt("a pair of datagrams", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
attempt("a raw pair", lambda: call(53, 1, 3, 0, ctypes.create_string_buffer(8)))
attempt("a datagram pair behind flags", lambda: call(53, 1, 2 | 0x80000, 0, ctypes.create_string_buffer(8)))
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    for state in ("connected", "left alone"):
        attempt(f"a pair that is {state} connected elsewhere", lambda: a.connect(readable + "/stream"))
        attempt(f"a pair that is {state} bound", lambda: (a.bind(os.environ["HOME"] + "/s"), a.listen()))
        attempt(f"a pair that is {state} disconnected", lambda: call(42, a.fileno(), struct.pack("H14x", 0), 16))
        if state == "left alone":
            attempt("a pair sends elsewhere", lambda: a.sendto(b"stray", readable + "/stream"))
        b.close()
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, 40):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        attempt(f"a socket of family {family}", lambda: socket.socket(family, kind))

# Processes: one of the same user, its supervisor, its first process.
first = os.getppid()
warden = parent_of(first)
for pid in (outside, first, warden, parent_of(warden)):
    for number in (0, signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT):
        attempt(f"signal {number} to {pid}", lambda: os.kill(pid, number))
    attempt("pidfd_send_signal", lambda: signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL))
    attempt("tgkill", lambda: call(234, pid, pid, 9))
    attempt("a queued signal", lambda: call(129, pid, 9, struct.pack("iii116x", 9, 0, -1)))
    attempt("a signal by a descriptor", lambda: signal_by_descriptor(pid))
    attempt("ptrace", lambda: call(101, 16, pid, 0, 0))
    attempt("ptrace seize", lambda: call(101, 0x4206, pid, 0, 0))
    for name in ("environ", "maps", "auxv", "pagemap", "stack", "syscall", "personality"):
        attempt(f"/proc/{pid}/{name}", lambda: read(f"/proc/{pid}/{name}"))
    attempt(f"/proc/{pid}/mem", lambda: os.open(f"/proc/{pid}/mem", os.O_RDWR))
    for name in ("cwd", "root", "exe"):
        attempt(f"/proc/{pid}/{name}", lambda: os.readlink(f"/proc/{pid}/{name}"))
    # Their numbers are seen; what they are is not.
    for fd in (0, 1, 2, 3):
        attempt(f"look at descriptor {fd} of {pid}", lambda: os.readlink(f"/proc/{pid}/fd/{fd}"))
        attempt(f"open descriptor {fd} of {pid}", lambda: os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY))
        attempt(f"position of descriptor {fd} of {pid}", lambda: read(f"/proc/{pid}/fdinfo/{fd}"))
    for name in ("map_files", "cwd/", "root/home"):
        attempt(f"/proc/{pid}/{name}", lambda: os.listdir(f"/proc/{pid}/{name}"))
    for name in ("oom_score_adj", "comm", "timerslack_ns", "coredump_filter", "sched", "autogroup"):
        attempt(f"write /proc/{pid}/{name}", lambda: open(f"/proc/{pid}/{name}", "w").write("1"))
    attempt("process_vm_readv", lambda: memory_of(pid))
    attempt("pidfd_getfd", lambda: call(438, os.pidfd_open(pid), 0, 0))
    attempt("kcmp", lambda: call(312, os.getpid(), pid, 2, 0, 0))
    attempt("prlimit", lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (16, 16)))
    attempt("prlimit to look", lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE))
    attempt("sched_setaffinity", lambda: os.sched_setaffinity(pid, {0}))
    attempt("sched_setscheduler", lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)))
    attempt("setpriority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
    attempt("ioprio_set", lambda: call(251, 1, pid, 3 << 13))
    attempt("move_pages", lambda: call(279, pid, 0, 0, 0, 0, 0))
    attempt("setns", lambda: call(308, os.pidfd_open(pid), 0x10000000))
attempt("setpriority of all of the user's", lambda: os.setpriority(os.PRIO_USER, 0, 19))
attempt("ioprio_set of all of the user's", lambda: call(251, 3, 0, 3 << 13))
attempt("setpriority of a group", lambda: os.setpriority(os.PRIO_PGRP, 0, 19))

# Memory, queues and semaphores that are found by a number or by a name of their own.
for number, arguments in {29: (0x41524B4F, 4096, 0o1600), 30: (0, 0, 0), 64: (0x41524B4F, 1, 0o1600), 68: (0x41524B4F, 0o1600),
                          240: (b"arkose", 0x42, 0o600, 0), 241: (b"arkose",)}.items():
    attempt(f"call {number}", lambda: call(number, *arguments))

# Devices, terminals, namespaces.
for node in ("/dev/ptmx", "/dev/pts/ptmx", "/dev/pts/0", "/dev/console", "/dev/kmsg", "/dev/fuse", "/dev/net/tun", "/dev/tty0"):
    attempt("open " + node, lambda: os.open(node, os.O_RDWR | os.O_NOCTTY))
attempt("make a node", lambda: os.mknod(os.environ["HOME"] + "/node", 0o20666, os.makedev(0, 0)))
attempt("make a node of the kernel's", lambda: os.mknod(os.environ["HOME"] + "/null", 0o20666, os.makedev(1, 3)))
attempt("a user namespace", lambda: call(272, 0x10000000))
attempt("mount", lambda: call(165, b"none", b"/tmp", b"tmpfs", 0, 0))
attempt("chroot", lambda: os.chroot(os.environ["HOME"]))
for path in ("/proc/sys/kernel/hostname", "/proc/self/oom_score_adj", "/proc/self/mem", "/sys/kernel/mm/ksm/run", "/proc/self/uid_map"):
    attempt("write " + path, lambda: os.open(path, os.O_WRONLY))

# What a process may do to itself stays possible.
for name, deed in {
    "its own priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, 1),
    "its own limits": lambda: resource.prlimit(0, resource.RLIMIT_NOFILE),
    "its own processors": lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)),
    "its own signals": lambda: os.kill(os.getpid(), 0),
    "its own pipe": lambda: os.pipe(),
    "its own file": lambda: open(os.environ["TMPDIR"] + "/file", "w").write("x"),
    "its own runtime directory": lambda: open(os.environ["XDG_RUNTIME_DIR"] + "/file", "w").write("x"),
    "a program": lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]) and 1 / 0,
    "a pair": lambda: [end.send(b"x") for end in socket.socketpair()],
    "null": lambda: open("/dev/null", "w").write("x"),
    "random": lambda: read("/dev/urandom"),
}.items():
    try:
        deed()
    except Exception as error:
        print(name, "is refused:", error)
print("end")
