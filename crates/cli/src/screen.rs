//! Lines that look right beside an answer that is being written, and while single keys are read.

use std::fmt::Arguments;
use std::io::{Write, stdout};
use std::sync::{Mutex, PoisonError};

/// How the terminal is.
struct Screen {
    raw: bool,
    mid_line: bool,
}

static SCREEN: Mutex<Screen> = Mutex::new(Screen { raw: false, mid_line: false });

/// Whether single keys are read: then the terminal does not return the carriage by itself.
pub(crate) fn set_raw(raw: bool) {
    with(|screen| screen.raw = raw);
}

/// Prints a line where neither is so.
pub(crate) fn line(line: Arguments<'_>) {
    put(format_args!("{line}\n"));
}

/// Prints a line of its own.
pub(crate) fn say(line: &str) {
    with(|screen| {
        let end = if screen.raw { "\r\n" } else { "\n" };
        let begin = if screen.mid_line { end } else { "" };
        screen.mid_line = false;
        put(format_args!("{begin}  {line}{end}"));
    });
}

/// Prints a piece of an answer, word by word as it comes.
pub(crate) fn piece(text: &str) {
    with(|screen| {
        let begin = if screen.mid_line { "" } else { "    " };
        screen.mid_line = true;
        put(format_args!("{begin}{text}"));
        let _ = stdout().flush();
    });
}

/// Nobody may read on. Then there is nobody to tell, and what is done is done to its end.
fn put(text: Arguments<'_>) {
    let _ = stdout().write_fmt(text);
}

fn with(print: impl FnOnce(&mut Screen)) {
    print(&mut SCREEN.lock().unwrap_or_else(PoisonError::into_inner));
}
