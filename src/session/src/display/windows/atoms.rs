//! The names that the window manager and apps know each other by (ICCCM, EWMH).

x11rb::atom_manager! {
    /// Interned names.
    pub(crate) Atoms: AtomsCookie {
        UTF8_STRING,
        WM_DELETE_WINDOW,
        WM_PROTOCOLS,
        WM_STATE,
        WM_TAKE_FOCUS,
        _NET_ACTIVE_WINDOW,
        _NET_CLIENT_LIST,
        _NET_CLOSE_WINDOW,
        _NET_FRAME_EXTENTS,
        _NET_SUPPORTED,
        _NET_SUPPORTING_WM_CHECK,
        _NET_WM_MOVERESIZE,
        _NET_WM_NAME,
        _NET_WM_STATE,
        _NET_WM_STATE_FULLSCREEN,
        _NET_WM_STATE_MAXIMIZED_HORZ,
        _NET_WM_STATE_MAXIMIZED_VERT,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_DIALOG,
        _NET_WM_WINDOW_TYPE_NORMAL,
        _NET_WM_WINDOW_TYPE_SPLASH,
        _NET_WM_WINDOW_TYPE_TOOLBAR,
        _NET_WM_WINDOW_TYPE_UTILITY,
        _NET_WORKAREA,
    }
}

impl Atoms {
    /// What the window manager does, for `_NET_SUPPORTED`.
    pub(crate) fn supported(&self) -> [u32; 11] {
        [
            self._NET_ACTIVE_WINDOW,
            self._NET_CLIENT_LIST,
            self._NET_CLOSE_WINDOW,
            self._NET_FRAME_EXTENTS,
            self._NET_SUPPORTING_WM_CHECK,
            self._NET_WM_MOVERESIZE,
            self._NET_WM_STATE,
            self._NET_WM_STATE_FULLSCREEN,
            self._NET_WM_STATE_MAXIMIZED_HORZ,
            self._NET_WM_STATE_MAXIMIZED_VERT,
            self._NET_WM_WINDOW_TYPE,
        ]
    }
}
