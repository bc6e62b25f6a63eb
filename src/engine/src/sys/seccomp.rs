//! Loading a system-call filter.

use super::check;
use rustix::io::Errno;

/// One instruction of the kernel's classic BPF.
pub(crate) type Instruction = libc::sock_filter;

/// Confines this process and everything that it starts, for good. Needs `no_new_privs`.
pub(crate) fn load_filter(program: &[Instruction]) -> Result<(), Errno> {
    const SET_MODE_FILTER: libc::c_uint = 1;
    let args = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| Errno::INVAL)?,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel reads `len` instructions and writes none; both outlive the call.
    check(unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0u32, &raw const args) })?;
    Ok(())
}
