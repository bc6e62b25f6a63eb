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
    build(&interface)
}

/// A button with a text and a mnemonic. GTK 4.8 would tell its name twice, once with the underscore.
pub(crate) fn button(label: &str) -> gtk::Button {
    let label = glib::markup_escape_text(label);
    build(&format!(
        r#"<interface><object class="GtkButton" id="it">
            <property name="child"><object class="GtkLabel" id="label">
                <property name="label">{label}</property>
                <property name="use-underline">true</property>
            </object></property>
            <accessibility><relation name="labelled-by">label</relation></accessibility>
            <style><class name="text-button"/></style>
        </object></interface>"#
    ))
}

/// The widget called `it`. A text that no XML can hold leaves it nameless, and the window whole.
fn build<W: IsA<gtk::Widget> + IsA<glib::Object> + Default>(interface: &str) -> W {
    let builder = gtk::Builder::new();
    let built = builder.add_from_string(interface);
    built.ok().and_then(|()| builder.object("it")).unwrap_or_default()
}

/// Makes an image that says nothing beside its text invisible to assistive technology.
pub(crate) fn decorative(image: &gtk::Image) {
    image.set_property("accessible-role", gtk::AccessibleRole::Presentation);
}
