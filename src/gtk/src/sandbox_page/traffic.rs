//! The network of a sandbox that has rules: how much goes where, and the way to its rules.
//!
//! It is asked for each second while the page is on the screen, and never else.

use super::{SandboxPage, chart};
use crate::i18n::{ngettext, say, tr};
use crate::model::traffic::{self, NoAnswer, Shown, Traffic};
use crate::rules_window::RulesWindow;
use crate::verbatim;
use crate::window::Window;
use adw::prelude::*;
use arkose_profile::i18n::N_;
use arkose_session::running::Sum;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib};
use std::time::Instant;

/// A row, and what it shows.
#[derive(Debug)]
pub(super) struct Row {
    shown: Option<Shown>,
    row: verbatim::Row,
    sent: gtk::Label,
    received: gtk::Label,
}

impl Row {
    fn new(title: &str, before: Option<&gtk::DrawingArea>) -> Self {
        let row = verbatim::Row::new(title);
        if let Some(before) = before {
            row.add_prefix(before);
        }
        let number =
            || gtk::Label::builder().xalign(1.0).css_classes(["numeric", "caption"]).build();
        let (sent, received) = (number(), number());
        let numbers = gtk::Box::new(gtk::Orientation::Vertical, 2);
        numbers.set_valign(gtk::Align::Center);
        numbers.append(&sent);
        numbers.append(&received);
        row.add_suffix(&numbers);
        Self { shown: None, row, sent, received }
    }

    fn show(&self, sum: Sum, words: &[String]) {
        let (sent, received) = (glib::format_size(sum.sent), glib::format_size(sum.received));
        self.sent.set_label(&say(N_("{size} sent"), &[("size", &sent)]));
        self.received.set_label(&say(N_("{size} received"), &[("size", &received)]));
        let count = sum.connections.and_then(|count| usize::try_from(count).ok());
        let connections =
            count.map(|count| ngettext("{count} connection", "{count} connections", count));
        let words: Vec<String> = words.iter().cloned().chain(connections).collect();
        self.row.explain(&words.join(" · "));
    }
}

impl SandboxPage {
    pub(super) fn set_up_traffic(&self) {
        let imp = self.imp();
        let page = self.downgrade();
        imp.chart.set_draw_func(move |area, context, _, _| {
            let Some(page) = page.upgrade() else { return };
            let history = page.imp().history.borrow();
            let seconds: Vec<_> = history.seconds().collect();
            chart::draw(area, context, &seconds, history.most());
        });
        let family = |name: &str, is_ipv6| {
            let row = Row::new(name, Some(&chart::swatch(is_ipv6)));
            imp.families.append(&row.row.row);
            row
        };
        // They are set once, here.
        let _ = imp.totals.set([family("IPv6", true), family("IPv4", false)]);
        verbatim::wrap(&imp.minute, gtk::pango::WrapMode::WordChar);
        imp.rules.connect_clicked(glib::clone!(
            #[weak(rename_to = page)]
            self,
            move |_| page.open_rules()
        ));
        self.forget_traffic();
    }

    /// Nothing is known of another sandbox yet.
    pub(super) fn forget_traffic(&self) {
        let imp = self.imp();
        imp.network.set_visible(false);
        imp.history.take();
        for row in imp.destination_rows.take() {
            imp.destinations.remove(&row.row.row);
        }
        imp.counted.set(true);
    }

    /// Asks what went where.
    pub(super) fn look_at_traffic(&self) {
        let imp = self.imp();
        // What is not counted now is not later.
        let Some(id) = self.id().filter(|_| imp.counted.get() && !imp.asking.get()) else { return };
        imp.asking.set(true);
        let page = self.downgrade();
        glib::spawn_future_local(async move {
            let asked = id.clone();
            let told = gio::spawn_blocking(move || traffic::read(&asked)).await;
            let Some(page) = page.upgrade() else { return };
            page.imp().asking.set(false);
            match told {
                _ if page.id() != Some(id) => {}
                Ok(Ok(told)) => page.show_traffic(&told),
                Ok(Err(NoAnswer::NotFiltered)) => page.imp().counted.set(false),
                Ok(Err(NoAnswer::NotCounted)) => page.show_uncounted(),
                _ => {}
            }
        });
    }

    /// It has rules, and nobody knows what goes where.
    fn show_uncounted(&self) {
        let imp = self.imp();
        imp.counted.set(false);
        imp.families.set_visible(false);
        imp.no_destinations.set_label(&tr(N_("What the app sends is not counted here.")));
        imp.network.set_visible(true);
    }

    fn show_traffic(&self, told: &Traffic) {
        let imp = self.imp();
        imp.history.borrow_mut().push(told.families, Instant::now());
        imp.chart.queue_draw();
        let [six, four] = imp.history.borrow().total();
        let words = if six == 0 && four == 0 {
            tr(N_("Nothing was sent or received in the last minute."))
        } else {
            let [six, four] = [six, four].map(glib::format_size);
            say(
                N_("In the last minute: {six} over IPv6, {four} over IPv4"),
                &[("six", &six), ("four", &four)],
            )
        };
        imp.minute.set_label(&words);
        for (row, sum) in
            imp.totals.get().into_iter().flatten().zip([told.families.ipv6, told.families.ipv4])
        {
            row.show(sum, &[]);
        }
        self.show_destinations(told);
        imp.families.set_visible(true);
        imp.network.set_visible(true);
    }

    /// Rows stay where they are; what is new comes last.
    fn show_destinations(&self, told: &Traffic) {
        let imp = self.imp();
        let all: Vec<Shown> = told.destinations.iter().map(Shown::of).collect();
        let mut rows = imp.destination_rows.borrow_mut();
        let is_told =
            |row: &Row| row.shown.as_ref().is_some_and(|shown| all.iter().any(|one| one.is(shown)));
        rows.retain(|row| {
            let told = is_told(row);
            if !told {
                imp.destinations.remove(&row.row.row);
            }
            told
        });
        for shown in all {
            let is_it = |row: &Row| row.shown.as_ref().is_some_and(|one| one.is(&shown));
            let at = rows.iter().position(is_it).unwrap_or_else(|| {
                let row = Row::new(&shown.name, None);
                imp.destinations.append(&row.row.row);
                rows.push(row);
                rows.len() - 1
            });
            let Some(row) = rows.get_mut(at) else { continue };
            let families = shown.families.join(", ");
            row.show(shown.sum, &[shown.port.clone(), families]);
            row.shown = Some(shown);
        }
        imp.no_destinations.set_label(&tr(N_("The app has sent nothing yet.")));
        imp.more.set_visible(told.more > 0);
        let more = usize::try_from(told.more).unwrap_or(usize::MAX);
        imp.more.set_label(&ngettext(
            "{count} other destination is not shown.",
            "{count} other destinations are not shown.",
            more,
        ));
    }

    fn open_rules(&self) {
        let seen = self.imp().seen.borrow().clone();
        if let (Some(window), Some(seen)) = (self.root().and_downcast::<Window>(), seen) {
            RulesWindow::open(&window, &seen);
        }
    }
}
