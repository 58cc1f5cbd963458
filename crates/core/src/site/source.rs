//! Writes what the owner says as a constant of the library, at build time only.

use super::data::{Account, Act, Activity, Entry, Owner, Site};

pub(super) fn source(Site { owner, products, systems, activity }: &Site, prompt: &str) -> String {
    let Owner { name, role, line, text, links: _ } = owner;
    let Activity { as_of, github, gitlab } = activity;
    format!(
        "Site {{ owner: Owner {{ name: {name:?}, role: {role:?}, line: {line:?}, text: {text:?} }}, \
         products: {}, systems: {}, \
         activity: Activity {{ as_of: {as_of:?}, github: {}, gitlab: {} }}, prompt: {prompt:?} }}",
        list(products, entry),
        list(systems, entry),
        account(github),
        account(gitlab)
    )
}

fn entry(Entry { slug, name, line, text, stack, links, more }: &Entry) -> String {
    let links: Vec<_> = links.iter().collect();
    let more: Vec<_> = more.iter().map(|(name, value)| (name, value.to_string())).collect();
    format!(
        "Entry {{ slug: {slug:?}, name: {name:?}, line: {line:?}, text: {text:?}, \
         stack: &{stack:?}, links: &{links:?}, more: &{more:?} }}"
    )
}

fn account(Account { user, url, recent }: &Account) -> String {
    let act =
        |Act { repo, date, line }: &Act| format!("Act {{ repo: {repo:?}, date: {date:?}, line: {line:?} }}");
    format!("Account {{ user: {user:?}, url: {url:?}, recent: {} }}", list(recent, act))
}

fn list<T>(items: &[T], item: impl Fn(&T) -> String) -> String {
    format!("&[{}]", items.iter().map(item).collect::<Vec<_>>().join(", "))
}
