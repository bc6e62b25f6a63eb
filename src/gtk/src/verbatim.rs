//! Text that is shown as somebody wrote it: a path, a rule, what an app has sent.

use gtk::pango;

/// Breaks a label's lines wherever they end, without a hyphen that nobody wrote.
pub(crate) fn wrap(label: &gtk::Label, mode: pango::WrapMode) {
    let attributes = pango::AttrList::new();
    attributes.insert(pango::AttrInt::new_insert_hyphens(false));
    label.set_attributes(Some(&attributes));
    label.set_wrap(true);
    label.set_wrap_mode(mode);
}
