//! What the kernel tells of packets, each of which an app has made.

use arkose_engine::network::logged;

/// Tries what was received at once.
pub fn try_one(bytes: &[u8]) {
    for one in logged(bytes) {
        assert_eq!(one.address.is_ipv4(), one.source.is_ipv4());
        assert!(one.protocol.has_ports() || (one.port, one.source_port) == (0, 0));
    }
}
