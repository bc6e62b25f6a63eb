//! Widgets with a name for those who do not see them.
//!
//! The bindings can name a widget only from GTK 4.10 on; `GtkBuilder` has always done it, so a
//! widget that needs a name is made by it.

use gtk::glib;
use gtk::prelude::*;

/// A widget that assistive technology calls `name`.
pub(crate) fn named<W: IsA<gtk::Widget> + IsA<glib::Object> + Default>(name: &str) -> W {
    described(name, "")
}

/// A widget that assistive technology calls `name`, and explains by `description`.
pub(crate) fn described<W: IsA<gtk::Widget> + IsA<glib::Object> + Default>(
    name: &str,
    description: &str,
) -> W {
    let property = |property, text: &str| {
        format!("<property name=\"{property}\">{}</property>", glib::markup_escape_text(text))
    };
    let mut properties = property("label", name);
    if !description.is_empty() {
        properties.push_str(&property("description", description));
    }
    let class = W::static_type();
    let interface = format!(
        "<interface><object class=\"{}\" id=\"it\"><accessibility>{properties}</accessibility></object></interface>",
        class.name()
    );
    // A text that is no XML whatever is done to it leaves the widget nameless, not the window without it.
    gtk::Builder::from_string(&interface).object("it").unwrap_or_default()
}

/// Makes an image that says nothing beside its text invisible to assistive technology.
pub(crate) fn decorative(image: &gtk::Image) {
    image.set_property("accessible-role", gtk::AccessibleRole::Presentation);
}
