//! The byte stream to a broker: TCP, TLS, websockets with or without TLS, or a local socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink, Stream as _};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::server::{Scheme, Server};
use crate::socket::Socket;

/// An open stream.
pub(crate) enum Transport {
    Tcp(Socket),
    Tls(Box<TlsStream<TcpStream>>),
    Ws(Box<Ws<TcpStream>>),
    Wss(Box<Ws<TlsStream<TcpStream>>>),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Transport {
    /// Prepares for a pause in which nobody reads.
    pub fn park(&mut self) -> io::Result<()> {
        match self {
            Transport::Tcp(socket) => socket.park(),
            // These read ahead of what they give, so that they always have to be asked until they wait.
            _ => Ok(()),
        }
    }

    /// After a pause: reads what a read has called in, see [`Socket::read_on`].
    pub fn read_on(&mut self, space: &mut [u8]) -> usize {
        match self {
            Transport::Tcp(socket) => socket.read_on(space),
            _ => 0,
        }
    }

    /// Whether a read that left space has taken all there was.
    pub fn short_read_is_all(&self) -> bool {
        matches!(self, Transport::Tcp(_))
    }

    /// Opens the stream. The error is written as Go writes it, for that is what users search for.
    pub async fn open(server: &Server, tls: Option<&Arc<ClientConfig>>) -> Result<Transport, String> {
        Ok(match server.scheme {
            #[cfg(unix)]
            Scheme::Unix => Transport::Unix(
                UnixStream::connect(&server.path)
                    .await
                    .map_err(|e| format!("dial unix {}: connect: {}", server.path, go_text(&e)))?,
            ),
            #[cfg(not(unix))]
            Scheme::Unix => return Err("local sockets are not available on this system".to_owned()),
            Scheme::Tcp => Transport::Tcp(Socket::Watched(dial(server).await?)),
            Scheme::Tls => Transport::Tls(Box::new(secure(dial(server).await?, server, tls).await?)),
            Scheme::Ws => Transport::Ws(Box::new(Ws::open(dial(server).await?, server, "ws").await?)),
            Scheme::Wss => {
                let stream = secure(dial(server).await?, server, tls).await?;
                Transport::Wss(Box::new(Ws::open(stream, server, "wss").await?))
            }
        })
    }
}

async fn dial(server: &Server) -> Result<TcpStream, String> {
    let addresses = tokio::net::lookup_host((server.host.as_str(), server.port))
        .await
        .map_err(|e| format!("dial tcp: lookup {}: {}", server.host, go_text(&e)))?;
    let mut failed = format!("dial tcp: lookup {}: no such host", server.host);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Acknowledgements are gathered here already; the kernel must not hold them back once more.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(e) => failed = format!("dial tcp {address}: connect: {}", go_text(&e)),
        }
    }
    Err(failed)
}

async fn secure(
    stream: TcpStream,
    server: &Server,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<TlsStream<TcpStream>, String> {
    let tls = tls.ok_or("tls: not configured")?;
    let name = ServerName::try_from(server.host.clone()).map_err(|e| format!("tls: {}: {e}", server.host))?;
    TlsConnector::from(tls.clone())
        .connect(name, stream)
        .await
        .map_err(|e| format!("tls: {e}"))
}

/// Go's words for what the system said.
pub(crate) fn go_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".into(),
        io::ErrorKind::BrokenPipe => "broken pipe".into(),
        io::ErrorKind::TimedOut => "i/o timeout".into(),
        io::ErrorKind::NotFound => "no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::HostUnreachable => "no route to host".into(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".into(),
        io::ErrorKind::UnexpectedEof => "EOF".into(),
        _ => {
            let text = error.to_string();
            if text.contains("failed to lookup address") {
                "no such host".into()
            } else {
                text
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(s) => Pin::new(s).poll_read(cx, buf),
            Transport::Tls(s) => Pin::new(s).poll_read(cx, buf),
            Transport::Ws(s) => s.poll_read(cx, buf),
            Transport::Wss(s) => s.poll_read(cx, buf),
            #[cfg(unix)]
            Transport::Unix(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Tcp(s) => Pin::new(s).poll_write(cx, buf),
            Transport::Tls(s) => Pin::new(s).poll_write(cx, buf),
            Transport::Ws(s) => s.poll_write(cx, buf),
            Transport::Wss(s) => s.poll_write(cx, buf),
            #[cfg(unix)]
            Transport::Unix(s) => Pin::new(s).poll_write(cx, buf),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(s) => Pin::new(s).poll_flush(cx),
            Transport::Tls(s) => Pin::new(s).poll_flush(cx),
            Transport::Ws(s) => Pin::new(&mut s.inner).poll_flush(cx).map_err(io_error),
            Transport::Wss(s) => Pin::new(&mut s.inner).poll_flush(cx).map_err(io_error),
            #[cfg(unix)]
            Transport::Unix(s) => Pin::new(s).poll_flush(cx),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(s) => Pin::new(s).poll_shutdown(cx),
            Transport::Tls(s) => Pin::new(s).poll_shutdown(cx),
            Transport::Ws(s) => Pin::new(&mut s.inner).poll_close(cx).map_err(io_error),
            Transport::Wss(s) => Pin::new(&mut s.inner).poll_close(cx).map_err(io_error),
            #[cfg(unix)]
            Transport::Unix(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}

/// MQTT over a websocket: packets lie in binary messages, whose borders mean nothing [MQTT-6.0.0-1].
pub(crate) struct Ws<S> {
    inner: WebSocketStream<S>,
    /// What the last message held beyond the reader's space.
    rest: Bytes,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Ws<S> {
    async fn open(stream: S, server: &Server, scheme: &str) -> Result<Ws<S>, String> {
        let mut request = format!("{scheme}://{server}{}", server.path)
            .into_client_request()
            .map_err(|e| format!("dial {scheme}: {e}"))?;
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
        // MQTT has its own limit, 256 MiB.
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((inner, _)) => Ok(Ws {
                inner,
                rest: Bytes::new(),
            }),
            Err(tungstenite::Error::Http(response)) => {
                Err(format!("websocket: bad handshake: {}", response.status()))
            }
            Err(e) => Err(format!("websocket: {e}")),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                None | Some(Ok(Message::Close(_))) => return Poll::Ready(Ok(())),
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a websocket message that is no data",
                    )));
                }
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed)) => {
                    return Poll::Ready(Ok(()));
                }
                Some(Err(e)) => return Poll::Ready(Err(io_error(e))),
            }
        }
        let n = self.rest.len().min(buf.remaining());
        buf.put_slice(&self.rest.split_to(n));
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(Pin::new(&mut self.inner).poll_ready(cx)).map_err(io_error)?;
        let message = Message::Binary(Bytes::copy_from_slice(buf));
        Pin::new(&mut self.inner).start_send(message).map_err(io_error)?;
        Poll::Ready(Ok(buf.len()))
    }
}

fn io_error(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(e) => e,
        other => io::Error::other(other),
    }
}
