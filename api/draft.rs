//! `POST /api/draft` on Vercel.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    homefire_vercel::run().await
}
