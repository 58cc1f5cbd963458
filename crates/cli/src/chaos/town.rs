//! Nodes, a store and a mail service that listen, and the service before them.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use clap::ValueEnum;
use futures_util::stream::StreamExt;
use homefire_sim::chaos::{MAIL_KEY, NODES, PACE, Part, Rules, STORE_TOKEN, Town, variables};
use homefire_sim::mail::Mailroom;
use homefire_sim::redis::{Slate, Upstash};
use homefire_sim::scenario::{Chunks, MODELS};
use homefire_sim::{Node, Reach, Server};
use http::{Request, Response};
use tokio::sync::Mutex;

use crate::edge::{Edge, On};

pub(super) struct SocketTown {
    on: On,
    keeper: Keeper,
    is_slow: bool,
    edge: Edge,
    client: reqwest::Client,
    nodes: Vec<Node>,
    store: Upstash<Slate>,
    mail: Mailroom,
    listening: Mutex<Listening>,
}

struct Listening {
    nodes: Vec<Server>,
    store: Server<Upstash<Slate>>,
    mail: Server<Mailroom>,
}

/// What keeps the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Keeper {
    /// A simulated store, which vanishes and falters.
    Upstash,
    /// What the runtime has: the Durable Object on workerd, else the memory of one instance.
    Own,
}

impl SocketTown {
    pub(super) async fn open(on: On, keeper: Keeper, is_slow: bool) -> Result<Self> {
        let nodes: Vec<Node> = (0..NODES).map(|_| Node::new(&MODELS, PACE)).collect();
        let (store, mail) = (Upstash::new(Slate::default(), STORE_TOKEN), Mailroom::new(MAIL_KEY, 10));
        let mut servers = Vec::new();
        for node in &nodes {
            servers.push(Server::start(node.clone(), 0, false).await?);
        }
        let listening = Listening {
            nodes: servers,
            store: Server::open(store.clone(), 0, false).await?,
            mail: Server::open(mail.clone(), 0, false).await?,
        };
        let urls: Vec<String> = listening.nodes.iter().map(Server::url).collect();
        let store_url = (keeper == Keeper::Upstash).then(|| listening.store.url());
        let edge = Edge::start(on, &variables(&urls, store_url.as_deref(), &listening.mail.url())).await?;
        // Whether an idle connection is still good when it is used again is a race with whoever closes it.
        let client = homefire_native::client().pool_max_idle_per_host(0).build()?;
        Ok(Self { on, keeper, is_slow, edge, client, nodes, store, mail, listening: Mutex::new(listening) })
    }

    /// What the service has written.
    pub(super) fn log(&self) -> Result<String> {
        self.edge.log()
    }
}

impl Town for SocketTown {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Chunks>, String> {
        let url = self.edge.url(request.uri().path());
        let (head, body) = request.into_parts();
        let sent = self.client.request(head.method, url).headers(head.headers).body(body).send().await;
        let reply = sent.map_err(|error| format!("{error:?}"))?;
        let mut response = Response::new(());
        *response.status_mut() = reply.status();
        *response.headers_mut() = reply.headers().clone();
        let chunks = reply.bytes_stream().map(|chunk| chunk.map_err(|error| format!("{error:?}")));
        Ok(response.map(|()| -> Chunks { Box::pin(chunks) }))
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
        let mut listening = self.listening.lock().await;
        let set = match part {
            Part::Node(nth) => listening.nodes[nth].set(reach).await,
            Part::Store => listening.store.set(reach).await,
            Part::Mail => listening.mail.set(reach).await,
        };
        set.expect("an address that was had once can be had again");
    }

    fn memory(&self) -> Option<u64> {
        self.edge.memory()
    }

    fn tidy(&self) {}

    fn rules(&self) -> Rules {
        let (pace, prompt) = if self.is_slow { (3, Duration::MAX) } else { (1, Duration::from_millis(50)) };
        Rules {
            readers: 10,
            // Vercel and Workers notice at a write: after the early head, at the second heartbeat, on a busy machine.
            notice: pace * Duration::from_secs(if self.on == On::Native { 2 } else { 5 }),
            grace: pace * Duration::from_secs(3),
            prompt: (0.99, prompt),
            is_patient: false,
            counts_here: self.keeper == Keeper::Upstash,
        }
    }
}
