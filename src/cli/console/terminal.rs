//! The user's terminal while a command has it: raw, and its size as it changes.

#![allow(unsafe_code)] // termios and the window's size have no form in std

use std::io;
use std::mem;

use streams::channel::Size;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The terminal passes keys on as they are; as it was again when this is dropped.
pub(super) struct Raw(libc::termios);

impl Raw {
    /// Makes stdin's terminal raw.
    ///
    /// # Errors
    /// When stdin is none.
    pub(super) fn begin() -> io::Result<Self> {
        // SAFETY: all zeroes is a valid termios, which tcgetattr fills; both pointers are to live locals.
        unsafe {
            let mut before: libc::termios = mem::zeroed();
            if libc::tcgetattr(libc::STDIN_FILENO, &raw mut before) != 0 {
                return Err(io::Error::last_os_error());
            }
            let mut raw = before;
            libc::cfmakeraw(&raw mut raw);
            if libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const raw) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self(before))
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: the pointer is to our own live value, which tcgetattr filled.
        unsafe {
            libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const self.0);
        }
    }
}

/// The terminal's size: at once, and after each change.
pub(super) struct Sizes {
    changed: Option<Signal>,
    told: bool,
}

impl Sizes {
    /// Sizes of stdin's terminal, or none ever.
    ///
    /// # Errors
    /// When the signal cannot be awaited.
    pub(super) fn follow(tty: bool) -> io::Result<Self> {
        let changed = if tty { Some(signal(SignalKind::window_change())?) } else { None };
        Ok(Self { changed, told: false })
    }

    /// The next size.
    pub(super) async fn next(&mut self) -> Size {
        let Some(changed) = &mut self.changed else { return std::future::pending().await };
        loop {
            if mem::replace(&mut self.told, true) && changed.recv().await.is_none() {
                return std::future::pending().await;
            }
            if let Some(size) = size() {
                return size;
            }
        }
    }
}

fn size() -> Option<Size> {
    // SAFETY: all zeroes is a valid winsize, which TIOCGWINSZ fills; the pointer is to a live local.
    let window = unsafe {
        let mut window: libc::winsize = mem::zeroed();
        if libc::ioctl(libc::STDIN_FILENO, libc::TIOCGWINSZ, &raw mut window) != 0 {
            return None;
        }
        window
    };
    Some(Size { width: window.ws_col, height: window.ws_row })
}
