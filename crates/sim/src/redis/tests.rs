//! The stand-in beside the real server, and the front before both.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use super::{Command, ENTER, Engine, Fault, Redis, Reply, SWAP, Slate, Upstash, VISIT};
use crate::outside::{Broken, Outside};

/// `{swap}`, `{enter}` and `{visit}` are the scripts.
fn command(text: &str) -> Command {
    let word = |word: &str| match word {
        "{swap}" => Bytes::from_static(SWAP.as_bytes()),
        "{enter}" => Bytes::from_static(ENTER.as_bytes()),
        "{visit}" => Bytes::from_static(VISIT.as_bytes()),
        "''" => Bytes::new(),
        _ => word.to_owned().into(),
    };
    text.split(' ').map(word).collect()
}

#[tokio::test]
async fn the_stand_in_answers_as_redis_does() {
    let (redis, slate) = (Redis::start().await.unwrap(), Slate::default());
    let session = [
        "PING", "GET k", "TYPE k", "SET k v", "GET k", "TYPE k", "set k w NX", "GET k", "SET n 1 NX EX 100",
        "GET n", "SET n 1 EX 0", "SET n 1 EX -1", "SET n 1 EX x", "SET n 1 EX", "SET n 1 XY",
        "DEL k n nobody", "GET k", "DEL", "GET", "GET a b", "TYPE", "SET k", "NONSENSE a b", "nonsense",
        "HSET h f v", "HSET h f w g x", "HSET h f", "TYPE h", "GET h", "SET h v NX", "SET h v", "GET h",
        "HSET h f v",
    ];
    let swaps = [
        // What is missing is an empty text.
        "EVAL {swap} 1 s a b", "GET s", "EVAL {swap} 1 s '' a", "GET s", "EVAL {swap} 1 s a b", "GET s",
        "EVAL {swap} 1 s a c", "GET s", "EVAL {swap} 1 s '' c", "GET s", "EVAL {swap} 1 s b b",
        "EVAL {swap} 1 s b ''", "EVAL {swap} 1 s '' a", "GET s",
        // What is no text is one, too.
        "HSET t f v", "EVAL {swap} 1 t a b", "TYPE t", "EVAL {swap} 1 t '' b", "GET t", "TYPE t",
    ];
    let leases = [
        "ZCARD l",
        "EVAL {enter} 1 l 1000 1500 a 60000",
        "EVAL {enter} 1 l 1100 1600 b 60000",
        "ZCARD l",
        "TYPE l",
        // Who has no name only looks.
        "EVAL {enter} 1 l 1100 1600 '' 0",
        "EVAL {enter} 1 nobody 1100 1600 '' 60000",
        "TYPE nobody",
        "EVAL {enter} 1 l 1500 2000 c 60000",
        "EVAL {enter} 1 l 1500 2100 b 60000",
        "ZREM l a",
        "ZREM l b",
        "ZREM l b",
        "ZCARD l",
        "ZREM l c",
        "TYPE l",
        "ZADD l 5 x",
        "ZADD l 6 x",
        "GET l",
        "EVAL {enter} 1 l 6 10 y 60000",
        "SET k v",
        "ZADD k 1 x",
        "ZREM h x",
        "ZCARD h",
    ];
    let visits = [
        "EVAL {visit} 1 v 1767225600000 60000 2 a",
        "EVAL {visit} 1 v 1767225610000 60000 2 b",
        "EVAL {visit} 1 v 1767225620000 60000 2 c",
        "ZCARD v",
        "TYPE v",
        "EVAL {visit} 1 v 1767225659999 60000 2 c",
        "EVAL {visit} 1 v 1767225660000 60000 2 c",
        "EVAL {visit} 1 v 1767225660000 60000 2 d",
        // Fewer are allowed than have come; a clock is behind.
        "EVAL {visit} 1 v 1767225660000 60000 1 d",
        "EVAL {visit} 1 v 1767225650000 60000 2 d",
        "EVAL {visit} 1 v 1767225730000 60000 1 d",
        "ZCARD v",
    ];
    for text in session.into_iter().chain(swaps).chain(leases).chain(visits) {
        let commands = [command(text)];
        assert_eq!(slate.run(&commands).await.unwrap(), redis.run(&commands).await.unwrap(), "{text}");
    }
    let transactions: [&[&str]; 3] =
        [&["SET k v", "GET k", "HSET k f v"], &["SET k w", "NONSENSE"], &["GET k", "DEL k", "GET k"]];
    for texts in transactions {
        let commands: Vec<Command> = texts.iter().map(|text| command(text)).collect();
        let (ours, theirs) =
            (slate.transact(&commands).await.unwrap(), redis.transact(&commands).await.unwrap());
        assert_eq!(ours, theirs, "{texts:?}");
    }
}

#[tokio::test]
async fn a_swap_is_a_swap() {
    let redis = Redis::start().await.unwrap();
    let check = async |text: &str, expect: i64| {
        let reply = redis.run(&[command(text)]).await.unwrap();
        assert_eq!(reply, [Reply::Integer(expect)], "{text}");
    };
    check("EVAL {swap} 1 k '' a", 1).await;
    check("EVAL {swap} 1 k a b", 1).await;
    check("EVAL {swap} 1 k a c", 0).await;
    check("HSET h f v", 1).await;
    check("EVAL {swap} 1 h '' a", 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_has_its_time() {
    let slate = Slate::default();
    slate.run(&[command("SET k v EX 100")]).await.unwrap();
    sleep(Duration::from_millis(99_999)).await;
    assert_eq!(slate.text("k").as_deref(), Some(&b"v"[..]));
    sleep(Duration::from_millis(1)).await;
    let replies = slate.run(&["GET k", "TYPE k", "DEL k", "SET k w NX"].map(command)).await.unwrap();
    let (none, ok) = (Reply::Simple("none".into()), Reply::Simple("OK".into()));
    assert_eq!(replies, [Reply::Nil, none, Reply::Integer(0), ok]);
}

fn post(path: &str, body: &str) -> Request<Bytes> {
    let request = Request::post(path).header("authorization", "Bearer secret");
    request.body(Bytes::from(body.to_owned())).unwrap()
}

fn told(response: Response<Bytes>) -> (u16, String) {
    (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
}

async fn forms<E: Engine>(database: Upstash<E>) {
    let check = async |request: Request<Bytes>, status: u16, body: &str| {
        let shown = format!("{request:?}");
        let response = database.answer(request).await.unwrap();
        let is_synced = response.headers().contains_key("upstash-sync-token");
        assert_eq!(is_synced, ![401, 405].contains(&status), "{shown}");
        assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8", "{shown}");
        assert_eq!(told(response), (status, body.to_owned()), "{shown}");
    };
    check(post("/", r#"["SET","k",1]"#), 200, r#"{"result":"OK"}"#).await;
    check(post("/", r#"["GET","k"]"#), 200, r#"{"result":"1"}"#).await;
    check(post("/", r#"["GET","nobody"]"#), 200, r#"{"result":null}"#).await;
    check(post("/", r#"["SET","k",1,"XY"]"#), 400, r#"{"error":"ERR syntax error"}"#).await;
    check(post("/set/k/v?EX=100", ""), 200, r#"{"result":"OK"}"#).await;
    let two = r#"[["GET","k"],["HSET","k","f","v"]]"#;
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    let both = format!(r#"[{{"result":"v"}},{{"error":"{wrong}"}}]"#);
    check(post("/pipeline", two), 200, &both).await;
    check(post("/multi-exec", two), 200, &both).await;
    let aborted = r#"{"error":"EXECABORT Transaction discarded because of previous errors."}"#;
    check(post("/multi-exec", r#"[["SET","k","w"],["NONSENSE"]]"#), 400, aborted).await;
    let mut base64 = post("/", r#"["GET","k"]"#);
    base64.headers_mut().insert("upstash-encoding", "base64".parse().unwrap());
    check(base64, 200, r#"{"result":"dg=="}"#).await;
    let get = |uri: &str| Request::get(uri).body(Bytes::new()).unwrap();
    check(get("/get/k?_token=secret"), 200, r#"{"result":"v"}"#).await;
    let unauthorized = r#"{"error":"WRONGPASS invalid or missing auth token"}"#;
    check(get("/get/k?_token=guess"), 401, unauthorized).await;
    check(get("/get/k"), 401, unauthorized).await;
    let delete = Request::delete("/get/k").body(Bytes::new()).unwrap();
    check(delete, 405, r#"{"error":"ERR method not allowed"}"#).await;
}

#[tokio::test]
async fn every_form_before_the_stand_in() {
    forms(Upstash::new(Slate::default(), "secret")).await;
}

#[tokio::test]
async fn every_form_before_the_server() {
    forms(Upstash::new(Redis::start().await.unwrap(), "secret")).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_meets_one_request() {
    let database = Upstash::new(Slate::default(), "secret");
    let text = || database.engine().text("k").map(|text| String::from_utf8_lossy(&text).into_owned());
    let check = async |fault, status: Result<u16, Broken>, written: bool| {
        database.engine().write("k", "before");
        database.queue(fault);
        let reply = database.answer(post("/", r#"["SET","k","after"]"#)).await;
        assert_eq!(reply.map(|reply| reply.status().as_u16()), status, "{fault:?}");
        assert_eq!(text().unwrap(), if written { "after" } else { "before" }, "{fault:?}");
    };
    check(Fault::Spared, Ok(200), true).await;
    check(Fault::Unavailable, Ok(503), false).await;
    check(Fault::Lost, Err(Broken), true).await;
    check(Fault::Unauthorized, Ok(401), false).await;
    check(Fault::Garbage, Ok(200), true).await;
    check(Fault::Quota, Ok(400), false).await;
    let began = Instant::now();
    check(Fault::Slow(Duration::from_secs(3)), Ok(200), true).await;
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_client_who_gives_up_undoes_nothing() {
    let database = Upstash::new(Slate::default(), "secret");
    let check = async |fault, expect: Option<&[u8]>| {
        database.engine().wipe();
        database.queue(fault);
        let reply = database.answer(post("/", r#"["SET","k","late"]"#));
        timeout(Duration::from_secs(1), reply).await.unwrap_err();
        assert_eq!(database.engine().text("k"), None, "{fault:?}");
        sleep(Duration::from_secs(60)).await;
        assert_eq!(database.engine().text("k").as_deref(), expect, "{fault:?}");
    };
    check(Fault::Slow(Duration::from_secs(3)), Some(b"late")).await;
    check(Fault::Hang, None).await;
}

#[tokio::test]
async fn a_key_can_be_spoiled() {
    let database = Upstash::new(Redis::start().await.unwrap(), "secret");
    let ask = async |body: &str| told(database.answer(post("/", body)).await.unwrap());
    assert_eq!(ask(r#"["SET","k","v"]"#).await.0, 200);
    database.queue(Fault::WrongType);
    let (status, body) = ask(r#"["GET","k"]"#).await;
    assert!(status == StatusCode::BAD_REQUEST.as_u16() && body.contains("WRONGTYPE"), "{body}");
    database.queue(Fault::WrongType);
    let swap = serde_json::json!(["EVAL", SWAP, 1, "k", "", "w"]).to_string();
    assert_eq!(ask(&swap).await, (200, r#"{"result":1}"#.to_owned()));
    database.queue(Fault::Hang);
    database.calm();
    assert_eq!(ask(r#"["GET","k"]"#).await, (200, r#"{"result":"w"}"#.to_owned()));
}
