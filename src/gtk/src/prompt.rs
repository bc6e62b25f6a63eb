//! `arkose-gtk --prompt`: asks a person what a supervisor wants to know.
//!
//! It reads questions from descriptor 0 and writes the answers there (see
//! [`model::Line`](crate::model::Line)). It knows nothing but what it is told, reads no profile,
//! and is no part of the application, which another process may be. However it ends, what is open
//! then means no.

mod connection;
mod guard;
mod question_row;
mod window;

use crate::config;
use crate::i18n::tr;
use crate::model::Line;
use arkose_profile::i18n::N_;
use connection::{Broken, Connection};
use gtk::glib::{self, ExitCode};
use std::cell::RefCell;
use std::rc::Rc;
use window::PromptWindow;

/// The exit status of what Arkose could not do.
const FAILED: u8 = 125;

/// Asks until the supervisor closes its end.
pub(crate) fn run() -> ExitCode {
    // The application would say so: by this, a desktop knows whose window it is.
    glib::set_prgname(Some(config::APP_ID));
    if adw::init().is_err() {
        return fail(&tr(N_("There is no display to ask on.")));
    }
    crate::set_up_display();
    let main = glib::MainLoop::new(None, false);
    let broken: Rc<RefCell<Option<Broken>>> = Rc::default();
    let end = {
        let (main, broken) = (main.clone(), broken.clone());
        move |why| {
            broken.replace(why);
            main.quit();
        }
    };
    let break_off = end.clone();
    let connection = match Connection::of_descriptor_0(move |why| break_off(Some(why))) {
        Ok(connection) => connection,
        Err(why) => return told(&why),
    };
    let answering = connection.clone();
    let window = PromptWindow::new(move |number, decision, scope| {
        answering.answer(number, decision, scope);
    });
    glib::spawn_future_local(async move {
        let heard = |line| match line {
            Line::Ask(question) => window.ask(&question),
            Line::Withdrawn(number) => {
                window.withdraw(number);
                Ok(())
            }
        };
        end(connection.listen(heard).await.err());
    });
    main.run();
    match broken.take() {
        Some(why) => told(&why),
        None => ExitCode::SUCCESS,
    }
}

fn told(why: &Broken) -> ExitCode {
    match why {
        Broken::Malformed => {
            fail(&tr(N_("What came over descriptor 0 is no question; all is refused.")))
        }
        Broken::Socket(cause) => {
            let code = fail(&tr(N_("Descriptor 0 has to be a socket to a supervisor.")));
            eprintln!("  {cause}");
            code
        }
    }
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("arkose-gtk: {sentence}");
    ExitCode::from(FAILED)
}
