//! Requests off a connection: head, body by length or in chunks, gzip undone.

use std::io::{Read, Write};
use std::net::TcpStream;

use flate2::read::MultiGzDecoder;

/// A larger request is refused by closing.
const MOST: usize = 256 << 20;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// GET, POST, …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query as it was sent, without the question mark.
    pub query: String,
    /// Headers as they were sent, in order.
    pub headers: Vec<(String, String)>,
    /// The body, gzip undone where the headers say so.
    pub body: Vec<u8>,
    /// The length of the body as it was sent.
    pub raw_len: usize,
}

impl Request {
    /// A header's value; the name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The reading side of a connection.
pub struct Input {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Input {
    pub fn new(stream: TcpStream) -> Input {
        Input {
            stream,
            buffer: Vec::new(),
        }
    }

    /// The next request; `None` at the end of the connection or when it is not HTTP. `out` gets `100 Continue`.
    pub fn next_request(&mut self, out: &mut TcpStream) -> Option<Request> {
        let mut request = self.head()?;
        if request
            .header("expect")
            .is_some_and(|v| v.eq_ignore_ascii_case("100-continue"))
        {
            out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let chunked = request
            .header("transfer-encoding")
            .is_some_and(|v| v.eq_ignore_ascii_case("chunked"));
        request.body = if chunked {
            self.chunks()?
        } else {
            let length = request
                .header("content-length")
                .map_or(Some(0), |v| v.trim().parse().ok())?;
            self.take(length)?
        };
        request.raw_len = request.body.len();
        if request
            .header("content-encoding")
            .is_some_and(|v| v.eq_ignore_ascii_case("gzip"))
        {
            let mut plain = Vec::new();
            MultiGzDecoder::new(&request.body[..])
                .take(MOST as u64)
                .read_to_end(&mut plain)
                .ok()?;
            request.body = plain;
        }
        Some(request)
    }

    fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 16 * 1024];
        let n = self.stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        self.buffer.extend_from_slice(&chunk[..n]);
        (self.buffer.len() <= MOST).then_some(())
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            self.more()?;
        }
        let rest = self.buffer.split_off(length);
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    fn head(&mut self) -> Option<Request> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 100];
            let mut head = httparse::Request::new(&mut headers);
            if let httparse::Status::Complete(length) = head.parse(&self.buffer).ok()? {
                let target = head.path.unwrap_or_default();
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                let request = Request {
                    method: head.method.unwrap_or_default().to_owned(),
                    path: path.to_owned(),
                    query: query.to_owned(),
                    headers: head
                        .headers
                        .iter()
                        .map(|h| (h.name.to_owned(), text(h.value)))
                        .collect(),
                    body: Vec::new(),
                    raw_len: 0,
                };
                self.buffer.drain(..length);
                return Some(request);
            }
            self.more()?;
        }
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let (start, length) = loop {
                if let httparse::Status::Complete(found) = httparse::parse_chunk_size(&self.buffer).ok()? {
                    break found;
                }
                self.more()?;
            };
            self.take(start)?;
            let length = usize::try_from(length).ok().filter(|n| *n <= MOST)?;
            body.extend(self.take(length)?);
            self.take(2)?;
            if length == 0 {
                return Some(body);
            }
        }
    }
}
