//! Connections by TCP to other servers: a Worker's sockets at the edge, a peer in this process elsewhere.

/// Whether and when a connection is secure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte.
    On,
    /// Once both sides agree.
    Later,
    /// Not at all.
    Off,
}

/// A connection failed. The text is for the log and for administrators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// It took too long.
    #[error("it takes too long")]
    Late,
    /// It could not be made, was refused, or ended.
    #[error("the connection fails")]
    Failed,
}

/// So many bytes are read at once.
#[cfg(target_arch = "wasm32")]
const CHUNK: usize = 4096;

#[cfg(target_arch = "wasm32")]
pub use edge::{Socket, Sockets};
#[cfg(not(target_arch = "wasm32"))]
pub use memory::{Heard, Said, Socket, Sockets};

#[cfg(target_arch = "wasm32")]
mod edge {
    use std::future::Future;
    use std::time::Duration;

    use futures_util::future::{Either, select};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use worker::{Delay, SecureTransport};

    use super::{CHUNK, SocketError, Tls};

    /// Makes connections.
    #[derive(Default)]
    pub struct Sockets;

    /// A connection.
    pub struct Socket(worker::Socket);

    impl Sockets {
        /// Connects to a server.
        pub async fn connect(
            &self,
            host: &str,
            port: u16,
            tls: Tls,
            patience: Duration,
        ) -> Result<Socket, SocketError> {
            let transport = match tls {
                Tls::On => SecureTransport::On,
                Tls::Later => SecureTransport::StartTls,
                Tls::Off => SecureTransport::Off,
            };
            let socket = worker::Socket::builder().secure_transport(transport).connect(host, port);
            let socket = Socket(socket.map_err(|_| SocketError::Failed)?);
            within(patience, socket.0.opened()).await?.map_err(|_| SocketError::Failed)?;
            Ok(socket)
        }
    }

    impl Socket {
        /// Writes all of it.
        pub async fn write(&mut self, bytes: &[u8], patience: Duration) -> Result<(), SocketError> {
            let written = async {
                self.0.write_all(bytes).await?;
                self.0.flush().await
            };
            within(patience, written).await?.map_err(|_| SocketError::Failed)
        }

        /// What comes next; nothing, where the other side has ended it.
        pub async fn read(&mut self, patience: Duration) -> Result<Vec<u8>, SocketError> {
            let mut bytes = vec![0; CHUNK];
            let read = within(patience, self.0.read(&mut bytes)).await?.map_err(|_| SocketError::Failed)?;
            bytes.truncate(read);
            Ok(bytes)
        }

        /// Goes on with TLS. A certificate that is not the host's ends the connection.
        pub async fn start_tls(self, patience: Duration) -> Result<Self, SocketError> {
            let socket = Self(self.0.start_tls());
            within(patience, socket.0.opened()).await?.map_err(|_| SocketError::Failed)?;
            Ok(socket)
        }

        /// Ends it.
        pub async fn close(mut self) {
            let _ = within(Duration::from_secs(1), self.0.close()).await;
        }
    }

    async fn within<T>(patience: Duration, future: impl Future<Output = T>) -> Result<T, SocketError> {
        let (future, patience) = (std::pin::pin!(future), std::pin::pin!(Delay::from(patience)));
        match select(future, patience).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(SocketError::Late),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::{SocketError, Tls};

    /// What a peer hears.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Heard {
        /// Somebody connects: to which host and port, and how.
        Connection(String, u16, Tls),
        /// Somebody writes.
        Bytes(Vec<u8>),
        /// TLS begins.
        Tls,
    }

    /// What it says to that.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Said {
        /// These bytes, perhaps none.
        Bytes(Vec<u8>),
        /// These bytes, and the end of the connection.
        Cut(Vec<u8>),
        /// It does not take the connection, or fails with TLS.
        Refused,
    }

    type Peer = Rc<RefCell<Box<dyn FnMut(Heard) -> Said>>>;

    /// Connects to a peer in this process; there is none at first.
    #[derive(Clone)]
    pub struct Sockets(Peer);

    /// A connection.
    pub struct Socket {
        peer: Peer,
        waiting: Vec<u8>,
        is_cut: bool,
    }

    impl Default for Sockets {
        fn default() -> Self {
            Self(Rc::new(RefCell::new(Box::new(|_| Said::Refused))))
        }
    }

    impl Sockets {
        /// From now on this peer answers.
        pub fn answer(&self, peer: impl FnMut(Heard) -> Said + 'static) {
            *self.0.borrow_mut() = Box::new(peer);
        }

        /// Connects to a server.
        pub async fn connect(
            &self,
            host: &str,
            port: u16,
            tls: Tls,
            _patience: Duration,
        ) -> Result<Socket, SocketError> {
            let mut socket = Socket { peer: self.0.clone(), waiting: Vec::new(), is_cut: false };
            socket.hear(Heard::Connection(host.to_owned(), port, tls))?;
            Ok(socket)
        }
    }

    impl Socket {
        fn hear(&mut self, heard: Heard) -> Result<(), SocketError> {
            if self.is_cut {
                return Err(SocketError::Failed);
            }
            let said = (self.peer.borrow_mut())(heard);
            match said {
                Said::Bytes(bytes) => self.waiting.extend(bytes),
                Said::Cut(bytes) => {
                    self.waiting.extend(bytes);
                    self.is_cut = true;
                }
                Said::Refused => return Err(SocketError::Failed),
            }
            Ok(())
        }

        /// Writes all of it.
        pub async fn write(&mut self, bytes: &[u8], _patience: Duration) -> Result<(), SocketError> {
            self.hear(Heard::Bytes(bytes.to_vec()))
        }

        /// What comes next; nothing, where the other side has ended it. A peer that says nothing takes too long.
        pub async fn read(&mut self, _patience: Duration) -> Result<Vec<u8>, SocketError> {
            if self.waiting.is_empty() && !self.is_cut {
                return Err(SocketError::Late);
            }
            Ok(std::mem::take(&mut self.waiting))
        }

        /// Goes on with TLS.
        pub async fn start_tls(mut self, _patience: Duration) -> Result<Self, SocketError> {
            self.hear(Heard::Tls)?;
            Ok(self)
        }

        /// Ends it.
        pub async fn close(self) {}
    }
}
