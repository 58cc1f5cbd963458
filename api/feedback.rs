//! `POST /api/feedback` on Vercel.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    homefire_vercel::run().await
}
