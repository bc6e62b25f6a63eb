//! Where windows stand and which is above which: the part of the window manager without effects.

use super::traits::{Stand, Traits};
use std::collections::HashMap;
use x11rb::protocol::xproto::Window;

/// How far windows are followed that say they belong to each other; an app may name a circle.
const DEPTH: u32 = 16;

/// A place on the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: i16,
    pub(crate) y: i16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// The size of the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// A window that is shown.
#[derive(Debug)]
pub(crate) struct Managed {
    pub(crate) window: Window,
    pub(crate) traits: Traits,
    pub(crate) area: Area,
}

impl Size {
    /// Whether something of the other size fits in.
    pub(crate) fn holds(self, other: Self) -> bool {
        self.width >= other.width && self.height >= other.height
    }

    /// All of it.
    pub(crate) fn whole(self) -> Area {
        Area { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// A place in its middle, no larger than it is.
    pub(crate) fn centred(self, width: u16, height: u16) -> Area {
        let (width, height) = self.fitting(width, height);
        let middle =
            |whole: u16, part: u16| i16::try_from(whole.saturating_sub(part) / 2).unwrap_or(0);
        Area { x: middle(self.width, width), y: middle(self.height, height), width, height }
    }

    /// The nearest place that is wholly on it.
    pub(crate) fn kept_in(self, area: Area) -> Area {
        let (width, height) = self.fitting(area.width, area.height);
        let inside = |at: i16, whole: u16, part: u16| {
            at.clamp(0, i16::try_from(whole.saturating_sub(part)).unwrap_or(i16::MAX))
        };
        let (x, y) = (inside(area.x, self.width, width), inside(area.y, self.height, height));
        Area { x, y, width, height }
    }

    /// No window has no size, and none is larger than the display.
    fn fitting(self, width: u16, height: u16) -> (u16, u16) {
        (width.clamp(1, self.width.max(1)), height.clamp(1, self.height.max(1)))
    }
}

/// Puts a window on top with all that belongs to the same main window. Its dialogs stay above it,
/// and dialogs that belong to none stay above everything but a dialog that is raised itself.
pub(crate) fn raise(windows: &mut [Managed], window: Window) {
    let parents: HashMap<Window, Option<Window>> =
        windows.iter().map(|managed| (managed.window, managed.traits.parent)).collect();
    let owner = |window: Window| {
        (0..DEPTH).fold(window, |owner, _| match parents.get(&owner) {
            Some(Some(parent)) if parents.contains_key(parent) => *parent,
            _ => owner,
        })
    };
    let raised = owner(window);
    // Stable: the order within a rank stays.
    windows.sort_by_cached_key(|managed| {
        let dialog = managed.traits.stand == Stand::Dialog;
        match owner(managed.window) {
            _ if managed.window == window && dialog => 4,
            own if own == managed.window && dialog => 3,
            own if own == raised => 1 + u8::from(dialog),
            _ => 0,
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managed(window: Window, stand: Stand, parent: Option<Window>) -> Managed {
        let traits = Traits { stand, parent, input: true, take_focus: false, delete: true };
        Managed { window, traits, area: Area { x: 0, y: 0, width: 1, height: 1 } }
    }

    fn raised(mut windows: Vec<Managed>, window: Window) -> Vec<Window> {
        raise(&mut windows, window);
        windows.iter().map(|managed| managed.window).collect()
    }

    #[test]
    fn a_window_rises_with_its_dialogs_above_it() {
        let windows = || {
            vec![
                managed(1, Stand::Main, None),
                managed(2, Stand::Main, None),
                managed(11, Stand::Dialog, Some(1)),
                managed(12, Stand::Dialog, Some(11)),
                managed(21, Stand::Dialog, Some(2)),
                managed(99, Stand::Dialog, None),
            ]
        };
        assert_eq!(raised(windows(), 1), [2, 21, 1, 11, 12, 99]);
        assert_eq!(raised(windows(), 11), [2, 21, 1, 12, 99, 11]);
        assert_eq!(raised(windows(), 2), [1, 11, 12, 2, 21, 99]);
    }

    #[test]
    fn windows_that_belong_to_each_other_in_a_circle_end() {
        let windows = vec![managed(1, Stand::Dialog, Some(2)), managed(2, Stand::Dialog, Some(1))];
        assert_eq!(raised(windows, 1).len(), 2);
    }

    #[test]
    fn a_place_is_always_on_the_display() {
        let size = Size { width: 800, height: 600 };
        let area = |x, y, width, height| Area { x, y, width, height };
        assert_eq!(size.centred(400, 200), area(200, 200, 400, 200));
        assert_eq!(size.centred(4000, 0), area(0, 299, 800, 1));
        assert_eq!(size.kept_in(area(-5, 590, 100, 100)), area(0, 500, 100, 100));
        let nothing = Size { width: 0, height: 0 };
        assert_eq!(nothing.centred(10, 10).width, 1);
    }
}
