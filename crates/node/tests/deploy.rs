//! What `install` writes for the guard is what the guard reads.

use std::path::Path;

use homefire_node::Config;
use homefire_node::config::VARIABLES;

#[test]
fn the_units_variables_are_the_guards() {
    for role in ["primary", "fallback"] {
        let unit = format!("../../deploy/linux/{role}/homefire-node.service");
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(unit)).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("Environment=\"")?.strip_suffix('"'));
        let set: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
        assert!(set.len() >= 5, "{role}: {set:?}");
        for (name, _) in &set {
            assert!(VARIABLES.contains(name), "{role}: the guard does not read {name}");
        }
        let config = Config::from_reader(|name| match name {
            // Where systemd puts it there is nothing here.
            "NODE_TOKENS_FILE" => None,
            "NODE_TOKENS" => Some("a-token-of-sixteen-letters".to_owned()),
            _ => set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        });
        let config = config.unwrap_or_else(|faults| panic!("{role}: {faults}"));
        assert_eq!(config.listen.to_string(), "127.0.0.1:8088");
    }
}
