//! Two widgets: beside each other where there is room, else one below the other.
//!
//! ```text
//! wide                    narrow
//! ┌────────────┬───────┐  ┌────────────┐
//! │ main       │ side  │  │ main       │
//! │            │       │  ├────────────┤
//! └────────────┴───────┘  │ side       │
//!                         └────────────┘
//! ```

use gtk::glib;

/// From this width on the side stands beside the main widget.
const WIDE: i32 = 760;
/// The side gets a third, within these bounds.
const SIDE: std::ops::RangeInclusive<i32> = 300..=380;

mod imp {
    use super::{SIDE, WIDE};
    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{glib, gsk};
    use std::cell::{Cell, OnceCell};

    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::Pair)]
    pub(crate) struct Pair {
        #[property(get, set = Self::set_main)]
        pub(super) main: OnceCell<gtk::Widget>,
        #[property(get, set = Self::set_side)]
        pub(super) side: OnceCell<gtk::Widget>,
        /// Whether the side is below.
        #[property(get)]
        pub(super) narrow: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Pair {
        const NAME: &'static str = "ArkosePair";
        type Type = super::Pair;
        type ParentType = gtk::Widget;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Pair {
        fn dispose(&self) {
            for child in [self.main.get(), self.side.get()].into_iter().flatten() {
                child.unparent();
            }
        }
    }

    impl WidgetImpl for Pair {
        fn request_mode(&self) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn measure(&self, orientation: gtk::Orientation, for_size: i32) -> (i32, i32, i32, i32) {
            let (Some(main), Some(side)) = (self.main.get(), self.side.get()) else {
                return (0, 0, -1, -1);
            };
            let one = |widget: &gtk::Widget, size| {
                let (minimum, natural, ..) = widget.measure(orientation, size);
                (minimum, natural)
            };
            let (minimum, natural) = if orientation == gtk::Orientation::Horizontal {
                let (main, side) = (one(main, -1), one(side, -1));
                (main.0.max(side.0), main.1 + *SIDE.start())
            } else if for_size >= WIDE {
                let width = side_width(for_size);
                let (main, side) = (one(main, for_size - width), one(side, width));
                (main.0.max(side.0), main.1.max(side.1))
            } else {
                let (main, side) = (one(main, for_size), one(side, for_size));
                (main.0 + side.0, main.1 + side.1)
            };
            (minimum, natural, -1, -1)
        }

        fn size_allocate(&self, width: i32, height: i32, _baseline: i32) {
            let (Some(main), Some(side)) = (self.main.get(), self.side.get()) else { return };
            let narrow = width < WIDE;
            if narrow {
                let (main_minimum, ..) = main.measure(gtk::Orientation::Vertical, width);
                let (minimum, natural, ..) = side.measure(gtk::Orientation::Vertical, width);
                let side_height = natural.min(height / 2).min(height - main_minimum).max(minimum);
                let main_height = (height - side_height).max(main_minimum);
                main.allocate(width, main_height, -1, None);
                side.allocate(width, side_height, -1, at(0, main_height));
            } else {
                let side_width = side_width(width);
                let main_width = width - side_width;
                let rtl = self.obj().direction() == gtk::TextDirection::Rtl;
                let (main_x, side_x) = if rtl { (side_width, 0) } else { (0, main_width) };
                main.allocate(main_width, height, -1, at(main_x, 0));
                side.allocate(side_width, height, -1, at(side_x, 0));
            }
            if self.narrow.replace(narrow) != narrow {
                // Whoever listens may change the layout, which must wait until this one is done.
                let pair = self.obj().downgrade();
                glib::idle_add_local_once(move || {
                    if let Some(pair) = pair.upgrade() {
                        pair.notify_narrow();
                    }
                });
            }
        }
    }

    impl Pair {
        fn set_main(&self, main: gtk::Widget) {
            main.set_parent(&*self.obj());
            let _ = self.main.set(main);
        }

        fn set_side(&self, side: gtk::Widget) {
            side.set_parent(&*self.obj());
            let _ = self.side.set(side);
        }
    }

    fn side_width(width: i32) -> i32 {
        (width / 3).clamp(*SIDE.start(), *SIDE.end())
    }

    #[allow(clippy::cast_precision_loss, reason = "a position on a screen is small")]
    fn at(x: i32, y: i32) -> Option<gsk::Transform> {
        Some(gsk::Transform::new().translate(&gtk::graphene::Point::new(x as f32, y as f32)))
    }
}

glib::wrapper! {
    /// A main widget and one at its side or below it.
    pub(crate) struct Pair(ObjectSubclass<imp::Pair>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}
