//! Who comes too often, by the address that Cloudflare tells.

use serde_json::json;

use super::served::{Served, ask_from, hear};

const NODE: (&str, &str) = ("OLLAMA_PRIMARY_URL", "http://127.0.0.1:1");

async fn status(served: &Served, address: &str) -> String {
    let heard =
        hear(served.port, ask_from(Some(address), "Who are you?").as_bytes()).await.expect("an answer");
    heard.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn each_address_has_its_own_count() {
    let served = Served::start(&[(NODE.0, json!(NODE.1)), ("RATE_LIMIT", json!(1))]).await.unwrap();
    assert_eq!(status(&served, "192.0.2.1").await, "503");
    assert_eq!(status(&served, "192.0.2.1").await, "429");
    assert_eq!(status(&served, "192.0.2.2").await, "503");
}

/// workerd has no limiter of its own: one that has had enough of the first who came stands in its place.
const LIMITER: &str =
    "let first; export default () => ({ limit: async ({ key }) => ({ success: key !== (first ??= key) }) });";

#[tokio::test]
async fn cloudflares_count_holds() {
    let extension = format!(
        "  extensions = [(modules = [(name = \"test:limiter\", esModule = {LIMITER:?}, internal = true)])],\n"
    );
    let mend = |config: String| {
        config
            .replace(
                "const config :Workerd.Config = (\n",
                &format!("const config :Workerd.Config = (\n{extension}"),
            )
            .replace(
                "  bindings = [\n",
                "  bindings = [\n    (name = \"RATE_LIMITER\", wrapped = (moduleName = \"test:limiter\")),\n",
            )
    };
    let served = Served::start_with(&[(NODE.0, json!(NODE.1))], mend).await.unwrap();
    assert_eq!(status(&served, "192.0.2.1").await, "429");
    assert_eq!(status(&served, "192.0.2.2").await, "503");
}
