//! Why a kernel gives no namespaces, and the switch that says so.

use crate::error::Error;
use crate::plan::Way;
use rustix::io::Errno;

/// Why the kernel gave no namespaces, or none of use, and the switch that says so.
pub(crate) fn refused(errno: Errno, way: Way) -> Error {
    let error = |message: &str| Error::new(message).because(errno).needs_root();
    if way == Way::Helper {
        return Error::new("this machine does not allow namespaces, not even to root")
            .because(errno);
    }
    let reads = |path: &str, value: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
    };
    if reads("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return error("user namespaces are switched off on this machine")
            .remedy("sysctl kernel.unprivileged_userns_clone=1");
    }
    if reads("/proc/sys/user/max_user_namespaces", "0") {
        return error("this machine allows no user namespaces")
            .remedy("sysctl user.max_user_namespaces=10000");
    }
    if reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return error("AppArmor does not let programs of users make user namespaces")
            .remedy("sysctl kernel.apparmor_restrict_unprivileged_userns=0");
    }
    match errno {
        Errno::NOSPC | Errno::USERS => error("there are too many user namespaces already")
            .remedy("sysctl user.max_user_namespaces=10000"),
        _ => {
            error("this machine does not allow user namespaces").remedy("arkose run --via helper …")
        }
    }
}
