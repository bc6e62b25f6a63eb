//! The windows of Arkose: profiles, what each allows, and launching them; and, apart from that, the
//! [prompter](prompt), in which a running app's supervisor asks.
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
mod header;
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
mod prompt;
mod rules_window;
mod running_page;
mod sandbox;
mod sandbox_page;
mod summary;
mod ticker;
mod verbatim;
mod window;

use gtk::gdk;
use gtk::glib::ExitCode;
use gtk::prelude::*;

/// Starts the application and returns when its last window and its last app are gone; or the
/// prompter, which ends with its supervisor.
#[must_use]
pub fn run() -> ExitCode {
    i18n::init();
    gtk::glib::set_application_name("Arkose");
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "--prompt") && arguments.next().is_none() {
        return prompt::run();
    }
    application::Application::default().run()
}

/// Has Escape do what `action` does in windows of a class.
fn escape_does<C: gtk::subclass::widget::WidgetClassExt>(class: &mut C, action: &str) {
    class.add_binding_action(gdk::Key::Escape, gdk::ModifierType::empty(), action);
}

/// What every window of ours looks like.
fn set_up_display() {
    gtk::Window::set_default_icon_name(config::APP_ID);
    let style = gtk::CssProvider::new();
    style.load_from_data(include_str!("style.css"));
    if let Some(display) = gdk::Display::default() {
        gtk::style_context_add_provider_for_display(
            &display,
            &style,
            gtk::STYLE_PROVIDER_PRIORITY_APPLICATION,
        );
    }
}
