//! The owner's typed data: what the commands answer and what the model is told.

mod data;
#[cfg(test)]
mod parse;
mod prompt;

use std::sync::LazyLock;

use crate::json;

pub use data::{Account, Act, Activity, Entry, Owner, Site};

impl Site {
    /// The data that was validated when this library was built.
    pub fn load() -> &'static Self {
        const JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/site.json"));
        static SITE: LazyLock<Site> =
            LazyLock::new(|| json::read(JSON).expect("the build script wrote what it had read"));
        &SITE
    }

    /// Products and systems.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.products.iter().chain(&self.systems)
    }

    /// The product or system of that slug.
    pub fn entry(&self, slug: &str) -> Option<&Entry> {
        self.entries().find(|entry| entry.slug == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::parse::parse;

    const SITE: &str = include_str!("../../../content/site.toml");

    #[test]
    fn the_example_is_sound() {
        let site = parse(SITE).unwrap();
        assert!(site.products.len() >= 5 && site.systems.len() >= 3);
        assert!(site.entry("portfolio").is_some() && site.entry("paychasers").is_some());
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
