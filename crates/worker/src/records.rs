//! Records in a Durable Object: one for all instances, with a table of its own.

use homefire_core::platform::Moment;
use homefire_core::store::{Keeper, Record, StoreError};
use serde::{Deserialize, Serialize};
use worker::send::SendFuture;
use worker::{
    DurableObject, Env, Method, ObjectNamespace, Request, RequestInit, Response, SqlStorage, SqlStorageValue,
    State, durable_object,
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
        match request.json().await? {
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
        #[derive(Deserialize)]
        struct Row {
            value: String,
        }
        let rows = self.sql.exec("SELECT value FROM records WHERE key = ?", vec![key.into()])?;
        let rows: Vec<Row> = rows.to_array()?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    fn leases(&self) -> worker::Result<usize> {
        #[derive(Deserialize)]
        struct Row {
            count: usize,
        }
        let row: Row = self.sql.exec("SELECT COUNT(*) AS count FROM leases", None)?.one()?;
        Ok(row.count)
    }
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
        let text = serde_json::to_string(ask).map_err(|_| StoreError::Garbage)?;
        let answer = async {
            let mut init = RequestInit::new();
            init.with_method(Method::Post);
            init.with_body(Some(text.into()));
            let request = Request::new_with_init("https://records/", &init)?;
            let stub = self.0.id_from_name(NAME)?.get_stub()?;
            stub.fetch_with_request(request).await?.json().await
        };
        answer.await.map_err(|_: worker::Error| StoreError::Away)
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
