//! A model's answer, whatever it is: no panic, and a draft that is accepted holds all placeholders and no figure.

#![no_main]

use homefire_core::draft::{Accepted, Placeholder, Sender, accept};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    let answer = String::from_utf8_lossy(answer);
    let Ok(Accepted { draft, .. }) = accept(&answer, &Sender::default()) else { return };
    let text = format!("{}\n{}", draft.subject, draft.body);
    assert!(!draft.subject.contains('\n'), "{text}");
    let mut rest = text.clone();
    for token in Placeholder::ALL.map(Placeholder::token) {
        assert!(text.contains(token), "{token} is missing: {text}");
        rest = rest.replace(token, " ");
    }
    assert!(!rest.contains(|c: char| c.is_numeric() || "{}[]<>€$£".contains(c)), "{text}");
});
