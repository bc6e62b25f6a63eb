//! What the program says to a supervisor that makes no sense.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

#[test]
fn a_line_that_is_none_is_an_error_in_a_sentence() {
    for line in [
        "",
        "nonsense\n",
        "{}\n",
        "{\"descriptors\":[\"udp\"],\"rules\":{\"default\":\"deny\",\"list\":[]},\"generation\":1}\n",
    ] {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let program = Command::new(env!("CARGO_BIN_EXE_arkose-network"))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        ours.write_all(line.as_bytes()).unwrap();
        drop(ours);
        let output = program.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{line}");
        assert!(output.stderr.starts_with(b"arkose-network: "), "{line}");
    }
}
