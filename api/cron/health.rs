//! `GET /api/cron/health` on Vercel.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    homefire_vercel::run().await
}
