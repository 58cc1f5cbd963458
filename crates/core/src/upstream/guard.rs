//! What the guard of a node is told, and what it says: the model that it chose for everybody's load, and whether it reads
//! Ollama's lines in our place.

use std::time::Duration;

use http::HeaderMap;
use http::header::{ACCEPT, HeaderName, HeaderValue};

use crate::config::Node;
use crate::headers::{IN_FLIGHT, MODEL};
use crate::lane::GATHER;
use crate::load::{Counted, Load};

const MODELS: HeaderName = HeaderName::from_static("x-homefire-models");

/// What a guard has chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice<'a> {
    pub(crate) model: &'a str,
    pub(crate) load: Load,
}

/// Which models the guard may choose from, the best first. Whatever is no guard does not know it.
pub(super) fn offer(headers: &mut HeaderMap, node: &Node) {
    let models = [&*node.models.primary, &node.models.fallback].join(",");
    if let Ok(models) = HeaderValue::try_from(models) {
        headers.insert(MODELS, models);
    }
}

/// That frames are as welcome as lines, and gathered for so long. Whatever is no guard of ours goes on to speak in lines.
pub(super) fn offer_lane(headers: &mut HeaderMap, gather: Duration) {
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("text/event-stream, application/x-ndjson, application/json"),
    );
    if let Some(millis) = u64::try_from(gather.as_millis()).ok().filter(|millis| *millis > 0) {
        headers.insert(GATHER, millis.into());
    }
}

/// What the guard has chosen, if there is one. A model that was not offered is none.
pub(super) fn choice<'a>(headers: &HeaderMap, node: &'a Node) -> Option<Choice<'a>> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let named = text(MODEL)?;
    let model = [&node.models.primary, &node.models.fallback].into_iter().find(|model| *model == named)?;
    let in_flight = text(IN_FLIGHT)?.parse().ok()?;
    Some(Choice { model, load: Load { in_flight, counted: Counted::Guard } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::lane::KIND;

    #[test]
    fn choices() {
        let nodes = r#"[{"name":"mini","url":"http://mini","models":["best","lighter"]}]"#;
        let read = |name: &str| (name == "HOMEFIRE_NODES").then(|| nodes.to_owned());
        let node = &Config::from_reader(read).unwrap().nodes[0];
        let mut offered = HeaderMap::new();
        offer(&mut offered, node);
        assert_eq!(offered[MODELS], "best,lighter");
        offer_lane(&mut offered, Duration::ZERO);
        assert!(offered[ACCEPT].to_str().unwrap().starts_with(KIND));
        assert!(!offered.contains_key(GATHER));
        offer_lane(&mut offered, Duration::from_millis(50));
        assert_eq!(offered[GATHER], "50");
        let check = |said: &[(HeaderName, &str)], expect: Option<(&str, usize)>| {
            let said = said.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
            let chosen = choice(&said.collect(), node);
            assert_eq!(chosen.map(|choice| (choice.model, choice.load.in_flight)), expect);
        };
        check(&[], None);
        check(&[(IN_FLIGHT, "1")], None);
        check(&[(MODEL, "best")], None);
        check(&[(MODEL, "best"), (IN_FLIGHT, "1")], Some(("best", 1)));
        check(&[(MODEL, "lighter"), (IN_FLIGHT, "7")], Some(("lighter", 7)));
        check(&[(MODEL, "another"), (IN_FLIGHT, "7")], None);
        check(&[(MODEL, "best"), (IN_FLIGHT, "-1")], None);
    }
}
