# Makes the system calls that it reads from its input, a line each: a word (the name), how it is made
# (native, or i386 by the old interrupt), its number and up to five arguments. Prints the name and
# the error's number, or 0 where there was none.
import ctypes, mmap, os, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

# int 0x80 enters the kernel as a 32-bit program does, from a program of any size:
# push rbx; push rbp; mov eax, edi; mov r8, rsi; mov ebx, [r8]; mov ecx, [r8+4]; mov edx, [r8+8];
# mov esi, [r8+12]; mov edi, [r8+16]; xor ebp, ebp; int 0x80; pop rbp; pop rbx; ret
CODE = bytes.fromhex(
    "5355" "89f8" "4989f0" "418b18" "418b4804" "418b5008" "418b700c" "418b7810" "31ed" "cd80" "5d5bc3")


def i386(number, arguments):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CODE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    call = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_uint32, ctypes.c_void_p)(address)
    values = (ctypes.c_uint32 * 5)(*(a & 0xFFFFFFFF for a in (arguments + [0] * 5)[:5]))
    returned = call(number, ctypes.addressof(values))
    return -returned if -4096 < returned < 0 else 0


def native(number, arguments):
    ctypes.set_errno(0)
    returned = libc.syscall(ctypes.c_long(number), *(ctypes.c_ulong(a) for a in arguments))
    return ctypes.get_errno() if returned == -1 else 0


for line in sys.stdin:
    name, how, number, *arguments = line.split()
    number, arguments = int(number, 0), [int(a, 0) for a in arguments]
    read, write = os.pipe()
    # In a process of its own: a call that is not refused may do anything to it.
    child = os.fork()
    if child == 0:
        error = (i386 if how == "i386" else native)(number, arguments)
        os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    error = os.read(read, 16).decode()
    os.close(read)
    _, status = os.waitpid(child, 0)
    print(name, error or f"ended by {status}", flush=True)
