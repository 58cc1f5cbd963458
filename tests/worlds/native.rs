//! The native server, in this process, behind a real socket.

use std::sync::Arc;

use homefire_core::service::Service;
use homefire_native::Native;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::home::Home;
use super::socket::{Log, Service as Listening, SocketWorld};

pub(crate) async fn start(home: Home, variables: &[(String, String)]) -> Result<SocketWorld, String> {
    let read = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let service = Service::from_reader(read).map_err(|faults| faults.to_string())?;
    let log = Log::default();
    let platform = Native::with_log(&service.config.deadlines, {
        let log = log.clone();
        move |event| log.push(&serde_json::to_string(event).expect("events serialize"))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let addr = listener.local_addr().map_err(|error| error.to_string())?;
    let serve = homefire_native::serve(
        listener,
        platform,
        Arc::new(service),
        "public".into(),
        std::future::pending(),
    );
    #[expect(clippy::disallowed_methods, reason = "aborted with the world")]
    let task = tokio::spawn(serve);
    let listening = Listening::new("/", format!("http://{addr}"), Task(task));
    Ok(SocketWorld::new(vec![listening], home, log))
}

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
