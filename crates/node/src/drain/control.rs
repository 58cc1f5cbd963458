//! How the owner reaches a running guard: a Unix socket that only its user can open, one line each way.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as Plain;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::Order;
use crate::guard::Guard;

/// Bytes of a line, and how long it may take.
const LONGEST: u64 = 64;
const PATIENCE: Duration = Duration::from_secs(2);

/// Listens at `path`, whose folder is made if it is missing. What a guard that is gone has left there is removed.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent()
        && !folder.exists()
    {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // On Linux a file refuses a connection, too.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.file_type().is_socket()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "what lies there is no socket"));
    }
    if let Err(error) = Plain::connect(path) {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            fs::remove_file(path)?;
        }
    } else {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another guard listens there"));
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Tells the guard at `path` what to do, and returns what it says.
pub async fn send(path: &Path, order: Order) -> io::Result<String> {
    let exchange = async {
        let mut stream = UnixStream::connect(path).await?;
        stream.write_all(write(order).as_bytes()).await?;
        let mut reply = String::new();
        stream.take(LONGEST).read_to_string(&mut reply).await?;
        Ok(reply.trim().to_owned())
    };
    timeout(PATIENCE, exchange).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Hears the owner, for ever. One at a time is enough.
pub(crate) async fn listen(listener: &UnixListener, guard: &Guard) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(timeout(PATIENCE, hear(stream, guard)).await),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn hear(mut stream: UnixStream, guard: &Guard) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new((&mut stream).take(LONGEST)).read_line(&mut line).await?;
    let reply = match read(&line) {
        Some(order) => {
            guard.obey(order);
            format!("ok, {} in flight\n", guard.in_flight())
        }
        None => "that is no order\n".to_owned(),
    };
    stream.write_all(reply.as_bytes()).await
}

fn write(order: Order) -> String {
    match order {
        Order::Drain(None) => "drain\n".to_owned(),
        Order::Drain(Some(span)) => format!("drain {}\n", span.as_millis().div_ceil(1000)),
        Order::Resume => "resume\n".to_owned(),
    }
}

fn read(line: &str) -> Option<Order> {
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["drain"] => Some(Order::Drain(None)),
        ["drain", seconds] => Some(Order::Drain(Some(Duration::from_secs(seconds.parse().ok()?)))),
        ["resume"] => Some(Order::Resume),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for order in [Order::Drain(None), Order::Drain(Some(Duration::from_secs(7200))), Order::Resume] {
            assert_eq!(read(&write(order)), Some(order));
        }
        // Whoever says less than a second means a drain all the same.
        assert_eq!(write(Order::Drain(Some(Duration::from_millis(900)))), "drain 1\n");
        assert_eq!(write(Order::Drain(Some(Duration::from_millis(1001)))), "drain 2\n");
        for line in ["", "drain x", "drain 1 2", "restart", "drain -1"] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[tokio::test]
    async fn what_lies_at_the_path() {
        let path = std::env::temp_dir().join(format!("homefire-control-{}", std::process::id()));
        let check = |expect: Option<io::ErrorKind>| {
            let bound = bind(&path);
            assert_eq!(bound.as_ref().err().map(io::Error::kind), expect);
            bound.ok()
        };
        let _ = fs::remove_file(&path);
        let listener = check(None);
        check(Some(io::ErrorKind::AddrInUse));
        drop(listener);
        // What a guard has left that is gone.
        drop(check(None));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "the owner's").unwrap();
        check(Some(io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read_to_string(&path).unwrap(), "the owner's");
        fs::remove_file(&path).unwrap();
    }
}
