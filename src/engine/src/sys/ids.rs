//! The ids with which files are opened.

use rustix::process::{Gid, Uid};

/// While it lives, files are opened, made and removed as that user; dropped, as before.
///
/// Changing the fsuid from root's takes the file capabilities away as well, so that what is
/// done meanwhile is exactly what that user may do.
#[must_use = "the ids are changed back at once when this is dropped"]
pub(crate) struct FsIds {
    uid: u32,
    gid: u32,
}

/// Opens files as that user until the result is dropped.
pub(crate) fn fs_ids(uid: Uid, gid: Gid) -> FsIds {
    // The group first: without CAP_SETGID afterwards nothing would be lost, but without the right
    // group for a moment the user's uid would be used with root's.
    let gid = set_fsgid(gid.as_raw());
    let uid = set_fsuid(uid.as_raw());
    FsIds { uid, gid }
}

impl FsIds {
    /// Whether the kernel did as it was told; it does not say so when it does not.
    pub(crate) fn are(&self, uid: Uid, gid: Gid) -> bool {
        set_fsuid(u32::MAX) == uid.as_raw() && set_fsgid(u32::MAX) == gid.as_raw()
    }
}

impl Drop for FsIds {
    fn drop(&mut self) {
        set_fsuid(self.uid);
        set_fsgid(self.gid);
    }
}

/// Returns the previous one; with an invalid id, only tells the present one.
fn set_fsuid(uid: u32) -> u32 {
    // SAFETY: takes and returns integers.
    unsafe { libc::setfsuid(uid) }.cast_unsigned()
}

fn set_fsgid(gid: u32) -> u32 {
    // SAFETY: takes and returns integers.
    unsafe { libc::setfsgid(gid) }.cast_unsigned()
}
