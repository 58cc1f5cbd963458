//! Variables and what becomes of them.

use super::*;

const TOKEN: &str = "a-token-of-sixteen";

fn read(variables: &[(&str, &str)]) -> Result<Config, Faults> {
    Config::from_reader(|name| {
        let found = variables.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn little_is_enough() {
    let config = read(&[("NODE_TOKENS", TOKEN), ("MODELS", "a, b:7b"), ("IN_FLIGHT", "1,b:7b=3")]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8088".parse().unwrap());
    assert_eq!(config.ollama, "http://127.0.0.1:11434/");
    assert_eq!(config.socket, PathBuf::from(SOCKET));
    let models: Vec<_> = config.models.iter().map(|model| (&*model.name, model.in_flight)).collect();
    assert_eq!(models, [("a", 1), ("b:7b", 3)]);
    assert_eq!((config.waits, config.queue), (Waits::DEFAULT, 2));
    assert!(!format!("{config:?}").contains(TOKEN));
    let patient = read(&[("NODE_TOKENS", TOKEN), ("MODELS", "a"), ("ANSWER_MS", "1800000")]).unwrap();
    assert_eq!(patient.waits.answer, Duration::from_secs(1800));
    let access = [("ACCESS_TEAM", "home"), ("ACCESS_AUD", "f00"), ("MODELS", "a")];
    let access = read(&access).unwrap().credentials.access.unwrap();
    assert_eq!(access.keys, "https://home.cloudflareaccess.com/cdn-cgi/access/certs");
}

#[test]
fn faults_by_name() {
    let check = |more: &[(&str, &str)], expect: &[&str]| {
        let variables = [&[("NODE_TOKENS", TOKEN), ("MODELS", "a")], more].concat();
        let faults = read(&variables).unwrap_err().0;
        assert_eq!(faults.len(), expect.len(), "{faults:?}");
        for (fault, name) in faults.iter().zip(expect) {
            assert!(fault.contains(name), "{fault}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    };
    check(&[("NODE_TOKENS", "")], &["NODE_TOKENS"]);
    check(&[("NODE_TOKENS", "secret")], &["NODE_TOKENS"]);
    check(&[("NODE_TOKENS_FILE", "/x")], &["NODE_TOKENS_FILE"]);
    check(&[("MODELS", " , ")], &["MODELS"]);
    check(&[("OLLAMA_URL", "https://127.0.0.1")], &["OLLAMA_URL"]);
    check(&[("OLLAMA_URL", "http://user:secret@host/")], &["OLLAMA_URL"]);
    check(&[("OLLAMA_URL", "http://host/path")], &["OLLAMA_URL"]);
    check(&[("ACCESS_TEAM", "home")], &["ACCESS_AUD"]);
    check(&[("ACCESS_TEAM", "a/b"), ("ACCESS_AUD", "x")], &["ACCESS_TEAM"]);
    check(&[("ANSWER_MS", "0")], &["ANSWER_MS"]);
    check(&[("IN_FLIGHT", "0")], &["IN_FLIGHT"]);
    check(&[("IN_FLIGHT", "c=1")], &["IN_FLIGHT"]);
    check(
        &[("QUEUE", "x"), ("QUEUE_MS", "-1"), ("LIMIT_NUM_CTX", "0"), ("HOMEFIRE_NODE_LISTEN", "here")],
        &["HOMEFIRE_NODE_LISTEN", "QUEUE_MS", "LIMIT_NUM_CTX", "QUEUE"],
    );
}
