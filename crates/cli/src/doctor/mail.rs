//! The mail: whether the key is accepted, and on request whether a letter is.

use homefire_core::config::Mail;
use homefire_core::health::tell;
use homefire_native::Native;
use serde_json::{Value, json};

use super::check::{Check, State};
use super::{nonce, timed};

/// How Resend calls a key that it does not know; the status with it has been 400, 401 and 403.
const INVALID: &str = "api key is invalid";

/// A status, and whether the key was called invalid with it; or why there is none.
type Reply = Result<(u16, bool), &'static str>;

pub(super) async fn check(platform: &Native, mail: Option<&Mail>, sends: bool) -> Vec<Check> {
    let Some(mail) = mail else {
        let none = Check::warn(
            "mail key",
            "RESEND_API_KEY is not set: when a node falls nobody is written to, the log says it.",
            "Set RESEND_API_KEY, MAIL_FROM and MAIL_TO.",
        );
        let refused = Check::fail("mail sent", "There is no key to send it with.", "Set RESEND_API_KEY.");
        return if sends { vec![none, refused] } else { vec![none] };
    };
    // A letter without anything in it goes nowhere. A key that may only send could not ask for anything else.
    let (reply, ms) = timed(platform, post(platform, mail, &json!({}))).await;
    let key = of_key(reply).after(ms);
    if !sends || key.state == State::Fail {
        return vec![key];
    }
    let letter = json!({
        "from": mail.from,
        "to": mail.to,
        "subject": "Homefire: a test",
        "text": "`homefire doctor` was asked to send this. When a node falls or rises, the letter comes the same way.\n",
    });
    let (reply, ms) = timed(platform, post(platform, mail, &letter)).await;
    vec![key, of_letter(reply, mail.to.len()).after(ms)]
}

async fn post(platform: &Native, mail: &Mail, body: &Value) -> Reply {
    let body = body.to_string().into();
    let reply = tell::post(platform, mail, &body, &format!("homefire/doctor/{}", nonce(platform))).await?;
    let is_invalid = String::from_utf8_lossy(reply.body()).to_lowercase().contains(INVALID);
    Ok((reply.status().as_u16(), is_invalid))
}

fn of_key(reply: Reply) -> Check {
    let name = "mail key";
    match reply {
        Ok((_, true) | (401 | 403, _)) => Check::fail(
            name,
            "Resend does not accept RESEND_API_KEY.",
            "Take a key from resend.com/api-keys that may send, and set it anew.",
        ),
        Ok((400 | 422, false)) => Check::ok(name, "Resend accepts it. Nothing was sent."),
        reply => of_rest(name, reply),
    }
}

fn of_letter(reply: Reply, people: usize) -> Check {
    let name = "mail sent";
    match reply {
        Ok((200..=299, false)) => Check::ok(
            name,
            match people {
                1 => "Resend took a test mail to one address. Look whether it has come.".to_owned(),
                _ => format!("Resend took a test mail to {people} addresses. Look whether it has come."),
            },
        ),
        Ok((401 | 403, _)) => Check::fail(
            name,
            "Resend accepts the key, but not this letter.",
            "Verify the domain of MAIL_FROM at resend.com/domains; until then only your own address is written to.",
        ),
        Ok((400 | 422, _)) => Check::fail(
            name,
            "Resend refuses MAIL_FROM or MAIL_TO.",
            "Look how both are written, such as Homefire <homefire@example.com>.",
        ),
        reply => of_rest(name, reply),
    }
}

fn of_rest(name: &str, reply: Reply) -> Check {
    match reply {
        Ok((429, _)) => Check::warn(
            name,
            "Resend is asked too often just now, or its quota is used up.",
            "Ask again later; if it stays so, look at resend.com.",
        ),
        Ok((status, _)) => Check::fail(
            name,
            format!("The status {status} came, which is not what Resend answers to this."),
            "Look whether RESEND_BASE_URL is right, and at resend-status.com.",
        ),
        Err("mail_timeout") => {
            Check::fail(name, "It does not answer in time.", "Look at the network, and at resend-status.com.")
        }
        Err(_) => Check::fail(
            name,
            "No connection to it can be made or kept.",
            "Look whether RESEND_BASE_URL is right, and at the network of this machine.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_mail_service_says() {
        let check = |seen: Check, state: State, what: &str| {
            assert!(seen.state == state && seen.what.contains(what), "{seen:?}\n  expected {state:?} {what}");
        };
        check(of_key(Ok((422, false))), State::Ok, "Nothing was sent");
        check(of_key(Ok((400, false))), State::Ok, "accepts it");
        check(of_key(Ok((400, true))), State::Fail, "does not accept");
        check(of_key(Ok((401, false))), State::Fail, "does not accept");
        check(of_key(Ok((403, true))), State::Fail, "does not accept");
        check(of_key(Ok((429, false))), State::Warn, "too often");
        check(of_key(Ok((200, false))), State::Fail, "The status 200");
        check(of_key(Ok((500, false))), State::Fail, "The status 500");
        check(of_key(Err("mail_timeout")), State::Fail, "in time");
        check(of_key(Err("mail_unreachable")), State::Fail, "No connection");
        check(of_letter(Ok((200, false)), 1), State::Ok, "one address");
        check(of_letter(Ok((200, false)), 2), State::Ok, "2 addresses");
        check(of_letter(Ok((403, false)), 1), State::Fail, "not this letter");
        check(of_letter(Ok((422, false)), 1), State::Fail, "MAIL_FROM or MAIL_TO");
        check(of_letter(Ok((502, false)), 1), State::Fail, "The status 502");
    }
}
