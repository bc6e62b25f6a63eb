//! A drop-down of a fixed set of values, each with its title and what it means.

use super::control::{Control, Position, Reporter};
use super::words::titled;
use crate::accessible::described;
use crate::i18n::tr;
use arkose_profile::Value;
use arkose_profile::options::{Choice as OptionChoice, Opt};
use gtk::glib;
use gtk::prelude::*;

struct Choice {
    drop_down: gtk::DropDown,
    choices: &'static [OptionChoice],
    reporter: Reporter,
}

pub(super) fn new(
    option: &'static Opt,
    choices: &'static [OptionChoice],
    reporter: Reporter,
) -> (Box<dyn Control>, Position) {
    let titles: Vec<_> = choices.iter().map(|choice| tr(choice.title)).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let drop_down: gtk::DropDown = described(&tr(option.title), &tr(option.summary));
    drop_down.set_model(Some(&gtk::StringList::new(&titles)));
    drop_down.set_valign(gtk::Align::Center);
    drop_down.set_list_factory(Some(&explained(&drop_down, choices)));
    let report = reporter.clone();
    drop_down.connect_selected_notify(move |drop_down| {
        let chosen = usize::try_from(drop_down.selected()).ok().and_then(|at| choices.get(at));
        if let Some(choice) = chosen {
            report.set(Value::Text(choice.value.to_owned()));
        }
    });
    let control = Choice { drop_down: drop_down.clone(), choices, reporter };
    (Box::new(control), Position::Suffix(drop_down.upcast()))
}

/// Draws the values of the open list: title, sentence, and a check at the selected one.
fn explained(
    drop_down: &gtk::DropDown,
    choices: &'static [OptionChoice],
) -> gtk::SignalListItemFactory {
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_bind(glib::clone!(
        #[weak]
        drop_down,
        move |_, item| {
            let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
            let choice = usize::try_from(item.position()).ok().and_then(|at| choices.get(at));
            let Some(choice) = choice else { return };
            let summary = gtk::Label::builder()
                .label(tr(choice.summary))
                .width_chars(24)
                .max_width_chars(34)
                .build();
            let words = titled(&tr(choice.title), &summary);
            let check = gtk::Image::from_icon_name("object-select-symbolic");
            check.set_opacity(if drop_down.selected() == item.position() { 1.0 } else { 0.0 });
            let line = gtk::Box::new(gtk::Orientation::Horizontal, 12);
            line.set_margin_top(3);
            line.set_margin_bottom(3);
            line.append(&words);
            line.append(&check);
            item.set_child(Some(&line));
            drop_down.connect_selected_notify(glib::clone!(
                #[weak]
                check,
                #[weak]
                item,
                move |drop_down| {
                    let chosen = drop_down.selected() == item.position();
                    check.set_opacity(if chosen { 1.0 } else { 0.0 });
                }
            ));
        }
    ));
    factory
}

impl Control for Choice {
    fn show(&self, value: &Value) {
        let at = self.choices.iter().position(|choice| choice.value == value.as_text());
        let at = at.and_then(|at| u32::try_from(at).ok()).unwrap_or(gtk::INVALID_LIST_POSITION);
        self.reporter.muted(|| self.drop_down.set_selected(at));
    }

    fn operate(&self) {
        self.drop_down.activate();
    }

    fn explanation(&self, value: &Value) -> Option<String> {
        let choice = self.choices.iter().find(|choice| choice.value == value.as_text())?;
        Some(tr(choice.summary))
    }
}
