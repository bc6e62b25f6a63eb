# Starts a command, as root, where nobody can make namespaces and no helper is installed.
import ctypes, os, sys

libc = ctypes.CDLL(None, use_errno=True)
(ready, tell), (go, let) = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    if libc.unshare(0x10000000 | 0x20000) != 0:  # CLONE_NEWUSER, CLONE_NEWNS
        sys.exit("no namespaces for root either")
    os.write(tell, b"x")
    os.read(go, 1)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if libc.mount(b"none", b"/usr/libexec", b"tmpfs", 0, None) != 0:
        sys.exit("nothing can be mounted")
    with open("/proc/sys/user/max_user_namespaces", "w") as most:
        most.write("0")
    os.execvp(sys.argv[1], sys.argv[1:])
os.close(tell)
os.read(ready, 1)
for ids in ("uid_map", "gid_map"):
    with open(f"/proc/{child}/{ids}", "w") as file:
        file.write("0 0 65536")
os.write(let, b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
