//! The window of Arkose: profiles, what each allows, and launching them.
//!
//! It draws what [`arkose_profile`] knows and spawns `arkose launch`; it builds no sandbox and
//! holds no privilege. What it knows about a profile being edited is in [`model`], without GTK.

#![allow(
    unreachable_pub,
    reason = "glib::Properties makes its accessors public, however private the object is"
)]

mod accessible;
mod application;
mod broken_page;
mod config;
mod failure;
mod i18n;
mod icon;
mod launch_window;
mod library;
pub mod model;
mod new_profile;
mod option_row;
mod pair;
mod profile_item;
mod profile_list;
mod profile_page;
mod sandbox;
mod summary;
mod window;

use gtk::glib::ExitCode;
use gtk::prelude::*;

/// Starts the application and returns when its last window and its last app are gone.
#[must_use]
pub fn run() -> ExitCode {
    i18n::init();
    gtk::glib::set_application_name("Arkose");
    application::Application::default().run()
}
