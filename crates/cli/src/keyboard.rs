//! Single keys, where there is a keyboard.

use std::io::IsTerminal;

use crossterm::event::{Event, KeyCode, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use tokio::sync::mpsc::Sender;

use crate::screen;

/// What a person wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Kill,
    Quit,
}

/// Single keys are read while this lives.
pub(crate) struct Keyboard;

/// Reads keys in a thread of its own. Without a terminal there are none, and none are for whom a shell put into the
/// background.
pub(crate) fn listen(keys: Sender<Key>) -> Option<Keyboard> {
    if !is_ours() || enable_raw_mode().is_err() {
        return None;
    }
    screen::set_raw(true);
    std::thread::spawn(move || {
        while let Ok(event) = read() {
            let Event::Key(key) = event else { continue };
            let KeyCode::Char(letter) = key.code else { continue };
            let wish = match letter {
                'c' if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
                'k' => Key::Kill,
                'q' => Key::Quit,
                _ => continue,
            };
            if keys.blocking_send(wish).is_err() {
                return;
            }
        }
    });
    Some(Keyboard)
}

/// Whoever touches a terminal that is somebody else's is stopped by it.
fn is_ours() -> bool {
    let terminal = std::io::stdin();
    terminal.is_terminal() && tcgetpgrp(&terminal).is_ok_and(|foreground| foreground == getpgrp())
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        screen::set_raw(false);
        // There is nobody left to tell.
        let _ = disable_raw_mode();
    }
}
