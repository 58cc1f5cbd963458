//! What a node knows of its models: `/api/tags`, `/api/ps`, `/api/show`.

use serde_json::{Value, json};

/// A model of this name and a script behind it asks for that script.
pub(crate) const SCRIPTED: &str = "sim:";

/// A model's family, as far as it matters here. The figures are those of the models that the scenarios name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    name: &'static str,
    parameters: &'static str,
    size: u64,
    /// What Ollama calls by their names in `capabilities`.
    capabilities: &'static [&'static str],
    /// Renderer and parser are built into Ollama for some families.
    built_in: Option<&'static str>,
}

const QWEN35: Family = Family {
    name: "qwen35",
    parameters: "9.7B",
    size: 6_600_000_000,
    capabilities: &["completion", "vision", "tools", "thinking"],
    built_in: Some("qwen3.5"),
};

const QWEN2: Family = Family {
    name: "qwen2",
    parameters: "7.6B",
    size: 4_700_000_000,
    capabilities: &["completion", "tools", "insert"],
    built_in: None,
};

impl Family {
    /// Of the model of this name.
    pub(crate) fn of(model: &str) -> Self {
        if model.starts_with("qwen2") { QWEN2 } else { QWEN35 }
    }

    /// Whether it can think. Ollama lets it, unless it is told not to.
    pub(crate) fn thinks(self) -> bool {
        self.capabilities.contains(&"thinking")
    }

    fn details(self) -> Value {
        json!({
            "parent_model": "",
            "format": "gguf",
            "family": self.name,
            "families": [self.name],
            "parameter_size": self.parameters,
            "quantization_level": "Q4_K_M",
        })
    }
}

const MODIFIED: &str = "2026-08-21T10:00:00.123456789Z";

/// An entry of `/api/tags`.
pub(crate) fn on_disk(model: &str) -> Value {
    let family = Family::of(model);
    json!({
        "name": model,
        "model": model,
        "modified_at": MODIFIED,
        "size": family.size,
        "digest": digest(model),
        "details": family.details(),
        "capabilities": family.capabilities,
    })
}

/// An entry of `/api/ps`.
pub(crate) fn in_memory(model: &str, expires: &str, context: u64) -> Value {
    let family = Family::of(model);
    json!({
        "name": model,
        "model": model,
        "size": family.size,
        "digest": digest(model),
        "details": family.details(),
        "expires_at": expires,
        "size_vram": family.size,
        "context_length": context,
    })
}

/// The answer of `/api/show`. What is empty is left out.
pub(crate) fn shown(model: &str) -> Value {
    let family = Family::of(model);
    let mut shown = json!({
        "license": "Apache License 2.0",
        "modelfile": format!("FROM {model}"),
        "template": "{{ .Prompt }}",
    });
    let fields = shown.as_object_mut().expect("it is an object");
    for name in family.built_in.iter().flat_map(|_| ["renderer", "parser"]) {
        fields.insert(name.to_owned(), json!(family.built_in));
    }
    fields.insert("details".to_owned(), family.details());
    fields.insert("model_info".to_owned(), json!({ "general.architecture": family.name }));
    fields.insert("capabilities".to_owned(), json!(family.capabilities));
    fields.insert("modified_at".to_owned(), json!(MODIFIED));
    shown
}

/// 64 hexadecimal digits, others for every name (FNV-1a, four times).
fn digest(model: &str) -> String {
    let hash = |seed: u64| {
        model.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    (0..4).map(|seed| format!("{:016x}", hash(seed))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_the_order_of_ollamas_structs() {
        let check = |value: Value, expect: &[&str]| {
            assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), expect);
        };
        check(
            on_disk("qwen3.5:latest"),
            &["name", "model", "modified_at", "size", "digest", "details", "capabilities"],
        );
        check(
            in_memory("qwen3.5:latest", MODIFIED, 4096),
            &["name", "model", "size", "digest", "details", "expires_at", "size_vram", "context_length"],
        );
        check(
            QWEN2.details(),
            &["parent_model", "format", "family", "families", "parameter_size", "quantization_level"],
        );
        let built_in = ["renderer", "parser"];
        let (first, last) =
            (["license", "modelfile", "template"], ["details", "model_info", "capabilities", "modified_at"]);
        check(shown("qwen3.5:latest"), &[&first[..], &built_in, &last].concat());
        check(shown("qwen2.5-coder:7b"), &[&first[..], &last].concat());
    }

    #[test]
    fn digests_differ() {
        assert_eq!(digest("a").len(), 64);
        assert_ne!(digest("a"), digest("b"));
    }
}
