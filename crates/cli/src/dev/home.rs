//! The nodes that `dev` asks: the owner's, or two simulated ones.

use std::time::Duration;

use anyhow::Result;
use homefire_core::config::Config;
use homefire_core::site::Site;
use homefire_sim::accounts::{Account, Forge};
use homefire_sim::mail::{Mail, Mailroom};
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{Node, Pace, Server};

use super::variables::{self, DEV_DRAFT_KEY};
use crate::Refused;

/// The variables of the service, and the simulated nodes that live as long as this.
pub(crate) struct Home {
    pub(crate) variables: Vec<(String, String)>,
    simulated: Option<Simulated>,
    names: Vec<String>,
}

struct Simulated {
    nodes: [Server; 2],
    /// What the nodes were asked.
    asked: [Node; 2],
    mail: Server<Mailroom>,
    mails_shown: usize,
    _accounts: [Server<Account>; 2],
}

/// What opens the simulated mail service.
const MAIL_KEY: &str = "re_simulated";

/// What leads from simulated nodes to the owner's real services, opens their doors, or names what is on his nodes.
const REAL: [&str; 13] = [
    "HOMEFIRE_NODES",
    "OLLAMA_FALLBACK_URL",
    "PRIMARY_MODEL",
    "FALLBACK_MODEL",
    "NODE_TOKEN",
    "CF_ACCESS_CLIENT_ID",
    "CF_ACCESS_CLIENT_SECRET",
    "HOMEFIRE_STORE",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
    "HEARTBEAT_URL",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
];

/// From one round of the monitor to the next, where nothing else is said: nobody watches for five minutes.
const ROUND: u64 = 5000;

/// A Mac mini on a desk.
const FAST: Pace = Pace {
    first: Duration::from_millis(350),
    between: Duration::from_millis(45),
    load: Duration::from_millis(900),
};

/// A small machine in the cloud.
const SLOW: Pace = Pace {
    first: Duration::from_millis(1400),
    between: Duration::from_millis(130),
    load: Duration::from_millis(1500),
};

impl Home {
    /// Reads the environment and `.env`; what is wrong with them is told at once.
    pub(crate) async fn open() -> Result<Self> {
        let mut variables = variables::read()?;
        let is_set =
            |name: &str| variables.iter().any(|(known, value)| known == name && !value.trim().is_empty());
        let (is_open, is_configured, has_period) = (
            is_set("DRAFT_KEY"),
            is_set("OLLAMA_PRIMARY_URL") || is_set("HOMEFIRE_NODES"),
            is_set("MONITOR_MS"),
        );
        if !is_open {
            set(&mut variables, "DRAFT_KEY", DEV_DRAFT_KEY);
        }
        let simulated = match is_configured {
            true => None,
            false => {
                let asked = [FAST, SLOW].map(|pace| Node::new(&MODELS, pace));
                let nodes = [
                    Server::start(asked[0].clone(), 0, true).await?,
                    Server::start(asked[1].clone(), 0, true).await?,
                ];
                variables.retain(|(name, _)| !REAL.contains(&&**name));
                set(&mut variables, "HOMEFIRE_NODES", &nodes_variable(&nodes[0].url(), &nodes[1].url()));
                let mail = Server::open(Mailroom::new(MAIL_KEY, 10), 0, true).await?;
                let [github, gitlab] = [account(Forge::GitHub).await?, account(Forge::GitLab).await?];
                for (name, value) in [
                    ("GITHUB_API_URL", &*github.url()),
                    ("GITLAB_API_URL", &format!("{}/api/v4", gitlab.url())),
                    ("RESEND_API_KEY", MAIL_KEY),
                    ("RESEND_BASE_URL", &mail.url()),
                    ("MAIL_FROM", "Homefire <homefire@example.com>"),
                    ("MAIL_TO", "owner@example.com"),
                ] {
                    set(&mut variables, name, value);
                }
                if !has_period {
                    set(&mut variables, "MONITOR_MS", &ROUND.to_string());
                }
                Some(Simulated { nodes, asked, mail, mails_shown: 0, _accounts: [github, gitlab] })
            }
        };
        let find =
            |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let config = Config::from_reader(find).map_err(|faults| Refused(faults.to_string()))?;
        let names = config.nodes.iter().map(|node| node.name.clone()).collect();
        Ok(Self { variables, simulated, names })
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.simulated.is_some()
    }

    /// The monitor looks as often as somebody who waits for it would like, or more often where that is asked for.
    pub(crate) fn hurry(&mut self) {
        hurry(&mut self.variables);
    }

    /// The fast simulated node.
    pub(crate) fn mini(&mut self) -> Option<&mut Server> {
        self.simulated.as_mut().map(|simulated| &mut simulated.nodes[0])
    }

    /// The mails that the simulated owner got since the last call. What the nodes were asked meanwhile is forgotten: they
    /// run for days.
    pub(crate) fn new_mails(&mut self) -> Vec<Mail> {
        let Some(simulated) = &mut self.simulated else { return Vec::new() };
        simulated.asked.iter().for_each(Node::forget);
        let mails = simulated.mail.service().mails().split_off(simulated.mails_shown);
        simulated.mails_shown += mails.len();
        mails
    }

    pub(crate) fn describe(&self) -> String {
        let kind = if self.is_simulated() { ", simulated" } else { "" };
        format!("{}{kind}", self.names.join(", then "))
    }
}

fn set(variables: &mut Vec<(String, String)>, name: &str, value: &str) {
    variables.retain(|(known, _)| known != name);
    variables.push((name.to_owned(), value.to_owned()));
}

fn hurry(variables: &mut Vec<(String, String)>) {
    let given =
        variables.iter().find(|(name, _)| name == "MONITOR_MS").map(|(_, period)| period.trim().parse());
    if !matches!(given, Some(Ok(0..=ROUND))) {
        set(variables, "MONITOR_MS", &ROUND.to_string());
    }
}

/// The owner's account there, with a few pushes of the first days of 2026.
async fn account(forge: Forge) -> Result<Server<Account>> {
    let activity = &Site::load().activity;
    let user = match forge {
        Forge::GitHub => activity.github.user,
        Forge::GitLab => activity.gitlab.user,
    };
    let account = Account::new(forge, user, None);
    account.publish((1..=3).rev().map(|day| forge.push(day)).collect());
    Ok(Server::open(account, 0, true).await?)
}

#[cfg(test)]
mod tests {
    use homefire_core::config::VARIABLES;

    use super::*;

    #[test]
    fn what_is_kept_from_simulated_nodes_has_its_name() {
        assert!(REAL.iter().all(|name| VARIABLES.contains(name)), "{REAL:?}");
    }

    #[test]
    fn a_script_waits_for_no_long_rounds() {
        let check = |given: Option<&str>, expect: &str| {
            let mut variables = Vec::new();
            given.into_iter().for_each(|period| set(&mut variables, "MONITOR_MS", period));
            hurry(&mut variables);
            assert_eq!(variables, [("MONITOR_MS".to_owned(), expect.to_owned())]);
        };
        check(Some("2000"), "2000");
        check(Some(" 5000 "), " 5000 ");
        check(Some("300000"), "5000");
        check(Some(""), "5000");
        check(None, "5000");
    }
}
