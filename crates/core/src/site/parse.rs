//! Reads `content/site.toml` and refuses what is wrong with it, at build time only.

use std::collections::{BTreeMap, HashMap};

use super::data::Site;

/// Slugs that commands use for something else.
const RESERVED: [&str; 4] = ["activity", "all", "products", "systems"];

/// Reads the owner's TOML. The faults name their keys.
pub(super) fn parse(text: &str) -> Result<Site, Vec<String>> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| vec![error.to_string()])?;
    let missing = missing(&table);
    if !missing.is_empty() {
        return Err(missing);
    }
    let site: Site =
        table.try_into().map_err(|error: toml::de::Error| vec![error.to_string().replace('\n', " ")])?;
    let faults = faults(&site);
    if faults.is_empty() { Ok(site) } else { Err(faults) }
}

/// What the reader of TOML would tell of one at a time, and without the place in the list.
fn missing(table: &toml::Table) -> Vec<String> {
    let mut faults = Vec::new();
    for list in ["products", "systems"] {
        let entries = table.get(list).and_then(toml::Value::as_array);
        for (at, entry) in entries.into_iter().flatten().enumerate() {
            let name = entry.get("slug").and_then(toml::Value::as_str).unwrap_or("?");
            for key in ["slug", "name", "line", "text", "stack"] {
                if entry.get(key).is_none() {
                    faults.push(format!("{list}[{at}].{key}: missing (slug {name:?})"));
                }
            }
        }
    }
    faults
}

fn faults(site: &Site) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: HashMap<&str, String> = HashMap::new();
    for (key, text) in [("name", &site.owner.name), ("role", &site.owner.role), ("line", &site.owner.line)] {
        faults.extend(line_fault(text).map(|fault| format!("owner.{key}: {fault}")));
    }
    faults.extend(link_faults("owner", &site.owner.links));
    for (list, entries) in [("products", &site.products), ("systems", &site.systems)] {
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("{list}[{at}]");
            let slug = entry.slug.as_str();
            let sound = !slug.is_empty()
                && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !sound {
                faults.push(format!("{place}.slug: {slug:?} is not made of a-z, 0-9 and -"));
            }
            if RESERVED.contains(&slug) {
                faults.push(format!("{place}.slug: {slug:?} is a command's own word"));
            }
            if let Some(first) = seen.get(slug) {
                faults.push(format!("{place}.slug: {slug:?} is already used by {first}"));
            } else {
                seen.insert(slug, place.clone());
            }
            for (key, text) in [("name", &entry.name), ("line", &entry.line)] {
                faults.extend(line_fault(text).map(|fault| format!("{place}.{key}: {fault}")));
            }
            if entry.text.trim().is_empty() {
                faults.push(format!("{place}.text: empty"));
            }
            faults.extend(link_faults(&place, &entry.links));
        }
    }
    for (key, account) in [("github", &site.activity.github), ("gitlab", &site.activity.gitlab)] {
        faults.extend(user_fault(&account.user).map(|fault| format!("activity.{key}.user: {fault}")));
        faults.extend(url_fault(&account.url).map(|fault| format!("activity.{key}.url: {fault}")));
    }
    faults
}

fn line_fault(text: &str) -> Option<&'static str> {
    match text.trim() {
        "" => Some("empty"),
        text if text.contains('\n') => Some("more than one line"),
        _ => None,
    }
}

/// A user's name becomes a part of an address.
fn user_fault(user: &str) -> Option<String> {
    let is_sound = user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && (user.is_empty() || user.bytes().any(|b| b.is_ascii_alphanumeric()));
    (!is_sound).then(|| format!("{user:?} is not a user's name"))
}

fn link_faults(place: &str, links: &BTreeMap<String, String>) -> Vec<String> {
    let fault = |(name, url): (&String, &String)| {
        url_fault(url).map(|fault| format!("{place}.links.{name}: {fault}"))
    };
    links.iter().filter_map(fault).collect()
}

fn url_fault(url: &str) -> Option<String> {
    let known = ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
    let sound = known && !url.contains(char::is_whitespace);
    (!sound).then(|| format!("{url:?} is not a link"))
}
