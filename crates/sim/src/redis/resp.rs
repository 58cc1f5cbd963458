//! Redis' own protocol, RESP2: bounded, and with errors word for word.
//!
//! Not a client crate: those take an error apart and put it together again in their own words, and here the words count.

use std::io;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::{Command, Reply};

/// The bytes that one reply may have, and the lists in lists.
const LARGEST: usize = 16 * 1024 * 1024;
const DEEPEST: usize = 8;

/// Writes commands.
pub(super) fn write<'a>(commands: impl IntoIterator<Item = &'a Command>) -> Vec<u8> {
    let mut out = Vec::new();
    for command in commands {
        out.extend(format!("*{}\r\n", command.len()).as_bytes());
        for word in command {
            out.extend(format!("${}\r\n", word.len()).as_bytes());
            out.extend_from_slice(word);
            out.extend(b"\r\n");
        }
    }
    out
}

/// Reads one reply.
pub(super) async fn read<R: AsyncBufRead + Unpin + Send>(reader: &mut R) -> io::Result<Reply> {
    let mut budget = LARGEST;
    element(reader, &mut budget, DEEPEST).await
}

fn element<'a, R: AsyncBufRead + Unpin + Send>(
    reader: &'a mut R,
    budget: &'a mut usize,
    deep: usize,
) -> BoxFuture<'a, io::Result<Reply>> {
    Box::pin(async move {
        let line = line(reader, budget).await?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(nonsense)?;
        match kind {
            "+" => Ok(Reply::Simple(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            ":" => Ok(Reply::Integer(number(rest)?)),
            "$" | "*" if number(rest)? == -1 => Ok(Reply::Nil),
            "$" => bulk(reader, spend(budget, number(rest)?)?).await.map(Reply::Bulk),
            "*" => {
                // The shortest element is a kind and the end of its line.
                let count = spend(budget, number(rest)?.saturating_mul(3))? / 3;
                let deep = deep.checked_sub(1).ok_or_else(nonsense)?;
                let mut replies = Vec::new();
                for _ in 0..count {
                    replies.push(element(reader, budget, deep).await?);
                }
                Ok(Reply::Array(replies))
            }
            _ => Err(nonsense()),
        }
    })
}

async fn line<R: AsyncBufRead + Unpin>(reader: &mut R, budget: &mut usize) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(*budget as u64).read_until(b'\n', &mut line).await?;
    *budget -= line.len();
    let line = line.strip_suffix(b"\r\n").ok_or_else(nonsense)?;
    Ok(String::from_utf8_lossy(line).into_owned())
}

async fn bulk<R: AsyncBufRead + Unpin>(reader: &mut R, length: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; length + 2];
    reader.read_exact(&mut bytes).await?;
    match bytes.split_off(length) == b"\r\n" {
        true => Ok(bytes.into()),
        false => Err(nonsense()),
    }
}

fn spend(budget: &mut usize, length: i64) -> io::Result<usize> {
    let length = usize::try_from(length).map_err(|_| nonsense())?;
    *budget = budget.checked_sub(length).ok_or_else(nonsense)?;
    Ok(length)
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| nonsense())
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no reply of Redis")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written() {
        let command = ["SET", "k", "ü"].map(|word| Bytes::from(word.to_owned())).to_vec();
        assert_eq!(write(&[command]), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nü\r\n".as_bytes());
    }

    #[tokio::test]
    async fn replies_are_read() {
        let check = async |bytes: &str, expect: Option<Reply>| {
            let reply = read(&mut bytes.as_bytes()).await;
            assert_eq!(reply.ok(), expect, "{bytes:?}");
        };
        let bulk = |text: &'static str| Reply::Bulk(Bytes::from(text));
        check("+OK\r\n", Some(Reply::Simple("OK".into()))).await;
        check("-WRONGTYPE no\r\n", Some(Reply::Error("WRONGTYPE no".into()))).await;
        check(":-7\r\n", Some(Reply::Integer(-7))).await;
        check("$4\r\na\r\nb\r\n", Some(bulk("a\r\nb"))).await;
        check("$-1\r\n", Some(Reply::Nil)).await;
        check("*-1\r\n", Some(Reply::Nil)).await;
        let nested = Reply::Array(vec![bulk("a"), Reply::Array(vec![]), Reply::Nil]);
        check("*3\r\n$1\r\na\r\n*0\r\n$-1\r\n", Some(nested)).await;
        let hostile = [
            "",
            "\r\n",
            "OK\r\n",
            "+OK",
            ":x\r\n",
            "$3\r\na\r\n",
            "$1\r\nabc",
            "$-2\r\n",
            "$99999999999\r\n",
            "*99999999\r\n",
            "*1\r\n",
            "*9223372036854775807\r\n",
        ];
        for bytes in hostile {
            check(bytes, None).await;
        }
        check(&"*1\r\n".repeat(100), None).await;
    }
}
