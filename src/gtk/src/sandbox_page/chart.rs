//! A chart of the last minute: a column for each second, IPv6 in the accent colour and IPv4 on top of
//! it in that of text. What it shows stands in words below it.

use crate::model::traffic::{SECONDS, Second};
use gtk::prelude::*;
use gtk::{cairo, gdk};

/// How much of a second's place its column takes.
const WIDTH: f64 = 0.7;
/// How strong IPv4 and the line below all are.
const WEAK: f32 = 0.45;
const LINE: f32 = 0.2;

/// Draws the seconds, of which the last is at the right; `most` is as high as the place is.
pub(super) fn draw(
    area: &gtk::DrawingArea,
    context: &cairo::Context,
    seconds: &[Second],
    most: u64,
) {
    let (width, height) = (f64::from(area.width()), f64::from(area.height()) - 1.0);
    let style = area.style_context();
    let text = style.color();
    let accent = style.lookup_color("accent_color").unwrap_or(text);
    paint(context, &text, LINE);
    context.rectangle(0.0, height, width, 1.0);
    let _ = context.fill();
    let step = width / place(SECONDS);
    let first = SECONDS.saturating_sub(seconds.len());
    for (index, [six, four]) in seconds.iter().enumerate() {
        let left = place(first + index) * step;
        let mut bottom = height;
        for (bytes, colour, strength) in [(six, &accent, 1.0), (four, &text, WEAK)] {
            let high = height * share(*bytes, most);
            paint(context, colour, strength);
            context.rectangle(left, bottom - high, step * WIDTH, high);
            let _ = context.fill();
            bottom -= high;
        }
    }
}

/// A square in the colour that a family has in the chart.
pub(super) fn swatch(is_ipv6: bool) -> gtk::DrawingArea {
    let swatch = gtk::DrawingArea::new();
    swatch.set_content_width(12);
    swatch.set_content_height(12);
    swatch.set_valign(gtk::Align::Center);
    swatch.set_property("accessible-role", gtk::AccessibleRole::Presentation);
    swatch.set_draw_func(move |area, context, width, height| {
        let style = area.style_context();
        let text = style.color();
        match style.lookup_color("accent_color").filter(|_| is_ipv6) {
            Some(accent) => paint(context, &accent, 1.0),
            None => paint(context, &text, WEAK),
        }
        context.rectangle(0.0, 0.0, width.into(), height.into());
        let _ = context.fill();
    });
    swatch
}

fn paint(context: &cairo::Context, colour: &gdk::RGBA, strength: f32) {
    let [red, green, blue, alpha] =
        [colour.red(), colour.green(), colour.blue(), colour.alpha() * strength].map(f64::from);
    context.set_source_rgba(red, green, blue, alpha);
}

#[allow(clippy::cast_precision_loss, reason = "a second of a minute")]
fn place(second: usize) -> f64 {
    second as f64
}

#[allow(clippy::cast_precision_loss, reason = "no pixel is as small as what is lost")]
fn share(bytes: u64, most: u64) -> f64 {
    bytes as f64 / most.max(1) as f64
}
