//! A node's options, and its plan.

use homefire_install::{Access, Gpu, Options};

/// What the examples below `deploy/` are made of.
pub(crate) fn options() -> Options {
    Options {
        host: "mini.example.com".parse().unwrap(),
        tunnel: "6ff42ae2-765d-4adf-8112-31c55c1551ef".parse().unwrap(),
        credentials: None,
        access: None,
        user: "ollama".parse().unwrap(),
        guard: "/usr/local/bin/homefire-node".parse().unwrap(),
        ollama: "/usr/local/bin/ollama".parse().unwrap(),
        cloudflared: "/opt/homebrew/bin/cloudflared".parse().unwrap(),
        models_folder: None,
        models: Vec::new(),
        context: None,
        gpu: Gpu::Unsaid,
    }
}

/// The application that the examples stand behind.
pub(crate) fn access() -> Option<Access> {
    Some(Access { team: "ada".parse().unwrap(), audience: "0123456789abcdef".repeat(4).parse().unwrap() })
}
