//! What `wrangler dev` is told, the owner's secrets among it, and what it writes goes with it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use homefire::process::Group;
use homefire::wrangler;

/// Until it answers, on a machine with much to do.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn nothing_of_it_stays() {
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [port, inspector] = ports.map(|listener| listener.local_addr().unwrap().port());
    let told = [("OLLAMA_PRIMARY_URL", "http://127.0.0.1:1"), ("NODE_TOKEN", "hunter2")];
    let told = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut program = wrangler::dev(port, inspector, &told).unwrap();
    let colours = ["FORCE_COLOR", "NO_COLOR"].map(|name| {
        let mut told = program.command.as_std().get_envs();
        told.find_map(|(known, value)| (known == name).then(|| value.unwrap().to_owned()))
    });
    assert_eq!(colours, [Some("0".into()), Some("1".into())]);
    let folder = program.folder.as_ref().unwrap().path().to_owned();
    program.command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = Group::spawn(program).unwrap();
    group.ready(port, PATIENCE).await.unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(std::fs::read_to_string(folder.join("wrangler.toml")).unwrap().contains("hunter2"));
    let names = std::fs::read_dir(&folder).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for begin in ["state", "logs", "miniflare-"] {
        assert!(names.iter().any(|name| name.starts_with(begin)), "no {begin} in {names:?}");
    }
    drop(group);
    assert!(!folder.exists());
}
