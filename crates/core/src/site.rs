//! The owner's typed data: what the commands answer and what the model is told.

#[cfg(test)]
#[expect(dead_code, reason = "the build script makes the library's own data of it")]
mod data;
#[cfg(test)]
mod parse;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json;

/// Everything that the owner says.
#[derive(Debug)]
pub struct Site {
    /// Who it is about.
    pub owner: Owner,
    /// What the owner has made.
    pub products: &'static [Entry],
    /// What it runs on.
    pub systems: &'static [Entry],
    /// What was done lately.
    pub activity: Activity,
    /// What the model is told of it before every question.
    pub prompt: &'static str,
}

/// Who it is about.
#[derive(Debug)]
pub struct Owner {
    /// The full name.
    pub name: &'static str,
    /// What the owner is.
    pub role: &'static str,
    /// One line.
    pub line: &'static str,
    /// Some sentences.
    pub text: &'static str,
}

/// A product or a system.
#[derive(Debug)]
pub struct Entry {
    /// What it is called in commands: `[a-z0-9-]`.
    pub slug: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// One line.
    pub line: &'static str,
    /// Some sentences.
    pub text: &'static str,
    /// What it is made of.
    pub stack: &'static [&'static str],
    /// Names and URLs.
    pub links: &'static [(&'static str, &'static str)],
    /// Whatever else the owner says of it: names and JSON.
    pub more: &'static [(&'static str, &'static str)],
}

/// What was done lately.
#[derive(Debug)]
pub struct Activity {
    /// The day of the snapshot.
    pub as_of: &'static str,
    /// On GitHub.
    pub github: Account,
    /// On GitLab.
    pub gitlab: Account,
}

/// What was done lately in one place.
#[derive(Debug)]
pub struct Account {
    /// The owner's name there; empty where there is no account to ask.
    pub user: &'static str,
    /// Where to see more.
    pub url: &'static str,
    /// The newest first.
    pub recent: &'static [Act<&'static str>],
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act<T = String> {
    /// Where.
    pub repo: T,
    /// When: `YYYY-MM-DD`.
    pub date: T,
    /// What.
    pub line: T,
}

impl Site {
    /// The data that was validated when this library was built.
    pub fn load() -> &'static Self {
        static SITE: Site = include!(concat!(env!("OUT_DIR"), "/site.rs"));
        &SITE
    }

    /// Products and systems.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.products.iter().chain(self.systems)
    }

    /// The product or system of that slug.
    pub fn entry(&self, slug: &str) -> Option<&Entry> {
        self.entries().find(|entry| entry.slug == slug)
    }
}

impl Entry {
    /// All that the owner says of it.
    pub fn fields(&self) -> Map<String, Value> {
        let texts = [("slug", self.slug), ("name", self.name), ("line", self.line), ("text", self.text)];
        let mut fields: Map<_, _> =
            texts.map(|(name, text)| (name.to_owned(), text.into())).into_iter().collect();
        fields.insert("stack".to_owned(), self.stack.into());
        let links: Map<_, _> =
            self.links.iter().map(|(name, url)| ((*name).to_owned(), (*url).into())).collect();
        fields.insert("links".to_owned(), links.into());
        for (name, json) in self.more {
            fields.insert((*name).to_owned(), json::read(*json).expect("the build script wrote it"));
        }
        fields
    }
}

impl Account {
    /// What the owner wrote that was done.
    pub fn recent(&self) -> Vec<Act> {
        let owned = |Act { repo, date, line }: &Act<&str>| Act {
            repo: (*repo).to_owned(),
            date: (*date).to_owned(),
            line: (*line).to_owned(),
        };
        self.recent.iter().map(owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Site;
    use super::parse::parse;

    const SITE: &str = include_str!("../../../content/site.toml");

    #[test]
    fn the_example_is_sound() {
        let site = parse(SITE).unwrap();
        assert!(site.products.len() >= 5 && site.systems.len() >= 3);
        let site = Site::load();
        assert!(site.entry("portfolio").is_some() && site.entry("paychasers").is_some());
    }

    #[test]
    fn the_model_is_told_what_the_commands_tell() {
        let site = Site::load();
        assert!(site.entries().all(|entry| site.prompt.contains(entry.line)));
        assert!(site.prompt.contains(site.owner.name));
        for link in parse(SITE).unwrap().owner.links.values() {
            assert!(site.prompt.contains(link.trim_start_matches("mailto:")), "{link}");
        }
    }

    #[test]
    fn faults_name_their_keys() {
        let check = |from: &str, to: &str, expect: &str| {
            assert!(SITE.contains(from), "{from} is not in the example");
            let told = parse(&SITE.replacen(from, to, 1)).unwrap_err().join("\n");
            assert!(told.contains(expect), "{to}\n  expected {expect}\n  told {told}");
        };
        check(
            "slug = \"tidemark\"",
            "slug = \"paychasers\"",
            "products[2].slug: \"paychasers\" is already used by products[1]",
        );
        check(
            "slug = \"edge\"",
            "slug = \"quarry\"",
            "systems[2].slug: \"quarry\" is already used by products[4]",
        );
        check("name = \"Lantern\"\n", "", "products[3].name: missing (slug \"lantern\")");
        check("slug = \"lantern\"\n", "", "products[3].slug: missing");
        check("slug = \"lantern\"", "slug = \"Lan tern\"", "products[3].slug: \"Lan tern\" is not made of");
        check(
            "slug = \"lantern\"",
            "slug = \"activity\"",
            "products[3].slug: \"activity\" is a command's own word",
        );
        check("name = \"Quarry\"", "name = \" \"", "products[4].name: empty");
        check("name = \"Quarry\"", "name = \"\"\"a\nb\"\"\"", "products[4].name: more than one line");
        check("name = \"Quarry\"", "name = 7", "name");
        check("https://ollama.com", "ollama.com", "systems[0].links.ollama: \"ollama.com\" is not a link");
        check(
            "user = \"ada-example\"",
            "user = \"ada/..\"",
            "activity.github.user: \"ada/..\" is not a user's",
        );
        check("user = \"ada-example\"", "user = \"..\"", "activity.github.user: \"..\" is not a user's");
        check("role = \"Software engineer\"\n", "", "role");
        check("[owner]", "[owner", "line 4");
    }
}
