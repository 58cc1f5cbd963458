//! The monitor in virtual time: a property over random schedules, and stories.

mod house;
mod stories;
mod told_once;
