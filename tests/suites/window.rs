//! The window, used as a person does: opened on a profile, a switch turned, the app launched,
//! seen and stopped. The steps are in `tests/window/drive.py`.

use arkose_tests::arkose::busy;
use arkose_tests::machine::machine;
use arkose_tests::{Scratch, both_ways};
use std::path::PathBuf;

fn directory(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is set by ./dev test")).into()
}

both_ways! {
    fn a_profile_is_changed_launched_and_stopped_from_the_window(via) {
        let _busy = busy();
        let pictures = Scratch::home();
        let mut command = machine().as_user(directory("ARKOSE_ENV_DIR").join("display.sh"));
        command.arg(directory("ARKOSE_WINDOW_DIR").join("drive.py")).arg("--output").arg(pictures.path());
        command.args(["--via", via.word(), "xeyes"]);
        command.env("XDG_DATA_DIRS", format!("{}:/usr/local/share:/usr/share", directory("ARKOSE_DATA_DIR").display()));
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let messages = std::fs::read_to_string(pictures.join("messages.txt")).unwrap_or_default();
        assert!(output.status.success(), "{told}\n--- messages of the window\n{messages}");
        assert!(!messages.contains("CRITICAL"), "{messages}");
    }
}
