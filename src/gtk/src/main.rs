//! The window of Arkose: everything is in the library, so that it can be tested.

fn main() -> gtk::glib::ExitCode {
    arkose_gtk::run()
}
