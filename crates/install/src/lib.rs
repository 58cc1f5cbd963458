//! Sets a node up for good: Ollama, the guard in front of it, and what the tunnel may reach.
//!
//! In scope: which files and commands a node needs ([`plan`]), carrying them out and taking them back ([`apply`],
//! [`uninstall`]), and trying until a free machine is to be had ([`oci_retry`]). Out of scope: the guard itself, installing
//! Ollama or `cloudflared`, and whatever is set in a dashboard; `deploy/README.md` says how.
//!
//! What is decided is pure. The world is reached through a [`Runner`], a root folder and a writer, so that a test never
//! touches the machine that it runs on.

mod advice;
mod apply;
mod args;
mod checks;
mod cloudflared;
mod launchd;
pub mod oci_retry;
mod place;
mod plan;
mod polkit;
mod receipt;
mod role;
mod runner;
mod systemd;
pub mod tokens;
mod uninstall;
pub mod value;

pub use apply::{Halfway, Site, apply};
pub use args::{Failure, InstallArgs, OciRetryArgs, UninstallArgs};
pub use plan::{Access, File, Gpu, Options, Plan, Secret, System, plan};
pub use role::{GUARD, OLLAMA, Role, Settings};
pub use runner::{Command, Machine, Output, Runner};
pub use uninstall::uninstall;
