//! `arkose-helper`: builds sandboxes for the process at the other end of its standard input.
//!
//! pkexec starts it as root, and it serves the user whom the kernel names. It takes from its arguments only which polkit action was granted, and nothing from its
//! environment but the uid that pkexec puts there, which must be the kernel's.

#![forbid(unsafe_code)]

mod asked;

fn main() -> std::process::ExitCode {
    asked::main()
}
