//! The table of mounts, whose paths anybody who may mount chooses.

use arkose_engine::host::{Mount, parse_mountinfo};
use std::os::unix::ffi::OsStrExt as _;

/// Tries one table.
pub fn try_one(bytes: &[u8]) {
    let mounts = parse_mountinfo(bytes);
    assert!(mounts.len() <= bytes.split(|byte| *byte == b'\n').count());
    let written: Vec<u8> = mounts.iter().flat_map(line).collect();
    assert_eq!(parse_mountinfo(&written), mounts);
}

/// As the kernel writes it.
fn line(mount: &Mount) -> Vec<u8> {
    let mut line = format!("36 35 {} ", mount.device).into_bytes();
    escaped(mount.root.as_os_str().as_bytes(), &mut line);
    line.push(b' ');
    escaped(mount.point.as_path().as_os_str().as_bytes(), &mut line);
    line.extend(b" rw master:1 - ");
    line.extend(mount.kind.bytes());
    line.extend(b" none rw\n");
    line
}

/// `mangle` of `fs/seq_file.c`.
fn escaped(path: &[u8], line: &mut Vec<u8>) {
    for byte in path {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' | b'#' => line.extend(format!("\\{byte:03o}").bytes()),
            byte => line.push(*byte),
        }
    }
}
