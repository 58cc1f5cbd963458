//! The monitor in virtual time: a property over random schedules, and stories.

mod hangs;
mod house;
mod stories;
mod told_once;
