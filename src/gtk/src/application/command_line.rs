//! The command line: `arkose-gtk`, `arkose-gtk PROFILE`, `arkose-gtk --launch PROFILE [FILE…]`.

use super::Application;
use crate::config;
use crate::i18n::tr;
use crate::launch_window::LaunchWindow;
use arkose_profile::i18n::N_;
use gtk::prelude::*;
use gtk::{gio, glib};
use std::ffi::OsString;

impl Application {
    /// Makes the options known, also to `--help`.
    pub(super) fn add_options(&self) {
        let flag = |name, short: u8, description| {
            self.add_main_option(
                name,
                glib::Char::from(short),
                glib::OptionFlags::NONE,
                glib::OptionArg::None,
                &tr(description),
                None,
            );
        };
        flag("launch", b'l', N_("Ask before starting a profile, as a launcher does"));
        flag("version", b'V', N_("Show the version and exit"));
        self.set_option_context_parameter_string(Some(&tr(N_("[PROFILE [FILE…]]"))));
        self.set_option_context_summary(Some(&tr(N_(
            "Shows what each profile allows, and launches apps with just that.",
        ))));
        self.connect_handle_local_options(|_, options| {
            if options.contains("version") {
                println!("arkose-gtk {}", config::VERSION);
                return std::ops::ControlFlow::Break(glib::ExitCode::SUCCESS);
            }
            std::ops::ControlFlow::Continue(())
        });
    }

    /// Does what a command line asks for, in the process that holds the windows.
    pub(super) fn obey(&self, line: &gio::ApplicationCommandLine) -> glib::ExitCode {
        let mut arguments = line.arguments().into_iter().skip(1);
        let profile = arguments.next().map(|profile| resolve_profile(line, profile));
        let launch = line.options_dict().contains("launch");
        match profile {
            Some(profile) if launch => {
                let files = arguments.map(|file| resolve_file(line, &file)).collect();
                LaunchWindow::open(self, profile, files);
            }
            None if launch => {
                eprintln!("{}", tr(N_("Name the profile to launch: arkose-gtk --launch PROFILE")));
                return glib::ExitCode::from(2);
            }
            Some(profile) => {
                let window = self.main_window();
                window.open_profile(profile);
                window.present();
            }
            None => self.main_window().present(),
        }
        glib::ExitCode::SUCCESS
    }
}

/// A profile given as a path means a file seen from where the command was given.
fn resolve_profile(line: &gio::ApplicationCommandLine, profile: OsString) -> OsString {
    if profile.to_str().is_some_and(arkose_profile::is_id) {
        return profile;
    }
    resolve_file(line, &profile)
}

/// A file seen from where the command was given; what is no local file stays a URI.
fn resolve_file(line: &gio::ApplicationCommandLine, file: &OsString) -> OsString {
    let file = line.create_file_for_arg(file);
    file.path().map_or_else(|| file.uri().to_string().into(), Into::into)
}
