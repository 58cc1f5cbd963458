//! A reply as HTTP/1.1 writes it: its head, and where its body ends. What does not say so clearly is refused.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode};
use httparse::{EMPTY_HEADER, Header, Status};

/// Headers of a head, or behind a body, and their bytes.
const MOST_HEADERS: usize = 64;
const LONGEST_HEAD: usize = 32 * 1024;

/// Bytes of a line that tells a chunk's size.
const LONGEST_SIZE: usize = 1024;

/// What anybody reads of a head.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) retry_after: Option<HeaderValue>,
}

/// A reply whose head is there.
pub(super) struct Begun {
    pub(super) head: Head,
    pub(super) rest: Rest,
    /// Whether another request may follow on its connection.
    pub(super) stays: bool,
}

/// What is to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// So many bytes.
    Bytes(u64),
    /// Chunks, of which the next one's size comes.
    Size,
    /// The rest of a chunk.
    Chunk(u64),
    /// The end of its line.
    Line,
    /// Behind the last chunk.
    Trailers,
    /// Whatever comes until the connection is closed.
    All,
    Nothing,
}

/// What is next of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Data(Bytes),
    End,
    /// It has not come yet.
    Later,
}

/// The head at the beginning of `read`, from which it is taken; `None` while it is not whole.
pub(super) fn begin(read: &mut BytesMut) -> io::Result<Option<Begun>> {
    loop {
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut reply = httparse::Response::new(&mut headers);
        let Status::Complete(length) = reply.parse(read).map_err(io::Error::other)? else {
            return bounded(read, LONGEST_HEAD).map(|()| None);
        };
        let status = StatusCode::from_u16(reply.code.unwrap_or_default()).map_err(io::Error::other)?;
        if !status.is_informational() {
            let begun = understand(status, reply.version == Some(1), reply.headers)?;
            read.advance(length);
            return Ok(Some(begun));
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(io::Error::other("another protocol"));
        }
        read.advance(length);
    }
}

fn understand(status: StatusCode, is_1_1: bool, headers: &[Header<'_>]) -> io::Result<Begun> {
    let named = |name: HeaderName| {
        headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name.as_str()))
            .map(|header| header.value)
    };
    let mut lengths = named(CONTENT_LENGTH);
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err(io::Error::other("two lengths"));
    }
    let mut codings = named(TRANSFER_ENCODING);
    let rest = match (codings.next(), length) {
        _ if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => Rest::Nothing,
        // Two ways to tell the end are one too many.
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none() => {
            Rest::Size
        }
        (Some(_), _) => return Err(io::Error::other("a coding that nobody knows")),
        (None, Some(length)) => Rest::Bytes(figure(length)?),
        (None, None) => Rest::All,
    };
    let closes = |value: &[u8]| {
        value.split(|byte| *byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
    };
    let stays = is_1_1 && !named(CONNECTION).any(closes);
    let first = |name| named(name).next().and_then(|value| HeaderValue::from_bytes(value).ok());
    let head = Head { status, content_type: first(CONTENT_TYPE), retry_after: first(RETRY_AFTER) };
    Ok(Begun { head, rest, stays })
}

fn figure(text: &[u8]) -> io::Result<u64> {
    let digits = str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| io::Error::other("a length that is no figure"))
}

fn bounded(read: &BytesMut, most: usize) -> io::Result<()> {
    if read.len() > most { Err(io::Error::other("too long")) } else { Ok(()) }
}

impl Rest {
    /// What is next in `read`, from which it is taken.
    pub(super) fn next(&mut self, read: &mut BytesMut) -> io::Result<Next> {
        loop {
            match *self {
                Self::Nothing | Self::Bytes(0) => return Ok(Next::End),
                Self::Chunk(0) => *self = Self::Line,
                _ if read.is_empty() => return Ok(Next::Later),
                Self::All => return Ok(Next::Data(read.split().freeze())),
                Self::Bytes(ref mut left) | Self::Chunk(ref mut left) => {
                    let data = take(read, *left);
                    *left -= data.len() as u64;
                    return Ok(Next::Data(data));
                }
                Self::Line => {
                    if read.len() < 2 {
                        return Ok(Next::Later);
                    }
                    if !read.starts_with(b"\r\n") {
                        return Err(io::Error::other("a chunk that is longer than it says"));
                    }
                    read.advance(2);
                    *self = Self::Size;
                }
                Self::Size => match httparse::parse_chunk_size(read) {
                    Ok(Status::Complete((length, size))) => {
                        read.advance(length);
                        *self = if size == 0 { Self::Trailers } else { Self::Chunk(size) };
                    }
                    Ok(Status::Partial) => return bounded(read, LONGEST_SIZE).map(|()| Next::Later),
                    Err(_) => return Err(io::Error::other("a chunk without a size")),
                },
                Self::Trailers => {
                    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
                    match httparse::parse_headers(read, &mut headers).map_err(io::Error::other)? {
                        Status::Complete((length, _)) => {
                            read.advance(length);
                            *self = Self::Nothing;
                        }
                        Status::Partial => return bounded(read, LONGEST_HEAD).map(|()| Next::Later),
                    }
                }
            }
        }
    }

    /// What it means that the connection was closed, where more is to come.
    pub(super) fn closed(&mut self) -> io::Result<Next> {
        if *self != Self::All {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *self = Self::Nothing;
        Ok(Next::End)
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Nothing | Self::Bytes(0))
    }
}

fn take(read: &mut BytesMut, most: u64) -> Bytes {
    let length = usize::try_from(most).map_or(read.len(), |most| most.min(read.len()));
    read.split_to(length).freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
    use proptest::prop_oneof;
    use proptest::sample::select;

    use super::*;

    /// What is heard of a reply whose bytes come in pieces of `step`: its status, its body, and whether another may follow.
    /// None where it is refused, or cut.
    fn hear(said: &str, step: usize) -> Option<(u16, String, bool)> {
        let (mut read, mut pieces) = (BytesMut::new(), said.as_bytes().chunks(step));
        let begun = loop {
            match begin(&mut read).ok()? {
                Some(begun) => break begun,
                None => read.extend_from_slice(pieces.next()?),
            }
        };
        let (mut rest, mut body) = (begun.rest, Vec::new());
        loop {
            let next = match rest.next(&mut read).ok()? {
                Next::Later => match pieces.next() {
                    Some(piece) => {
                        read.extend_from_slice(piece);
                        continue;
                    }
                    None => rest.closed().ok()?,
                },
                next @ (Next::Data(_) | Next::End) => next,
            };
            match next {
                Next::Data(data) => body.extend_from_slice(&data),
                Next::End | Next::Later => break,
            }
        }
        assert!(rest.is_over());
        let stays = begun.stays && read.is_empty() && pieces.next().is_none();
        Some((begun.head.status.as_u16(), String::from_utf8_lossy(&body).into_owned(), stays))
    }

    #[test]
    fn however_they_are_cut() {
        let check = |said: &str, expect: Option<(u16, &str, bool)>| {
            for step in 1..=said.len() {
                let heard = hear(said, step);
                let heard = heard.as_ref().map(|(status, body, stays)| (*status, body.as_str(), *stays));
                assert_eq!(heard, expect, "{said:?}, {step} bytes at once");
            }
        };
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n";
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Some((200, "ok", true)));
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", Some((200, "ok", true)));
        check(
            "HTTP/1.1 503 Busy\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n",
            Some((503, "", false)),
        );
        check("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", Some((200, "x", false)));
        check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n", Some((204, "", true)));
        check("HTTP/1.1 200 OK\r\n\r\nuntil it is closed", Some((200, "until it is closed", true)));
        check(&format!("{chunked}0\r\n\r\n"), Some((200, "", true)));
        check(
            &format!("{chunked}3;a=b\r\none\r\n00A\r\n, two\r\n...\r\n0\r\nx: y\r\n\r\n"),
            Some((200, "one, two\r\n...", true)),
        );
        // Cut.
        check("HTTP/1.1 200 OK\r\ncontent-le", None);
        check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", None);
        check(&format!("{chunked}3\r\none\r\n"), None);
        check(&format!("{chunked}3\r\non"), None);
        check(&format!("{chunked}0\r\n"), None);
        // Of which nobody knows where they end.
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok", None);
        check("HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok", None);
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", None);
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", None);
        check(&format!("{chunked}-1\r\none\r\n0\r\n\r\n"), None);
        check(&format!("{chunked}2\r\none\r\n0\r\n\r\n"), None);
        check(&format!("{chunked}ffffffffffffffffff\r\none\r\n0\r\n\r\n"), None);
        check("HTTP/1.1 101 Other\r\n\r\n", None);
        check("ICY 200 OK\r\n\r\n", None);
    }

    /// What replies are made of, in any order.
    fn pieces() -> impl Strategy<Value = String> {
        let known = [
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.0 503 Busy\r\n",
            "HTTP/1.1 100 Continue\r\n",
            "content-length: 3\r\n",
            "transfer-encoding: chunked\r\n",
            "connection: close\r\n",
            "\r\n",
            "\r",
            "\n",
            "3\r\n",
            "0\r\n",
            "one",
            ";",
            "f",
        ];
        prop_oneof![8 => select(known.to_vec()).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
    }

    proptest! {
        #[test]
        fn whatever_comes_is_heard_the_same_however_it_is_cut(
            said in proptest::collection::vec(pieces(), 1..16),
            step in 1_usize..40,
        ) {
            for start in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
                let said = format!("{start}{}", said.concat());
                prop_assert_eq!(hear(&said, step), hear(&said, said.len()), "{:?}", said);
            }
        }
    }

    #[test]
    fn what_follows_is_no_part_of_it() {
        for step in [1, 7, 100] {
            let two = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1";
            assert_eq!(hear(two, step), Some((200, "ok".to_owned(), false)));
        }
    }

    #[test]
    fn nothing_is_kept_without_end() {
        let check = |said: &str| assert_eq!(hear(said, 1000), None, "{}", &said[..60.min(said.len())]);
        check(&format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(2 * LONGEST_HEAD)));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        check(&format!("{chunked}1;{}", "y".repeat(2 * LONGEST_HEAD)));
        check(&format!("{chunked}0\r\nx: {}", "y".repeat(2 * LONGEST_HEAD)));
        check(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(MOST_HEADERS + 1)));
    }
}
