//! `homefire dev`: the whole service on this machine, with nodes that can be killed.

mod events;
mod home;
mod serve;
pub(crate) mod variables;

use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use homefire_sim::Reach;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::keyboard::{self, Key};
use crate::{Refused, outage, screen};
pub(crate) use home::Home;

#[derive(Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// What runs the service.
    #[arg(long, value_enum, default_value_t = On::Native)]
    on: On,
    /// Play a story instead of waiting for keys, and end. Exit code 0: it went as it should.
    #[arg(long, value_enum)]
    script: Option<Script>,
}

/// What runs the service.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// The native server. Needs only Cargo.
    Native,
    /// The built Worker in `wrangler dev`.
    Workerd,
    /// The functions in `vercel dev`.
    Vercel,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Script {
    /// The fast node dies in the middle of an answer, and comes back.
    Outage,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let mut home = Home::open().await?;
    if options.script == Some(Script::Outage) && !home.is_simulated() {
        let refused = "the outage is played with simulated nodes, and real ones are configured";
        return Err(Refused(refused.to_owned()).into());
    }
    if options.script.is_some() {
        home.hurry();
    }
    let mut service = serve::start(options.on, options.port, &home.variables).await?;
    let url = service.url();
    tell!("ready {url}");
    if options.script == Some(Script::Outage) {
        return outage::play(&url, &mut home, options.on == On::Native).await;
    }
    let (mut terminate, mut hang_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    greet(&url, &home);
    let (keys, mut pressed) = mpsc::channel(8);
    let mut glance = tokio::time::interval(Duration::from_millis(200));
    // Gives the terminal back when it is dropped, however this ends.
    let keyboard = keyboard::listen(keys);
    if keyboard.is_some() && home.is_simulated() {
        screen::say("k kills and revives the fast one, q ends. Try it while an answer streams.");
    }
    loop {
        tokio::select! {
            Some(key) = pressed.recv() => match key {
                Key::Kill => toggle(&mut home).await?,
                Key::Quit => return Ok(()),
            },
            _ = glance.tick() => show_mails(&mut home),
            ended = service.ended() => return ended,
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = hang_up.recv() => return Ok(()),
        }
    }
}

fn show_mails(home: &mut Home) {
    for mail in home.new_mails() {
        screen::say(&format!("✉ {}", mail.subject));
        mail.text.unwrap_or_default().lines().for_each(|line| screen::say(&format!("│ {line}")));
    }
}

fn greet(url: &str, home: &Home) {
    let curl = format!("curl -N {url}/api/terminal -H 'content-type: application/json' -d");
    tell!();
    tell!("  A page:              {url}/");
    tell!("  A command:           {curl} '{{\"query\":\"list all\"}}'");
    tell!("  A question:          {curl} '{{\"query\":\"What do you build?\"}}'");
    tell!(
        "  One that goes on:    {curl} '{{\"query\":\"And then?\",\"history\":[{{\"role\":\"user\",\"content\":\"One?\"}},{{\"role\":\"assistant\",\"content\":\"Two.\"}}]}}'"
    );
    tell!("  A draft:             cargo homefire draft --days 9 --url {url}");
    tell!();
    tell!("  Nodes: {}", home.describe());
    tell!();
}

async fn toggle(home: &mut Home) -> Result<()> {
    match home.mini() {
        None => screen::say("The nodes are real: kill them yourself."),
        Some(mini) if mini.reach() == Reach::Up => {
            mini.set(Reach::Down).await?;
            screen::say("mini is dead. Press k to revive it.");
        }
        Some(mini) => {
            mini.set(Reach::Up).await?;
            screen::say("mini is back.");
        }
    }
    Ok(())
}
