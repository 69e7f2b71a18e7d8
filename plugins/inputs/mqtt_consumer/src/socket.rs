//! A TCP stream that can be left alone: while it is parked nothing wakes the agent when bytes come.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket of the runtime's, or one that it does not watch.
///
/// A watched socket wakes the runtime whenever a packet comes, though the task that reads it sleeps on purpose. Parked it
/// is read and written without the runtime, and watched again as soon as one of the two would have to wait.
pub(crate) enum Socket {
    Watched(TcpStream),
    Parked(std::net::TcpStream),
    /// Only while it changes from one to the other, and for good where that failed.
    Closed,
}

impl Socket {
    /// Takes the socket out of the runtime's sight.
    pub fn park(&mut self) -> io::Result<()> {
        *self = match std::mem::replace(self, Socket::Closed) {
            Socket::Watched(stream) => Socket::Parked(stream.into_std()?),
            other => other,
        };
        Ok(())
    }

    /// What there is already behind what was just read, where the socket is parked: how many bytes, 0 for none.
    ///
    /// A sender with Nagle's algorithm, as mosquitto is, holds back what it has until all before it is acknowledged, and the
    /// kernel acknowledges when we read. So after a pause the first read takes what came at its beginning, and calls in what
    /// was written since.
    pub fn read_on(&mut self, space: &mut [u8]) -> usize {
        match self {
            // The end comes again with the next read; after an error that reads the end.
            Socket::Parked(stream) => at_once(|| stream.read(space)).map_or(0, |read| read.unwrap_or(0)),
            _ => 0,
        }
    }

    fn watched(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if let Socket::Parked(_) = self
            && let Socket::Parked(stream) = std::mem::replace(self, Socket::Closed)
        {
            *self = Socket::Watched(TcpStream::from_std(stream)?);
        }
        match self {
            Socket::Watched(stream) => Ok(Pin::new(stream)),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// What a parked socket answers at once; `None` where it must be waited for.
fn at_once<T>(mut attempt: impl FnMut() -> io::Result<T>) -> Option<io::Result<T>> {
    loop {
        match attempt() {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return None,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return Some(other),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if let Socket::Parked(stream) = socket
            && let Some(read) = at_once(|| stream.read(buf.initialize_unfilled()))
        {
            return Poll::Ready(read.map(|n| buf.advance(n)));
        }
        socket.watched()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        if let Socket::Parked(stream) = socket
            && let Some(written) = at_once(|| stream.write(buf))
        {
            return Poll::Ready(written);
        }
        socket.watched()?.poll_write(cx, buf)
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP stream keeps nothing back.
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().watched()?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn it_reads_writes_and_waits_parked_or_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut socket = Socket::Watched(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.set_nodelay(true).unwrap();
        let mut got = [0; 4];
        for round in 0..3u8 {
            socket.park().unwrap();
            peer.write_all(&[round; 4]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            socket.read_exact(&mut got).await.unwrap();
            assert!(matches!(socket, Socket::Parked(_)));
            assert_eq!(got, [round; 4]);
            socket.write_all(&[round; 4]).await.unwrap();
            assert!(
                matches!(socket, Socket::Parked(_)),
                "there was nothing to wait for"
            );
            peer.read_exact(&mut got).await.unwrap();

            let later = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                peer.write_all(b"late").await.unwrap();
            };
            let ((), read) = tokio::join!(later, socket.read_exact(&mut got));
            read.unwrap();
            assert_eq!(&got, b"late");
            assert!(matches!(socket, Socket::Watched(_)));
        }
        socket.park().unwrap();
        drop(peer);
        assert_eq!(socket.read(&mut got).await.unwrap(), 0);
    }
}
