//! What a machine is there for, and the settings of Ollama and the guard that follow from it.

use crate::plan::Options;
use crate::value::Model;

/// Where Ollama listens.
pub const OLLAMA: &str = "127.0.0.1:11434";
/// Where the guard listens: the one address that the tunnel leads to.
pub const GUARD: &str = "127.0.0.1:8088";

/// The guard's variable with the path of its tokens.
pub(crate) const TOKENS_FILE: &str = "NODE_TOKENS_FILE";

/// What a machine is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// The machine that is asked first: a Mac mini, or whatever has the best model.
    Primary,
    /// The machine that answers when the first does not: a small one that is always on.
    Fallback,
}

/// What follows from a role, unless the owner says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What may be asked for, best first.
    pub models: Vec<Model>,
    /// Tokens of prompt and answer together.
    pub context: u32,
    /// `OLLAMA_KEEP_ALIVE`. As a variable, unlike in a request, a bare -1 is understood: forever.
    pub keep_alive: &'static str,
}

impl Settings {
    /// The role's settings, with what the owner chose over them.
    pub fn of(role: Role, options: &Options) -> Self {
        // What was loaded once stays: a cold load takes longer than a reader waits. Nothing is loaded at a boot, only by the
        // first question.
        let (models, context, keep_alive): (&[&str], u32, _) = match role {
            Role::Primary => (&["qwen3.5:latest", "qwen2.5-coder:7b"], 8192, "-1"),
            Role::Fallback => (&["qwen2.5-coder:7b"], 4096, "-1"),
        };
        let usual = || models.iter().map(|name| name.parse().expect("the names above are names")).collect();
        Self {
            models: if options.models.is_empty() { usual() } else { options.models.clone() },
            context: options.context.unwrap_or(context),
            keep_alive,
        }
    }

    /// The variables that Ollama reads.
    pub(crate) fn ollama(&self) -> Vec<(&'static str, String)> {
        vec![
            ("OLLAMA_HOST", OLLAMA.to_owned()),
            ("OLLAMA_KEEP_ALIVE", self.keep_alive.to_owned()),
            ("OLLAMA_CONTEXT_LENGTH", self.context.to_string()),
            ("OLLAMA_MAX_LOADED_MODELS", self.models.len().to_string()),
            // The guard admits; what it lets through should not share a slot.
            ("OLLAMA_NUM_PARALLEL", "1".to_owned()),
        ]
    }

    /// The variables that the guard reads, but for [`TOKENS_FILE`]; `socket` is a path.
    pub(crate) fn guard(&self, options: &Options, socket: &str) -> Vec<(&'static str, String)> {
        let models: Vec<&str> = self.models.iter().map(Model::as_str).collect();
        let mut variables = vec![
            ("HOMEFIRE_NODE_LISTEN", GUARD.to_owned()),
            ("OLLAMA_URL", format!("http://{OLLAMA}")),
            ("HOMEFIRE_NODE_SOCKET", socket.to_owned()),
            ("MODELS", models.join(",")),
            ("LIMIT_NUM_CTX", self.context.to_string()),
        ];
        if let Some(access) = &options.access {
            variables.push(("ACCESS_TEAM", access.team.to_string()));
            variables.push(("ACCESS_AUD", access.audience.to_string()));
        }
        variables
    }
}
