//! Where the lines go: an HTTP double for InfluxDB that takes every write and counts the lines, or a file.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;

/// A file that another process writes, and how many lines it has.
pub struct Lines {
    path: PathBuf,
    file: Option<File>,
    lines: u64,
}

impl Lines {
    /// The file need not be there yet.
    pub fn of(path: PathBuf) -> Lines {
        Lines {
            path,
            file: None,
            lines: 0,
        }
    }

    /// Lines so far; what was counted before is not read again.
    pub fn lines(&mut self) -> Result<u64> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error.into()),
            }
        }
        let mut chunk = vec![0; 256 * 1024];
        while let Some(file) = &mut self.file {
            let n = file.read(&mut chunk)?;
            if n == 0 {
                break;
            }
            self.lines += chunk[..n].iter().filter(|b| **b == b'\n').count() as u64;
        }
        Ok(self.lines)
    }
}

/// A running HTTP double; it ends with the value.
pub struct Sink {
    port: u16,
    lines: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Sink {
    pub fn start() -> Result<Sink> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let sink = Sink {
            port: listener.local_addr()?.port(),
            lines: Arc::default(),
            stop: Arc::default(),
        };
        let (lines, stop) = (sink.lines.clone(), sink.stop.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let lines = lines.clone();
                        std::thread::spawn(move || {
                            // A client that goes away ends its thread only.
                            let _ = serve(stream, &lines);
                        });
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        Ok(sink)
    }

    pub fn port(&self) -> u16 {
        self.port
    }
    /// Lines so far, over all connections.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Acquire)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

fn serve(mut stream: TcpStream, lines: &AtomicU64) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let mut input = Vec::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let head = loop {
            if let Some(end) = find(&input, b"\r\n\r\n") {
                break end + 4;
            }
            match stream.read(&mut chunk)? {
                0 => return Ok(()),
                n => input.extend_from_slice(&chunk[..n]),
            }
        };
        let text = String::from_utf8_lossy(&input[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|n| n.trim().parse::<usize>().ok())
            .unwrap_or(0);
        // The body is counted as it comes: it need not be kept.
        let already = (input.len() - head).min(length);
        let body = &input[head..head + already];
        let mut count = body.iter().filter(|b| **b == b'\n').count();
        let mut last = body.last().copied();
        input.drain(..head + already);
        let mut missing = length - already;
        while missing > 0 {
            let want = missing.min(chunk.len());
            let n = stream.read(&mut chunk[..want])?;
            if n == 0 {
                return Ok(());
            }
            count += chunk[..n].iter().filter(|b| **b == b'\n').count();
            last = chunk[..n].last().copied();
            missing -= n;
        }
        if last.is_some_and(|b| b != b'\n') {
            count += 1;
        }
        if text.starts_with("post /") && text.contains("/write") {
            lines.fetch_add(count as u64, Ordering::Release);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_file_are_counted_while_it_grows() -> Result<()> {
        let folder = crate::peer::Folder::new()?;
        let path = folder.path().join("lines");
        let mut lines = Lines::of(path.clone());
        assert_eq!(lines.lines()?, 0, "there is no file yet");
        let mut file = File::create(&path)?;
        file.write_all(b"a b=1\nc ")?;
        assert_eq!(lines.lines()?, 1);
        file.write_all(b"d=2\ne f=3\n")?;
        assert_eq!(lines.lines()?, 3);
        assert_eq!(lines.lines()?, 3);
        Ok(())
    }

    #[test]
    fn lines_are_counted_however_they_come() -> Result<()> {
        let sink = Sink::start()?;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, sink.port()))?;
        for (body, halves) in [("a b=1\nc d=2\n", false), ("a b=1\nc d=2", true)] {
            let head = format!(
                "POST /write?db=x HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes())?;
            if halves {
                stream.write_all(&body.as_bytes()[..4])?;
                std::thread::sleep(Duration::from_millis(20));
                stream.write_all(&body.as_bytes()[4..])?;
            } else {
                stream.write_all(body.as_bytes())?;
            }
            let mut answer = [0; 27];
            stream.read_exact(&mut answer)?;
            assert!(answer.starts_with(b"HTTP/1.1 204"));
        }
        assert_eq!(sink.lines(), 4);
        Ok(())
    }
}
