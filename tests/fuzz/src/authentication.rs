//! What is said over D-Bus before messages: by an app, and by a bus.

use arkose_dbus_proxy::auth::{Greeting, Server, answered};

/// Tries one: the first byte says how it comes, the rest is what comes.
pub fn try_one(bytes: &[u8]) {
    let Some((pieces, said)) = bytes.split_first() else { return };
    let piece = usize::from(*pieces).max(1);
    // In pieces it means the same as at once, up to where it is refused.
    let (at_once, in_pieces) = (heard(said, said.len().max(1)), heard(said, piece));
    match (&at_once, &in_pieces) {
        (Some(one), Some(other)) => assert_eq!(one, other),
        (None, None) => {}
        _ => panic!("{at_once:?} at once, {in_pieces:?} in pieces"),
    }
    if let Ok(Some((greeting, length))) = answered(said) {
        assert!(length <= said.len());
        assert_eq!(answered(&said[..length]), Ok(Some((greeting, length))));
    }
}

/// What is answered, how much is taken, and whether messages follow with descriptors.
fn heard(said: &[u8], piece: usize) -> Option<(Vec<u8>, usize, bool, bool)> {
    let greeting = Greeting { guid: "0".repeat(32), fds: true };
    let (mut server, mut answer, mut taken) = (Server::new(greeting), Vec::new(), 0);
    let mut there = 0;
    while there < said.len() {
        there = (there + piece).min(said.len());
        taken += server.take(&said[taken..there], &mut answer).ok()?;
        assert!(taken <= there);
    }
    assert!(server.is_done() || !said[taken..].windows(2).any(|two| two == b"\r\n"));
    Some((answer, taken, server.is_done(), server.takes_fds()))
}
