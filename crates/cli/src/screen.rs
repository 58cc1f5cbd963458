//! Lines that look right beside an answer that is being written, and while single keys are read.

use std::io::Write;
use std::sync::Mutex;

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

/// Prints a line of its own.
pub(crate) fn say(line: &str) {
    with(|screen| {
        let end = if screen.raw { "\r\n" } else { "\n" };
        let begin = if screen.mid_line { end } else { "" };
        screen.mid_line = false;
        print!("{begin}  {line}{end}");
    });
}

/// Prints a piece of an answer, word by word as it comes.
pub(crate) fn piece(text: &str) {
    with(|screen| {
        let begin = if screen.mid_line { "" } else { "    " };
        screen.mid_line = true;
        print!("{begin}{text}");
        // Nobody reads on: there is nobody to tell.
        let _ = std::io::stdout().flush();
    });
}

fn with(print: impl FnOnce(&mut Screen)) {
    print(&mut SCREEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
}
