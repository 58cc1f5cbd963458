//! The storm in virtual time: one seed, one run.

use std::time::Duration;

use bytes::Bytes;
use homefire_core::service::Service;
use http::{Request, Response};

use super::town::{MAIL_KEY, NODES, Part, Rules, STORE_TOKEN, Town, variables};
use crate::house;
use crate::in_process::InProcess;
use crate::mail::Mailroom;
use crate::node::{Node, Pace};
use crate::redis::{Slate, Upstash};
use crate::scenario::{Chunks, MODELS};
use crate::socket::Reach;

/// No socket, no thread, no waiting: tokio's clock must be paused, on one thread.
#[derive(Debug)]
pub struct VirtualTown {
    platform: InProcess,
    service: Service,
    nodes: Vec<Node>,
    store: Upstash<Slate>,
    mail: Mailroom,
}

/// As fast as a reader's patience wants it.
pub const PACE: Pace =
    Pace { first: Duration::from_millis(2), between: Duration::from_millis(1), load: Duration::ZERO };

impl Default for VirtualTown {
    fn default() -> Self {
        let hosts: [String; NODES] = std::array::from_fn(|nth| format!("node-{nth}"));
        let urls = hosts.each_ref().map(|host| format!("http://{host}"));
        let variables = variables(&urls, Some("http://store"), "http://mail");
        let find = |name: &str| variables.iter().find(|(known, _)| known == name);
        let service = Service::from_reader(|name| find(name).map(|(_, value)| value.clone()))
            .expect("the settings of the storm are sound");
        let nodes: Vec<Node> = hosts.iter().map(|_| Node::new(&MODELS, PACE)).collect();
        let platform = InProcess::new(hosts.into_iter().zip(nodes.clone()), service.config.deadlines.connect);
        let (store, mail) = (Upstash::new(Slate::default(), STORE_TOKEN), Mailroom::new(MAIL_KEY, 10));
        platform.add("store", store.clone());
        platform.add("mail", mail.clone());
        Self { platform, service, nodes, store, mail }
    }
}

impl Town for VirtualTown {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Chunks>, String> {
        Ok(house::answer(&self.platform, &self.service, request).await)
    }

    fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn store(&self) -> &Upstash<Slate> {
        &self.store
    }

    fn mail(&self) -> &Mailroom {
        &self.mail
    }

    async fn set(&self, part: Part, reach: Reach) {
        match part {
            Part::Node(nth) => self.platform.set(nth, reach),
            Part::Store => self.platform.set_outside("store", reach),
            Part::Mail => self.platform.set_outside("mail", reach),
        }
    }

    /// The nodes are in it, and so are the readers.
    fn memory(&self) -> Option<u64> {
        None
    }

    fn tidy(&self) {
        self.platform.take_events();
    }

    fn rules(&self) -> Rules {
        Rules {
            readers: 6,
            notice: Duration::ZERO,
            // A reader who looks away is cut off a second late.
            grace: Duration::from_secs(1),
            prompt: (1.0, Duration::ZERO),
            is_patient: true,
            counts_here: true,
        }
    }
}
