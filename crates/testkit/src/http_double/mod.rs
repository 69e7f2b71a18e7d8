//! An HTTP server that answers by script and keeps what it was asked: for answers that no real server gives at will.

mod message;

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use parking_lot::{Condvar, Mutex};

pub use message::Request;

/// So long requests wait for others that an answer is to be given together with.
const TOGETHER: Duration = Duration::from_secs(30);

/// How a connection goes on after an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It stays open for the next request.
    #[default]
    KeepAlive,
    /// It is closed after the answer.
    Close,
    /// It is closed without an answer: the client cannot know whether the request was carried out.
    NoAnswer,
    /// It is closed in the middle of the body.
    HalfTheBody,
}

/// One line of the script.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    times: usize,
    delay: Duration,
    together: usize,
    path: Option<String>,
    ending: Ending,
}

impl Answer {
    /// An answer with this status, without a body, given once.
    pub fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            times: 1,
            delay: Duration::ZERO,
            together: 0,
            path: None,
            ending: Ending::default(),
        }
    }
    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
    /// With a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = body.into();
        self
    }
    /// With a JSON body and its content type.
    pub fn json(self, body: &serde_json::Value) -> Answer {
        self.header("Content-Type", "application/json")
            .body(body.to_string())
    }
    /// Given so many times.
    pub fn times(mut self, times: usize) -> Answer {
        self.times = times;
        self
    }
    /// Given after a wait.
    pub fn delay(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }
    /// Given once there are so many requests in all, this one included; after half a minute without them there is none, and the
    /// connection is closed.
    pub fn once_asked(mut self, requests: usize) -> Answer {
        self.together = requests;
        self
    }
    /// Only for requests of this path, query not included; others pass it over.
    pub fn path(mut self, path: &str) -> Answer {
        self.path = Some(path.to_owned());
        self
    }
    /// How the connection goes on.
    pub fn ending(mut self, ending: Ending) -> Answer {
        self.ending = ending;
        self
    }
}

struct State {
    script: VecDeque<Answer>,
    otherwise: Answer,
    requests: Vec<Request>,
}

struct Shared {
    state: Mutex<State>,
    asked: Condvar,
    gone: AtomicBool,
}

/// The server. It ends when it is dropped.
pub struct HttpDouble {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl HttpDouble {
    /// Starts one that answers by `script`, in order, and after it with status 204 for ever.
    pub fn start(script: impl IntoIterator<Item = Answer>) -> Result<HttpDouble> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let script = script.into_iter().collect();
        let state = State {
            script,
            otherwise: Answer::status(204),
            requests: Vec::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            asked: Condvar::new(),
            gone: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        std::thread::Builder::new()
            .name("http double".to_owned())
            .spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if accepting.gone.load(Ordering::Acquire) {
                        return;
                    }
                    let serving = accepting.clone();
                    std::thread::spawn(move || serve(stream, &serving));
                }
            })?;
        Ok(HttpDouble { address, shared })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
    /// Adds to the script.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.state.lock().script.extend(answers);
    }
    /// What is answered when the script is over.
    pub fn otherwise(&self, answer: Answer) {
        self.shared.state.lock().otherwise = answer;
    }
    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state.lock().requests.clone()
    }
    /// Waits until there are at least `count` requests, and gives all.
    pub fn wait_for_requests(&self, count: usize, limit: Duration) -> Result<Vec<Request>> {
        let end = Instant::now() + limit;
        let mut state = self.shared.state.lock();
        while state.requests.len() < count {
            if self.shared.asked.wait_until(&mut state, end).timed_out() {
                bail!(
                    "{} requests of {count} within {limit:?}: {:?}",
                    state.requests.len(),
                    state.requests
                );
            }
        }
        Ok(state.requests.clone())
    }
}

impl Drop for HttpDouble {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn next(&mut self, path: &str) -> Answer {
        let fits = |a: &Answer| a.times > 0 && a.path.as_deref().is_none_or(|p| p == path);
        let Some(at) = self.script.iter().position(fits) else {
            return self.otherwise.clone();
        };
        self.script[at].times -= 1;
        self.script[at].clone()
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let Ok(mut out) = stream.try_clone() else { return };
    let mut input = message::Input::new(stream);
    while let Some(request) = input.next_request(&mut out) {
        let answer = {
            let mut state = shared.state.lock();
            let answer = state.next(&request.path);
            state.requests.push(request);
            shared.asked.notify_all();
            let end = Instant::now() + TOGETHER;
            while state.requests.len() < answer.together {
                if shared.asked.wait_until(&mut state, end).timed_out() {
                    let _ = out.shutdown(Shutdown::Both);
                    return;
                }
            }
            answer
        };
        std::thread::sleep(answer.delay);
        if shared.gone.load(Ordering::Acquire) || !give(&answer, &mut out) {
            break;
        }
    }
    let _ = out.shutdown(Shutdown::Both);
}

/// Writes the answer; whether the connection goes on.
fn give(answer: &Answer, out: &mut TcpStream) -> bool {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // A 204 or 304 has no body and no length of one.
    let bodiless = matches!(answer.status, 204 | 304);
    if !bodiless {
        head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
    }
    if answer.ending == Ending::Close {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    match answer.ending {
        _ if bodiless => {}
        Ending::HalfTheBody => bytes.extend_from_slice(&answer.body[..answer.body.len() / 2]),
        _ => bytes.extend_from_slice(&answer.body),
    }
    answer.ending != Ending::NoAnswer && out.write_all(&bytes).is_ok() && answer.ending == Ending::KeepAlive
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent()
    }

    #[test]
    fn it_answers_by_its_script_and_keeps_what_it_was_asked() -> Result<()> {
        let double = HttpDouble::start([
            Answer::status(503).header("Retry-After", "7").times(2),
            Answer::status(200).path("/buckets").body("found"),
        ])?;
        let http = agent();
        let post = |path: &str| {
            http.post(format!("{}{path}", double.url()))
                .header("Authorization", "Token t")
                .send("a b=1")
        };
        let first = post("/write?org=o")?;
        assert_eq!(
            (first.status().as_u16(), first.headers()["Retry-After"].to_str()?),
            (503, "7")
        );
        assert_eq!(post("/write")?.status(), 503);
        assert_eq!(post("/write")?.status(), 204, "the third is for another path");
        assert_eq!(post("/buckets")?.body_mut().read_to_string()?, "found");
        let all = double.wait_for_requests(4, Duration::from_secs(5))?;
        assert_eq!(
            (
                all[0].method.as_str(),
                all[0].path.as_str(),
                all[0].query.as_str()
            ),
            ("POST", "/write", "org=o")
        );
        assert_eq!(
            (all[0].text(), all[0].header("authorization")),
            ("a b=1".to_owned(), Some("Token t"))
        );
        assert!(double.wait_for_requests(5, Duration::from_millis(5)).is_err());
        Ok(())
    }

    #[test]
    fn bodies_are_read_in_every_form() -> Result<()> {
        let double = HttpDouble::start([])?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"zipped")?;
        let zipped = gzip.finish()?;
        agent()
            .post(double.url())
            .header("Content-Encoding", "gzip")
            .send(&zipped[..])?;
        let chunked = ureq::SendBody::from_owned_reader(std::io::Cursor::new(vec![b'x'; 100_000]));
        agent().post(double.url()).send(chunked)?;
        let all = double.requests();
        assert_eq!(
            (all[0].text(), all[0].raw_len),
            ("zipped".to_owned(), zipped.len())
        );
        assert_eq!(
            (all[1].body.len(), all[1].header("transfer-encoding")),
            (100_000, Some("chunked"))
        );
        Ok(())
    }

    #[test]
    fn connections_can_end_badly() -> Result<()> {
        let double = HttpDouble::start([
            Answer::status(200)
                .body("half of this")
                .ending(Ending::HalfTheBody),
            Answer::status(200).ending(Ending::NoAnswer),
            Answer::status(200).body("whole").ending(Ending::Close),
        ])?;
        assert!(
            agent()
                .get(double.url())
                .call()?
                .body_mut()
                .read_to_string()
                .is_err()
        );
        assert!(agent().get(double.url()).call().is_err());
        assert_eq!(
            agent().get(double.url()).call()?.body_mut().read_to_string()?,
            "whole"
        );
        Ok(())
    }
}
