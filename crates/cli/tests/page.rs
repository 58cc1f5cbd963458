//! The page's terminal shows what the functions say, however it comes.

use homefire::tools;
use tokio::process::Command;

#[tokio::test]
async fn what_the_page_shows() {
    let script = tools::root().join("tests/clients/page.mjs");
    let output = Command::new("node").arg(script).kill_on_drop(true).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
