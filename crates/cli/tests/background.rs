//! `homefire dev &`: who reads no keys is not stopped by the terminal that is somebody else's.

use std::process::{Command, Stdio};

use homefire_core::config::VARIABLES;

/// A terminal, and in it a shell's part: the program in a process group of its own, which is not the one in front. It says
/// how the program ended, or that it was stopped, a while after it was ready.
const SHELL: &str = r#"
import os, pty, signal, sys, time

def shell():
    program = os.fork()
    if program == 0:
        os.setpgid(0, 0)
        os.execv(sys.argv[1], [sys.argv[1], "dev", "--port", "0"])
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.1)
        ended, status = os.waitpid(program, os.WNOHANG | os.WUNTRACED)
        if ended:
            break
        if os.path.exists(sys.argv[2]):
            time.sleep(0.5)
            ended, status = os.waitpid(program, os.WNOHANG | os.WUNTRACED)
            break
    if ended and os.WIFSTOPPED(status):
        print("stopped by", os.WSTOPSIG(status), flush=True)
        os.kill(program, signal.SIGKILL)
    else:
        os.kill(program, signal.SIGTERM)
        print("ended with", os.waitpid(program, 0)[1], flush=True)

child, terminal = pty.fork()
if child == 0:
    shell()
    os._exit(0)
told = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    told += piece
    if b"Nodes:" in told:
        open(sys.argv[2], "w").close()
sys.stdout.buffer.write(told)
"#;

#[test]
fn it_is_not_stopped() {
    let folder = tempfile::tempdir().expect("a folder is to be had");
    let mut shell = Command::new("python3");
    shell.args(["-c", SHELL, env!("CARGO_BIN_EXE_homefire")]).arg(folder.path().join("ready"));
    // An empty value counts as none, and goes before what `.env` of whoever tests may hold.
    shell.envs(VARIABLES.iter().map(|name| (*name, ""))).stdin(Stdio::null());
    let output = shell.output().expect("Python is here");
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("ended with 0"), "{told}\n{errors}");
}
