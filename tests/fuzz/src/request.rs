//! What comes over the helper's sockets: packets, the memory file of a request, and messages.

use super::context;
use arkose_profile::{Layer, Origin, Profile};
use arkose_protocol::{
    Channel, Control, Event, ProtocolError, Received, Request, Steer, Steered, VERSION, decode,
    encode,
};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::write;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::{Serialize, de::DeserializeOwned};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};

/// Tries one: the first byte says as what.
pub fn try_one(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 8 {
        0 => a_request(bytes),
        1 => the_same::<Event>(bytes),
        2 => the_same::<Control>(bytes),
        3 => a_packet(bytes),
        4 => a_packet_with_a_request(bytes),
        5 => a_request(&damaged(bytes)),
        6 => the_same::<Steer>(bytes),
        _ => the_same::<Steered>(bytes),
    }
}

/// A whole request, with bytes of it replaced: two say which, one by what.
fn damaged(edits: &[u8]) -> Vec<u8> {
    let text = "devices = [\"video\", \"/dev/x\"]\nenvironment = [\"A=b\"]\n[files]\nbind = [\"/a\", \"~/b\"]";
    let layer = Layer::parse(text, Origin::Launch).expect("a valid profile");
    let policy = Profile::new("ann", vec![layer]).policy(&context()).expect("a valid policy");
    let mut bytes = super::plan::request(policy).encode().expect("a small request");
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] = edit[2];
    }
    bytes
}

fn a_request(bytes: &[u8]) {
    let Ok(request) = Request::decode(bytes) else { return };
    assert_eq!(request.version, VERSION);
    let written = request.encode().expect("what was read can be written");
    assert_eq!(Request::decode(&written).expect("what was written can be read"), request);
}

fn the_same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(message) = decode::<T>(bytes) else { return };
    let written = encode(&message).expect("what was read can be written");
    assert_eq!(decode::<T>(&written).expect("what was written can be read"), message);
}

/// Any bytes, and up to seven descriptors, to whoever waits for a message.
fn a_packet(bytes: &[u8]) {
    let Some((fds, bytes)) = bytes.split_first() else { return };
    let (ours, theirs) = Channel::pair().expect("sockets");
    let file = memory_file(bytes, SealFlags::empty());
    send(&theirs, bytes, &file, usize::from(fds % 8));
    drop(theirs);
    match ours.receive::<Event>() {
        Ok(Received::Message(event, _)) => assert_eq!(decode::<Event>(bytes).ok(), Some(event)),
        // An empty packet looks like the end.
        Ok(Received::Closed) => assert!(bytes.is_empty()),
        Ok(Received::Nothing) => panic!("nothing came of what was sent"),
        Err(ProtocolError::Io(error)) => panic!("{error}"),
        Err(_) => {}
    }
}

/// A version, a number of descriptors, seals, and any bytes in the memory file.
fn a_packet_with_a_request(bytes: &[u8]) {
    let Some(([version, fds, seals], content)) = bytes.split_first_chunk::<3>() else { return };
    let all = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW;
    let seals = SealFlags::from_bits_truncate(u32::from(*seals)) & (all | SealFlags::SEAL);
    let (ours, theirs) = Channel::pair().expect("sockets");
    let file = memory_file(content, seals);
    let count = usize::from(fds % 8);
    send(&theirs, &u32::from(*version).to_le_bytes(), &file, count);
    drop(theirs);
    if let Ok((request, ..)) = ours.receive_request() {
        let whole =
            u32::from(*version) == VERSION && (4..=5).contains(&count) && seals.contains(all);
        assert!(whole, "version {version}, {count} descriptors, seals {seals:?}");
        assert_eq!(Request::decode(content).ok(), Some(request));
    }
}

fn memory_file(content: &[u8], seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("fuzz", flags).expect("a memory file");
    let _ = write(&file, content).expect("there is memory");
    fcntl_add_seals(&file, seals).expect("it can be sealed");
    file
}

fn send(socket: &Channel, bytes: &[u8], file: &OwnedFd, count: usize) {
    let fds = [file.as_fd(); 8];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = fds.get(..count).filter(|fds| !fds.is_empty());
    if let Some(fds) = fds {
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(fds)));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)
        .expect("the packet fits");
}
