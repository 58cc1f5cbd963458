//! The owner's typed data.

/// Placeholder.
#[derive(Debug)]
pub struct Site {}

impl Site {
    pub fn load() -> &'static Self {
        static S: Site = Site {};
        &S
    }
    pub fn prompt(&self) -> String {
        String::new()
    }
}
