//! The one thing that the guard may ask of systemd: that Ollama begins anew.

use crate::systemd::{GUARD_UNIT, OLLAMA_UNIT};

/// Where polkit looks for an administrator's rules, which it reads as soon as they change.
pub(crate) const PATH: &str = "/etc/polkit-1/rules.d/50-homefire-node.rules";

/// The guard's account exists only while it runs, by the name of its unit.
pub(crate) fn rules() -> String {
    let user = GUARD_UNIT.trim_end_matches(".service");
    format!(
        "// Homefire's guard may restart Ollama, and nothing else.
polkit.addRule(function (action, subject) {{
  if (
    action.id === \"org.freedesktop.systemd1.manage-units\" &&
    action.lookup(\"unit\") === \"{OLLAMA_UNIT}\" &&
    action.lookup(\"verb\") === \"restart\" &&
    subject.user === \"{user}\"
  ) {{
    return polkit.Result.YES;
  }}
  return polkit.Result.NOT_HANDLED;
}});
"
    )
}
