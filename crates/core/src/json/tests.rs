//! The reader beside the one of `serde_json`.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fault, Raw, read};

/// Of every kind that is read anywhere.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Everything {
    name: String,
    #[serde(default)]
    list: Vec<String>,
    count: Option<u16>,
    sum: Option<i64>,
    share: Option<f64>,
    kind: Option<Kind>,
    row: Option<(u64, u32)>,
    known: Option<BTreeMap<String, bool>>,
    any: Option<Value>,
    inner: Option<Box<Self>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Plain,
    Code(u16),
    Names(Vec<String>),
    Pair { old: Option<String>, new: String },
}

const SOUND: &[&str] = &[
    "null",
    " true ",
    "false",
    "0",
    "-0",
    "7",
    "-7",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "-9223372036854775809",
    "1.5",
    "-0.25",
    "1e3",
    "1E-3",
    "2.50e+2",
    "0e99999999999",
    "1e-400",
    "3.141592653589793",
    "12345678901234567890123",
    "\"\"",
    "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u00e4\\ud83d\\ude00\"",
    "\"ä😀\"",
    "[]",
    "[ ]",
    "[1, [2], {}]",
    "{}",
    "{ \"a\" : { \"b\":[] } }",
    r#"{"name":"a","list":["x","y"],"count":7,"sum":-1,"share":0.5,"kind":"plain","row":[1,2]}"#,
    r#"{"name":"\u0041","kind":{"code":3},"known":{"a":true},"any":{"b":[null,1.25]},"inner":{"name":"b"}}"#,
    r#"{"name":"a","kind":{"names":["x"]}}"#,
    r#"{"name":"a","kind":{"pair":{"old":null,"new":"x"}}}"#,
    r#"{"name":"a","kind":{"plain":null}}"#,
    "[\n {\"name\": \"a\",\n  \"count\": 3}\n]",
];

const UNSOUND: &[&str] = &[
    "",
    " ",
    "nul",
    "nulll",
    "tru",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "1e",
    "1e+",
    "1e999",
    "-1e999",
    "'a'",
    "\"a",
    "\"\n\"",
    "\"\\x\"",
    "\"\\u12g4\"",
    "\"\\ud83d\"",
    "\"\\ud83dx\"",
    "\"\\ud83d\\n\"",
    "\"\\ude00\"",
    "\"\\ud83d\\u0041\"",
    "[",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{1:2}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "1 2",
    "[]]",
    r#"{"name":7}"#,
    r#"{"name":null}"#,
    r#"{"list":[]}"#,
    r#"{"name":"a","name":"b"}"#,
    r#"{"name":"a","other":1}"#,
    r#"{"name":"a","count":65536}"#,
    r#"{"name":"a","count":-1}"#,
    r#"{"name":"a","count":1.0}"#,
    r#"{"name":"a","count":"1"}"#,
    r#"{"name":"a","kind":"other"}"#,
    r#"{"name":"a","kind":"code"}"#,
    r#"{"name":"a","kind":{"code":3,"x":4}}"#,
    r#"{"name":"a","kind":{}}"#,
    r#"{"name":"a","kind":7}"#,
    r#"{"name":"a","row":[1]}"#,
    r#"{"name":"a","row":[1,2,3]}"#,
    r#"{"name":"a","known":{"a":1}}"#,
    r#"{"name":"a","list":"x"}"#,
    r#"{"name":"a","list":{"x":1}}"#,
    r#"{"name":"a","inner":{"name":[]}}"#,
    "[\n{\"name\":\"a\",\n\"count\":true}]",
];

/// Both read the same, or both refuse it.
fn check<T>(json: &[u8])
where
    T: for<'a> Deserialize<'a> + Serialize,
{
    let value = |read: T| super::convert::<Value>(&read).expect("what was just written is JSON");
    let expect = serde_json::from_slice::<T>(json).ok().map(value);
    let told = read::<T>(json).ok().map(value);
    let is_same = match (&told, &expect) {
        (Some(told), Some(expect)) => is_near(told, expect),
        (told, expect) => told.is_none() && expect.is_none(),
    };
    assert!(is_same, "{}\n  told {told:?}\n  expected {expect:?}", String::from_utf8_lossy(json));
}

/// Neither of the two finds the nearest float where there are many digits, or large powers of ten.
fn is_near(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_near(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys())
                && one.values().zip(other.values()).all(|(one, other)| is_near(one, other))
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= one.abs() * 1e-14
        }
        _ => one == other,
    }
}

fn check_ignored(json: &[u8]) {
    let expect = serde_json::from_slice::<IgnoredAny>(json).is_ok();
    assert_eq!(read::<IgnoredAny>(json).is_ok(), expect, "{}", String::from_utf8_lossy(json));
}

fn check_all(json: &[u8]) {
    check::<Value>(json);
    check::<String>(json);
    check::<f64>(json);
    check::<Option<i64>>(json);
    check::<()>(json);
    check::<bool>(json);
    check::<Vec<Value>>(json);
    check::<BTreeMap<String, Value>>(json);
    check_ignored(json);
    // A struct is never a list here.
    if json.trim_ascii_start().first() != Some(&b'[') {
        check::<Everything>(json);
    }
    check::<Vec<BTreeMap<String, Kind>>>(json);
}

#[test]
fn what_is_read_and_refused() {
    for json in SOUND.iter().chain(UNSOUND) {
        check_all(json.as_bytes());
    }
    for json in [&b"\"\xff\""[..], b"\"\xc3\\n\xa4\"", b"{\"\xff\":1}", b"[\"\xe2\x82\"]"] {
        check_all(json);
    }
}

#[test]
fn depth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [1, 126, 127, 128, 129, 5000] {
            let json = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            check::<Value>(json.as_bytes());
            check_ignored(json.as_bytes());
        }
    }
}

#[test]
fn places() {
    let check = |json: &str, line, column| {
        assert_eq!(read::<Vec<Everything>>(json), Err(Fault { line, column }), "{json}");
        let error = serde_json::from_str::<Vec<Everything>>(json).unwrap_err();
        assert_eq!((error.line(), error.column()), (line, column), "{json}");
    };
    check("", 1, 0);
    check("[{\"name\":\"a\"}", 1, 13);
    check("[\n  {\"name\": \"a\",\n   \"other\": 1}]", 3, 10);
    check("[{\"name\":\"a\"}, {\"list\":[]}]", 1, 26);
    check("[{\"name\":\"a\",\n\"count\":\"7\"}]", 2, 11);
    check("[{\"name\":7}]", 1, 10);
    check("[{\"name\":\"a\"} x", 1, 15);
    check("{}", 1, 0);
}

#[test]
fn as_it_stands() {
    let check = |json: &str, expect| assert_eq!(read::<Raw<'_>>(json).ok().map(|Raw(text)| text), expect);
    check(" {\"a\": [1, \"\\ud83d\"]} ", Some("{\"a\": [1, \"\\ud83d\"]}"));
    check("7", Some("7"));
    check("7 7", None);
    check("[1,", None);
}

proptest! {
    #[test]
    fn any_value(value in values()) {
        let json = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(read::<Value>(&json).unwrap(), value);
    }

    #[test]
    fn cut_and_changed(at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), byte in prop::sample::select(&b"\"\\[]{}:,-.0e1untf \n\x80\x01"[..])) {
        let all: Vec<&str> = SOUND.iter().chain(UNSOUND).copied().collect();
        let mut json = at.get(&all).as_bytes().to_vec();
        let cut = cut.index(json.len() + 1);
        check_all(&json[..cut]);
        match json.get_mut(cut) {
            Some(old) => *old = byte,
            None => json.push(byte),
        }
        check_all(&json);
    }

    /// So many digits have one nearest float, and it is found.
    #[test]
    fn short_floats(digits in 0_u64..1_000_000_000_000_000, exponent in -22_i32..=22) {
        let json = format!("{digits}e{exponent}");
        prop_assert_eq!(read::<f64>(&json), Ok(json.parse().unwrap()));
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1_000_000_000_i32..1_000_000_000)
            .prop_map(|thousandths| Value::from(f64::from(thousandths) / 1000.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
