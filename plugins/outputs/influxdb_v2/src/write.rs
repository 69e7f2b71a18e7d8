//! From the book of a batch to requests, a few at a time, and from their answers back into the book.

use std::time::Instant;

use tokio::task::JoinSet;
use wheatstone_net::gzip::{Gzip, Recycler};
use wheatstone_net::http::Bytes;
use wheatstone_net::influx::{Lines, Named, named_by_line, named_by_text};
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::line_protocol::Encoder;
use wheatstone_plugin::prelude::*;

use crate::answer::Answer;
use crate::batches::Batch;
use crate::book::Book;
use crate::server::{Prepared, Server};

/// What is used for every request again.
pub(crate) struct Workshop {
    encoder: Encoder,
    gzip: Option<Gzip>,
    memory: Recycler,
    lines: Vec<Lines>,
}

/// A request that is under way.
struct Sent {
    batch: Batch,
    lines: Lines,
    /// Where it is packed the lines stay with us.
    packed: bool,
    body: Bytes,
    size: usize,
    prepared: Prepared,
    answer: Answer,
}

impl Workshop {
    pub(crate) fn new(encoder: Encoder, gzip: bool) -> Workshop {
        let gzip = gzip.then(Gzip::default);
        Workshop {
            encoder,
            gzip,
            memory: Recycler::default(),
            lines: Vec::new(),
        }
    }

    /// Writes what waits in the book to one server. The error is the last one that was met; the book has it too.
    pub(crate) async fn write(
        &mut self,
        server: &mut Server,
        metrics: &[&Metric],
        book: &mut Book,
    ) -> Result<()> {
        let now = Instant::now();
        let at_once = usize::try_from(server.config().concurrent_writes).unwrap_or(usize::MAX);
        let mut under_way: JoinSet<Sent> = JoinSet::new();
        let mut last = None;
        let mut stop = false;
        loop {
            while !stop && under_way.len() < at_once {
                let Some((batch, first)) = book.next() else { break };
                match self.prepare(server, metrics, batch, first, now, book).await {
                    Ok(Some(mut sent)) => {
                        under_way.spawn(async move {
                            sent.answer = sent.prepared.send(sent.body.clone()).await;
                            sent
                        });
                    }
                    Ok(None) => {}
                    Err(error) => {
                        stop = true;
                        last = Some(error);
                    }
                }
            }
            match under_way.join_next().await {
                None => break,
                Some(Err(error)) => {
                    stop = true;
                    book.kept = true;
                    last = Some(error.into());
                }
                Some(Ok(mut sent)) => {
                    self.take_back(&mut sent);
                    server.heard(&sent.answer);
                    if let Some(error) = self.settle(server, metrics, &mut sent, book, &mut stop).await {
                        error!(server.log(), "{error:#}");
                        last = Some(error);
                    }
                    self.lines.push(sent.lines);
                }
            }
        }
        let Some(error) = last else { return Ok(()) };
        book.error = Some(anyhow!("{error:#}"));
        Err(error)
    }

    /// Makes a request of as many points as may be sent; the others go back into the book. `None` where none has a line.
    async fn prepare(
        &mut self,
        server: &mut Server,
        metrics: &[&Metric],
        mut batch: Batch,
        first: bool,
        now: Instant,
        book: &mut Book,
    ) -> Result<Option<Sent>> {
        let mut lines = self.lines.pop().unwrap_or_default();
        let config = server.config();
        let tag = config.bucket_tag.as_str();
        let without: &[&str] = if config.exclude_bucket_tag && !tag.is_empty() {
            &[tag]
        } else {
            &[]
        };
        let mut failed = Vec::new();
        let mut write = |encoder: &mut Encoder, points: &[usize], limit| {
            lines.write(encoder, metrics, points, without, limit, |i, error| {
                failed.push((i, error))
            })
        };
        // A request that is sent again, smaller, must get through, or a limit could keep it from ever doing so.
        let limit = if first { server.limit.left(now) } else { usize::MAX };
        let mut written = write(&mut self.encoder, &batch.points, limit);
        if written == 0 && server.limit.is_full(now) && !batch.points.is_empty() {
            // A point that is larger than the whole limit would never be sent.
            written = write(&mut self.encoder, &batch.points[..1], usize::MAX);
        }
        for (i, error) in failed {
            error!(server.log(), "Could not serialize metric: {error}");
            book.settling(&batch.bucket).reject(i, error.to_string());
            book.error = Some(anyhow!("serialization of metric(s) failed"));
        }
        let over = batch.points.split_off(written);
        let limited = !over.is_empty();
        if limited {
            book.fresh.push_front(Batch {
                bucket: batch.bucket.clone(),
                points: over,
            });
            book.retry_after = Some(server.limit.wait(now));
        }
        if lines.plain().is_empty() {
            self.lines.push(lines);
            if limited {
                book.halted = true;
                bail!("size limit reached");
            }
            return Ok(None);
        }
        let prepared = match server.prepare(&batch.bucket).await {
            Ok(prepared) => prepared,
            Err(error) => {
                book.fresh.push_front(batch);
                return Err(error);
            }
        };
        server.limit.take(now, lines.plain().len());
        let packed = self.gzip.is_some();
        let body = self.body(&mut lines)?;
        let size = body.len();
        Ok(Some(Sent {
            batch,
            lines,
            packed,
            body,
            size,
            prepared,
            answer: Answer::Stored,
        }))
    }

    fn take_back(&mut self, sent: &mut Sent) {
        let body = std::mem::take(&mut sent.body);
        if sent.packed {
            self.memory.give_body(body);
        } else {
            // The lines are needed to read a refusal; this copies only where the client still holds them.
            sent.lines.put_plain(Vec::from(body));
        }
    }

    /// Takes an answer into the book; gives the error that it is.
    async fn settle(
        &mut self,
        server: &mut Server,
        metrics: &[&Metric],
        sent: &mut Sent,
        book: &mut Book,
        stop: &mut bool,
    ) -> Option<Error> {
        let bucket = sent.batch.bucket.clone();
        match std::mem::replace(&mut sent.answer, Answer::Stored) {
            Answer::Stored => {
                book.settling(&bucket).stored(sent.lines.points());
                None
            }
            Answer::Refused { text, said, lines } => {
                let named = named(&said, &lines, metrics, &sent.lines);
                book.settling(&bucket).refused(sent.lines.points(), named, &text);
                Some(anyhow!(text))
            }
            Answer::TooLarge(text) => {
                too_large_line(server, sent);
                if sent.lines.points().len() > 1 {
                    book.split = true;
                    book.settling(&bucket).halves(sent.lines.points());
                    return None;
                }
                self.alone(server, sent, book, text).await
            }
            Answer::Throttled(text, wait) => {
                *stop = true;
                book.kept = true;
                book.halted = true;
                book.retry_after = Some(book.retry_after.map_or(wait, |longest| wait.max(longest)));
                Some(anyhow!(text))
            }
            Answer::Kept(text) => {
                book.kept = true;
                Some(anyhow!(text))
            }
            Answer::Unreached(text) => {
                *stop = true;
                book.fresh.push_back(Batch {
                    bucket,
                    points: sent.lines.points().to_vec(),
                });
                Some(anyhow!(text))
            }
        }
    }

    /// A body of these lines.
    fn body(&mut self, lines: &mut Lines) -> Result<Bytes> {
        match &mut self.gzip {
            Some(gzip) => {
                let mut memory = self.memory.take();
                gzip.pack(lines.plain(), &mut memory)?;
                Ok(Bytes::from(memory))
            }
            None => Ok(Bytes::from(lines.take_plain())),
        }
    }

    /// One point is too large, or it is not the point. An empty request tells: where the server takes that, and the point
    /// again not, the point is refused for good. Otherwise it waits.
    async fn alone(
        &mut self,
        server: &mut Server,
        sent: &mut Sent,
        book: &mut Book,
        text: String,
    ) -> Option<Error> {
        let empty = match self.body(&mut Lines::default()) {
            Ok(body) => sent.prepared.send(body).await,
            Err(error) => return Some(error),
        };
        if matches!(empty, Answer::TooLarge(_)) {
            let bucket = &sent.batch.bucket;
            error!(
                server.log(),
                "Failed to write metrics with size 0 bytes to {bucket}, request was too large (413)"
            );
        }
        sent.body = match self.body(&mut sent.lines) {
            Ok(body) => body,
            Err(error) => return Some(error),
        };
        let answer = sent.prepared.send(sent.body.clone()).await;
        self.take_back(sent);
        server.heard(&answer);
        let settling = book.settling(&sent.batch.bucket);
        match answer {
            Answer::Stored => {
                settling.stored(sent.lines.points());
                None
            }
            Answer::TooLarge(text) => {
                too_large_line(server, sent);
                if matches!(empty, Answer::Stored | Answer::Refused { .. }) {
                    settling.refused(sent.lines.points(), Named::Nothing, &text);
                } else {
                    book.kept = true;
                }
                Some(anyhow!(text))
            }
            Answer::Refused { text, .. } => {
                settling.refused(sent.lines.points(), Named::Nothing, &text);
                Some(anyhow!(text))
            }
            Answer::Throttled(..) | Answer::Kept(_) | Answer::Unreached(_) => {
                book.kept = true;
                Some(anyhow!(text))
            }
        }
    }
}

fn too_large_line(server: &Server, sent: &Sent) {
    error!(
        server.log(),
        "Failed to write metrics with size {} bytes to {}, request was too large (413)",
        sent.size,
        sent.batch.bucket
    );
}

fn named(said: &str, numbers: &[usize], metrics: &[&Metric], lines: &Lines) -> Named {
    match named_by_text(said, metrics, lines) {
        Named::Nothing => {}
        named => return named,
    }
    let mut points: Vec<usize> = numbers.iter().filter_map(|&n| named_by_line(n, lines)).collect();
    points.sort_unstable();
    points.dedup();
    if points.is_empty() {
        Named::Nothing
    } else {
        Named::These(points)
    }
}
