//! Records in a Durable Object: one for all instances, with a table of its own.

use homefire_core::json;
use homefire_core::platform::Moment;
use homefire_core::store::{Keeper, Record, StoreError};
use js_sys::Uint8Array;
use serde::{Deserialize, Serialize};
use web_sys::RequestInit;
use worker::send::SendFuture;
use worker::{
    DurableObject, Env, ObjectNamespace, Request, Response, SqlCursor, SqlStorage, SqlStorageValue, State,
    durable_object,
};

/// The binding in `wrangler.toml`.
const BINDING: &str = "RECORDS";

/// The one object of its class.
const NAME: &str = "homefire";

const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, until INTEGER NOT NULL)",
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

/// The object. Nothing in it waits between a look and a write, so that nobody comes between.
#[durable_object]
pub struct Records {
    sql: SqlStorage,
}

impl DurableObject for Records {
    fn new(state: State, _: Env) -> Self {
        Self { sql: state.storage().sql() }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        for table in TABLES {
            self.sql.exec(table, None)?;
        }
        match json::read(&request.text().await?)? {
            Ask::Load { key } => Response::from_json(&self.load(key)?),
            Ask::Swap { key, old, new } => {
                let is_same = self.load(key.clone())? == old;
                if is_same {
                    let bindings = vec![key.into(), new.into()];
                    self.sql.exec("INSERT OR REPLACE INTO records (key, value) VALUES (?, ?)", bindings)?;
                }
                Response::from_json(&is_same)
            }
            Ask::Enter { lease, now, until } => {
                self.sql.exec("DELETE FROM leases WHERE until <= ?", vec![integer(now)])?;
                let bindings = vec![lease.into(), integer(until)];
                self.sql.exec("INSERT OR REPLACE INTO leases (name, until) VALUES (?, ?)", bindings)?;
                Response::from_json(&self.leases()?)
            }
            Ask::Leave { lease } => {
                self.sql.exec("DELETE FROM leases WHERE name = ?", vec![lease.into()])?;
                Response::from_json(&())
            }
        }
    }
}

impl Records {
    fn load(&self, key: String) -> worker::Result<Option<String>> {
        let rows = self.sql.exec("SELECT value FROM records WHERE key = ?", vec![key.into()])?;
        match first(&rows)? {
            Some(SqlStorageValue::String(value)) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    fn leases(&self) -> worker::Result<usize> {
        let rows = self.sql.exec("SELECT COUNT(*) FROM leases", None)?;
        match first(&rows)? {
            Some(SqlStorageValue::Integer(count)) => Ok(count.try_into().unwrap_or_default()),
            _ => Ok(0),
        }
    }
}

/// The first column of the first row.
fn first(rows: &SqlCursor) -> worker::Result<Option<SqlStorageValue>> {
    let row = rows.raw().next().transpose()?;
    Ok(row.and_then(|row| row.into_iter().next()))
}

fn integer(moment: Moment) -> SqlStorageValue {
    // As JavaScript counts: exact up to 2^53.
    SqlStorageValue::Float(moment.0 as f64)
}

/// The object, as the other instances see it.
#[derive(Clone, Debug)]
pub(crate) struct Durable(ObjectNamespace);

impl Durable {
    /// `None` where there is no such binding.
    pub(crate) fn bound(env: &Env) -> Option<Self> {
        env.durable_object(BINDING).ok().map(Self)
    }

    async fn ask<T: for<'a> Deserialize<'a>>(&self, ask: &Ask) -> Result<T, StoreError> {
        let answer = self.answer(json::write(ask)).await.map_err(|_| StoreError::Away)?;
        json::read(&answer).map_err(|_| StoreError::Away)
    }

    async fn answer(&self, ask: Vec<u8>) -> worker::Result<String> {
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&Uint8Array::from(&*ask));
        let request = web_sys::Request::new_with_str_and_init("https://records/", &init)?;
        let stub = self.0.id_from_name(NAME)?.get_stub()?;
        stub.fetch_with_request(request.into()).await?.text().await
    }
}

impl Keeper for Durable {
    fn load(&self, record: Record) -> impl Future<Output = Result<Option<String>, StoreError>> + Send {
        SendFuture::new(async move { self.ask(&Ask::Load { key: record.key().to_owned() }).await })
    }

    fn swap(
        &self,
        record: Record,
        old: Option<&str>,
        new: &str,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let (old, new) = (old.map(str::to_owned), new.to_owned());
        let ask = Ask::Swap { key: record.key().to_owned(), old, new };
        SendFuture::new(async move { self.ask(&ask).await })
    }

    fn enter(
        &self,
        lease: &str,
        now: Moment,
        until: Moment,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send {
        let ask = Ask::Enter { lease: lease.to_owned(), now, until };
        SendFuture::new(async move { self.ask(&ask).await })
    }

    fn leave(&self, lease: &str) -> impl Future<Output = Result<(), StoreError>> + Send {
        let ask = Ask::Leave { lease: lease.to_owned() };
        SendFuture::new(async move { self.ask(&ask).await })
    }
}
