//! A `redis-server` of one's own: in memory, on a socket in a folder of its own, gone with whoever started it.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use super::{Command, Engine, Reply, resp};

/// How long it may take to start, and to carry out what one request asks for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `redis-server`. Dropping it ends it. It is for tests on the wall clock: a paused one runs ahead of it.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    watch: Child,
    folder: PathBuf,
}

impl Redis {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// There is no `redis-server` on the PATH, or it does not start.
    pub async fn start() -> io::Result<Self> {
        static NTH: AtomicU32 = AtomicU32::new(0);
        let nth = NTH.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("homefire-redis-{}-{nth}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let mut program = Program::new("redis-server");
        program.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocketperm", "700"]);
        program.arg("--unixsocket").arg(folder.join("socket")).arg("--dir").arg(&folder).process_group(0);
        let mut server = quiet(&mut program).stdin(Stdio::null()).spawn().map_err(explained)?;
        let watch =
            watch(&server, &folder).inspect_err(|_| drop(server.kill().and_then(|()| server.wait())))?;
        let mut this = Self { server, watch, folder };
        timeout(PATIENCE, this.ready()).await??;
        Ok(this)
    }

    async fn ready(&mut self) -> io::Result<()> {
        let ping = [vec![Bytes::from_static(b"PING")]];
        while self.run(&ping).await.is_err() {
            if let Some(status) = self.server.try_wait()? {
                return Err(io::Error::other(format!("redis-server ended with {status}")));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// A connection is for one request: what a command changes about it, the next shall not meet.
    async fn converse(&self, commands: &[Command]) -> io::Result<Vec<Reply>> {
        let stream = UnixStream::connect(self.folder.join("socket")).await?;
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let write = async { writer.write_all(&resp::write(commands)).await };
        let read = async {
            let mut replies = Vec::new();
            for _ in commands {
                replies.push(resp::read(&mut reader).await?);
            }
            Ok(replies)
        };
        let ((), replies) = tokio::try_join!(write, read)?;
        Ok(replies)
    }
}

impl Engine for Redis {
    async fn run(&self, commands: &[Command]) -> io::Result<Vec<Reply>> {
        timeout(PATIENCE, self.converse(commands)).await?
    }

    async fn transact(&self, commands: &[Command]) -> io::Result<Reply> {
        let word = |word: &'static str| vec![Bytes::from_static(word.as_bytes())];
        let whole = [&[word("MULTI")], commands, &[word("EXEC")]].concat();
        self.run(&whole).await?.pop().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The end of its input is the watch's sign.
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
        let _ = self.server.wait();
    }
}

/// A member of the server's process group that ends it, and its folder, when its own input ends: on drop, or when this
/// process is gone, however that came about.
fn watch(server: &Child, folder: &Path) -> io::Result<Child> {
    let group = i32::try_from(server.id()).map_err(io::Error::other)?;
    let mut shell = Program::new("sh");
    shell.args(["-c", "cat; rm -rf \"$0\"; kill -KILL 0"]).arg(folder).process_group(group);
    quiet(&mut shell).stdin(Stdio::piped()).spawn()
}

fn quiet(program: &mut Program) -> &mut Program {
    program.stdout(Stdio::null()).stderr(Stdio::null())
}

fn explained(error: io::Error) -> io::Error {
    const MISSING: &str = "redis-server is missing; `cargo homefire setup` installs it or says how";
    if error.kind() == io::ErrorKind::NotFound { io::Error::new(error.kind(), MISSING) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_ends_with_its_owner() {
        let redis = Redis::start().await.unwrap();
        let (pid, folder) = (redis.server.id().to_string(), redis.folder.clone());
        let is_there = || quiet(Program::new("kill").args(["-0", &pid])).status().unwrap().success();
        assert!(is_there() && folder.join("socket").exists());
        drop(redis);
        assert!(!is_there() && !folder.exists());
    }
}
