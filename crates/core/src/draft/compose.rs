//! The order of things: ask, ask once more, ask the next node, and at the end take the template.

use super::audience::Audience;
use super::prompt;
use super::request::{Request, Sender};
use super::template;
use super::written::{Source, Written, with_values};
use super::{Accepted, Draft, Refusal, accept};
use crate::config::Config;
use crate::event::Event;
use crate::failure::Failure;
use crate::ollama::{Done, Prompt, Reason};
use crate::platform::{Platform, new_id};
use crate::relay::State;
use crate::service::Service;
use crate::upstream::{Asking, Failover, Question};

/// A draft that a model wrote.
struct Good {
    draft: Draft,
    mended: Vec<String>,
    source: Source,
    node: String,
    model: String,
}

/// Writes the draft. It has no error: the template is always there.
pub(super) async fn compose<P: Platform>(
    platform: &P,
    service: &Service,
    request: &Request,
    question: Question,
    audience: &mut Audience<'_>,
) -> Written {
    let (arrived, trail) = (question.arrived, question.trail.clone());
    let good = ask_nodes(platform, &service.config, request, question, audience).await;
    let id = new_id(platform);
    let (tone, attempts) = (request.tone, trail.attempts());
    let values = |draft: &Draft| request.values.as_ref().map(|values| with_values(draft, values));
    let written = match good {
        Some(Good { draft, mended, source, node, model }) => Written {
            id,
            source,
            tone,
            language: request.language.clone(),
            values: values(&draft),
            draft,
            mended,
            node: Some(node),
            model: Some(model),
            attempts,
        },
        None => {
            let (draft, language) = template::draft(tone, &request.language, &request.sender);
            Written {
                id,
                source: Source::Template,
                tone,
                language: language.to_owned(),
                values: values(&draft),
                draft,
                mended: Vec::new(),
                node: None,
                model: None,
                attempts,
            }
        }
    };
    service.memory.keep_draft(&written.id, &written.draft.body);
    platform.log(&Event::Drafted {
        id: written.id.clone(),
        source: written.source,
        node: written.node.clone(),
        tone,
        attempts: written.attempts.len(),
        ms: platform.now().millis_since(arrived),
    });
    written
}

async fn ask_nodes<P: Platform>(
    platform: &P,
    config: &Config,
    request: &Request,
    question: Question,
    audience: &mut Audience<'_>,
) -> Option<Good> {
    let first = &question.prompt;
    let mut failover = Failover::new(question.order(platform, config));
    while let Some(attempt) = failover.advance() {
        let mut prompt = first.clone();
        for source in [Source::Model, Source::Repaired] {
            let mut asking = Asking::new(platform, config, &question, attempt);
            let mut answer = String::new();
            let why = match listen(platform, &mut asking, &prompt, &mut answer, audience).await {
                Ok(reason) => match judge(&answer, reason, &request.sender) {
                    Ok(Accepted { draft, mended }) => {
                        asking.succeeded("draft");
                        let (node, model) = (asking.node(), asking.model());
                        return Some(Good { draft, mended, source, node, model });
                    }
                    Err(refusal) => Failure::Contract(refusal),
                },
                Err(why) => why,
            };
            asking.failed(why);
            audience.restart().await;
            match (why, source) {
                (Failure::Contract(refusal), Source::Model) => {
                    prompt = prompt::ask_again(first, &answer, refusal);
                }
                _ => {
                    // What one node rejects another one may take: the request is ours, not a reader's.
                    if why != Failure::Rejected {
                        failover.failed(why);
                    }
                    break;
                }
            }
        }
    }
    None
}

/// What a model could not finish has lost its end, even where what there is could be read.
fn judge(answer: &str, reason: Reason, sender: &Sender) -> Result<Accepted, Refusal> {
    let is_closed = answer.trim_end().ends_with(['}', ']', '`']);
    match reason {
        Reason::Length if !is_closed => Err(Refusal::Truncated),
        Reason::Length | Reason::Stop => accept(answer, sender),
    }
}

/// Gathers one whole answer.
async fn listen<P: Platform>(
    platform: &P,
    asking: &mut Asking<'_, P>,
    prompt: &Prompt,
    answer: &mut String,
    audience: &mut Audience<'_>,
) -> Result<Reason, Failure> {
    let mut hearing = asking.first_word(prompt, String::new(), audience.sink).await?;
    loop {
        let piece = &hearing.output()[answer.len()..];
        let is_told = audience.hear(piece).await;
        answer.push_str(piece);
        if let State::Done(Done { reason, .. }) = *hearing.state() {
            hearing.linger(platform).await;
            return Ok(reason);
        }
        hearing.next(platform, audience.sink, is_told).await?;
    }
}
