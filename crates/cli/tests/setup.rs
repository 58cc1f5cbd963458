//! What `setup` says of a machine that lacks what Cargo does not bring.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use homefire::tools;
use tempfile::tempdir;

/// On a machine that has rustup, and beside it these programs of one line.
fn check(programs: &[(&str, &str)], expect: &str) {
    let folder = tempdir().expect("a folder is to be had");
    let rustup = [("rustup", "echo wasm32-unknown-unknown")];
    for (name, line) in rustup.iter().chain(programs) {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{line}\n")).expect("it is ours");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("it is ours");
    }
    let version = tools::wasm_bindgen().expect("Cargo.lock names it");
    let tool = folder.path().join(format!("homefire/wasm-bindgen-cli-{version}/bin"));
    fs::create_dir_all(&tool).expect("it is ours");
    fs::write(tool.join("wasm-bindgen"), "").expect("it is ours");

    let mut setup = Command::new(env!("CARGO_BIN_EXE_homefire"));
    setup.arg("setup").env("PATH", folder.path()).env("CARGO_HOME", folder.path()).stdin(Stdio::null());
    let output = setup.output().expect("it starts");
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), &*told), (Some(1), ""), "{errors}");
    assert!(errors.contains("Node.js 20 or newer") && errors.contains(expect), "{errors}");
}

/// Whatever was installed there before.
#[test]
fn what_is_missing_is_told() {
    check(&[], "nodejs.org");
    check(&[("node", "echo v18.20.4")], r#"here is "v18.20.4""#);
    check(&[("node", "echo v20.0.0")], "with npm");
}
