//! Records in a Durable Object: one for all instances, with a table of its own.

use homefire_core::json;
use homefire_core::platform::Moment;
use homefire_core::store::{Keeper, Record, StoreError};
use js_sys::{Array, Promise, Uint8Array};
use send_wrapper::SendWrapper;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

use crate::env::Env;

/// The binding in `wrangler.toml`.
const BINDING: &str = "RECORDS";

/// The one object of its class.
const NAME: &str = "homefire";

const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
];

/// What is asked of the object.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ask {
    Load { key: String },
    Swap { key: String, old: Option<String>, new: String },
    Enter { lease: String, now: Moment, until: Moment },
    Leave { lease: String },
}

#[wasm_bindgen]
extern "C" {
    /// The object's database.
    pub type Sql;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, query: &str, bindings: &Array) -> Result<Cursor, JsValue>;

    type Cursor;

    /// Its rows, each a list.
    #[wasm_bindgen(method, catch)]
    fn raw(this: &Cursor) -> Result<Rows, JsValue>;

    type Rows;

    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &Rows) -> Result<Array, JsValue>;

    #[derive(Clone)]
    type Namespace;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &Namespace, name: &str) -> Result<Stub, JsValue>;

    type Stub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// Makes the tables, where the object is new.
#[wasm_bindgen]
pub fn tables(sql: &Sql) -> Result<(), JsValue> {
    TABLES.into_iter().try_for_each(|table| sql.run(table, []).map(drop))
}

/// The object's answer. Nothing in it waits between a look and a write, so that nobody comes between.
#[wasm_bindgen]
pub fn records(sql: &Sql, ask: &str) -> Result<String, JsValue> {
    let answer = match json::read(ask).map_err(|_| JsValue::NULL)? {
        Ask::Load { key } => json::write(&sql.load(&key)?),
        Ask::Swap { key, old, new } => {
            let is_same = sql.load(&key)? == old;
            if is_same {
                let query = "INSERT OR REPLACE INTO records (key, value) VALUES (?, ?)";
                sql.run(query, [key.into(), new.into()])?;
            }
            json::write(&is_same)
        }
        Ask::Enter { lease, now, until } => {
            sql.run("DELETE FROM leases WHERE until <= ?", [integer(now)])?;
            if !lease.is_empty() {
                let query = "INSERT OR REPLACE INTO leases (name, until) VALUES (?, ?)";
                sql.run(query, [lease.into(), integer(until)])?;
            }
            json::write(&sql.leases()?)
        }
        Ask::Leave { lease } => {
            sql.run("DELETE FROM leases WHERE name = ?", [lease.into()])?;
            json::write(&())
        }
    };
    Ok(String::from_utf8(answer).expect("JSON is UTF-8"))
}

impl Sql {
    /// The first column of the first row; undefined where there is none.
    fn run<const N: usize>(&self, query: &str, bindings: [JsValue; N]) -> Result<JsValue, JsValue> {
        let rows = self.exec(query, &bindings.into_iter().collect())?.raw()?.to_array()?;
        Ok(rows.get(0).dyn_into::<Array>().map(|row| row.get(0)).unwrap_or_default())
    }

    fn load(&self, key: &str) -> Result<Option<String>, JsValue> {
        Ok(self.run("SELECT value FROM records WHERE key = ?", [key.into()])?.as_string())
    }

    fn leases(&self) -> Result<usize, JsValue> {
        let count = self.run("SELECT COUNT(*) FROM leases", [])?.as_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "as many as there are rows"
        )]
        Ok(count.unwrap_or_default() as usize)
    }
}

fn integer(moment: Moment) -> JsValue {
    // As JavaScript counts: exact up to 2^53.
    JsValue::from_f64(moment.0 as f64)
}

/// The object, as the other instances see it.
#[derive(Clone)]
pub(crate) struct Durable(SendWrapper<Namespace>);

impl Durable {
    /// `None` where there is no such binding.
    pub(crate) fn bound(env: &Env) -> Option<Self> {
        env.bound(BINDING).map(SendWrapper::new).map(Self)
    }

    async fn ask<T: for<'a> Deserialize<'a>>(&self, ask: &Ask) -> Result<T, StoreError> {
        let answer = self.answer(&json::write(ask)).await.ok().and_then(|answer| answer.as_string());
        json::read(&answer.ok_or(StoreError::Away)?).map_err(|_| StoreError::Away)
    }

    async fn answer(&self, ask: &[u8]) -> Result<JsValue, JsValue> {
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&Uint8Array::from(ask));
        let reply = self.0.get_by_name(NAME)?.fetch("https://records/", &init)?;
        let reply: Response = JsFuture::from(reply).await?.unchecked_into();
        JsFuture::from(reply.text()?).await
    }
}

impl Keeper for Durable {
    fn load(&self, record: Record) -> impl Future<Output = Result<Option<String>, StoreError>> + Send {
        SendWrapper::new(async move { self.ask(&Ask::Load { key: record.key().to_owned() }).await })
    }

    fn swap(
        &self,
        record: Record,
        old: Option<&str>,
        new: &str,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let (old, new) = (old.map(str::to_owned), new.to_owned());
        let ask = Ask::Swap { key: record.key().to_owned(), old, new };
        SendWrapper::new(async move { self.ask(&ask).await })
    }

    fn enter(
        &self,
        lease: &str,
        now: Moment,
        until: Moment,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send {
        let ask = Ask::Enter { lease: lease.to_owned(), now, until };
        SendWrapper::new(async move { self.ask(&ask).await })
    }

    fn leave(&self, lease: &str) -> impl Future<Output = Result<(), StoreError>> + Send {
        let ask = Ask::Leave { lease: lease.to_owned() };
        SendWrapper::new(async move { self.ask(&ask).await })
    }
}
