//! The owner takes a machine out of service: everybody may know, and nobody is written to. Its Ollama falls later: that is
//! written about, though the guard before it stands.

use homefire_sim::Reach;
use homefire_sim::scenario::{Ward, World};

use super::Story;

pub(super) async fn play(story: &mut Story) -> Result<(), String> {
    story.rounds(1).await?;
    story.state("mini", "up").await?;

    story.world.guard(0, Ward::Draining).await?;
    story.rounds(3).await?;
    story.state("mini", "drained").await?;
    story.state("cloud", "up").await?;

    story.world.rest().await?;
    story.rounds(1).await?;
    story.state("mini", "up").await?;
    story.told(&[])?;

    story.set(0, Reach::Down).await?;
    story.rounds(2).await?;
    story.told(&["Homefire: mini down"])?;
    story.state("mini", "down").await
}
