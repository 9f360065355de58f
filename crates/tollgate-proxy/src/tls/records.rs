//! What TLS makes of records and of bytes, without a socket.
//!
//! rustls is lent its room: whoever keeps a connection keeps of it what is not whole yet, has not been read or
//! has not been sent, which is nothing while the connection is idle. (rustls' own buffers are 4 KiB at the
//! least, for as long as a connection lives.)

use std::mem::take;
use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus, WriteTraffic,
};
use rustls::{CommonState, Error, InvalidMessage, PeerMisbehaved, ServerConfig};
use tokio::io::ReadBuf;

/// Bytes of a record at most (RFC 5246 §6.2.3), and so of what is read at once.
pub(super) const RECORD: usize = 5 + (16 << 10) + 2048;

/// Bytes of records that are not done with: as many as a message of a handshake may have, which can come in many.
pub(super) const UNFINISHED: usize = 64 << 10;

/// Bytes that are sealed at once: the head of a frame of HTTP/2 and what is in it are two records of one write.
pub(super) const PLAIN: usize = 32 << 10;

/// Room for that many bytes, sealed: 22 to 29 bytes more for each record, and what TLS itself has to say.
pub(super) const SEALED: usize = PLAIN + 1024;

/// Bytes that wait for somebody, and cost nothing when there are none.
#[derive(Default)]
pub(super) struct Waiting {
    bytes: Vec<u8>,
    gone: usize,
}

/// A connection's side of TLS.
pub(super) struct Records {
    connection: UnbufferedServerConnection,
    /// Records that are not whole yet, or hold a part of a handshake's message.
    incoming: Vec<u8>,
    /// What the client said and nobody has asked for yet.
    pub(super) plain: Waiting,
    /// Records that are not sent yet.
    pub(super) outgoing: Waiting,
    /// The client has said that nothing follows.
    pub(super) client_ended: bool,
    /// The client has broken the protocol, and was told so.
    pub(super) broken: bool,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.gone..).unwrap_or_default()
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes so many away from the front.
    pub(super) fn remove(&mut self, length: usize) {
        self.gone += length;
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Adds a record of TLS's own.
    fn encode(&mut self, mut data: EncodeTlsData<'_, ServerConnectionData>) -> Result<(), Error> {
        let failed = |error: EncodeError| Error::General(error.to_string());
        // It is asked first how long it is.
        let length = match data.encode(&mut []) {
            Ok(length) => length,
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => {
                required_size
            }
            Err(error) => return Err(failed(error)),
        };
        let end = self.bytes.len();
        self.bytes.resize(end + length, 0);
        let room = self.bytes.get_mut(end..).unwrap_or_default();
        data.encode(room).map(drop).map_err(failed)
    }
}

impl Records {
    /// Before the handshake.
    ///
    /// # Errors
    /// If `config` contradicts itself.
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(config)?,
            incoming: Vec::new(),
            plain: Waiting::default(),
            outgoing: Waiting::default(),
            client_ended: false,
            broken: false,
        })
    }

    /// What was agreed upon.
    pub(super) fn state(&self) -> &CommonState {
        &self.connection
    }

    /// Bytes that stand in front of those that arrive next.
    pub(super) fn unfinished(&self) -> &[u8] {
        &self.incoming
    }

    /// Takes `bytes`, which begin with those that were unfinished. What the client says goes to `reader`, and
    /// waits if it has no room.
    ///
    /// # Errors
    /// If the client breaks the protocol; what it has to be told of it is there to be sent.
    pub(super) fn receive(
        &mut self,
        bytes: &mut [u8],
        reader: &mut ReadBuf<'_>,
    ) -> Result<(), Error> {
        let (done, _) = self.process(bytes, reader, |_| ())?;
        let left = bytes.get(done..).unwrap_or_default();
        // What comes after an end is nothing (RFC 8446 §6.1).
        if left.is_empty() || self.client_ended {
            self.incoming = Vec::new();
            return Ok(());
        }
        if left.len() >= UNFINISHED {
            return Err(self.fail(InvalidMessage::HandshakePayloadTooLarge.into()));
        }
        self.incoming.clear();
        self.incoming.extend_from_slice(left);
        Ok(())
    }

    /// Seals all of `bytes`, which are [`PLAIN`] at most, into `room`: so many bytes of it. Whatever is to be sent
    /// already comes first.
    ///
    /// # Errors
    /// If the connection has ended, or there is no room.
    pub(super) fn seal(&mut self, bytes: &[u8], room: &mut [u8]) -> Result<usize, Error> {
        self.write(|traffic| traffic.encrypt(bytes, room))
    }

    /// Says, in `room`, that nothing follows.
    ///
    /// # Errors
    /// As of [`Records::seal`].
    pub(super) fn seal_end(&mut self, room: &mut [u8]) -> Result<usize, Error> {
        self.write(|traffic| traffic.queue_close_notify(room))
    }

    fn write(
        &mut self,
        seal: impl FnOnce(&mut WriteTraffic<'_, ServerConnectionData>) -> Result<usize, EncryptError>,
    ) -> Result<usize, Error> {
        let mut incoming = take(&mut self.incoming);
        // Nothing in it is whole, so nothing comes of it.
        let mut nobody = ReadBuf::new(&mut []);
        let processed = self.process(&mut incoming, &mut nobody, |traffic| traffic.map(seal));
        let (done, sealed) = processed?;
        incoming.drain(..done.min(incoming.len()));
        self.incoming = incoming;
        match sealed {
            Some(Ok(length)) => Ok(length),
            Some(Err(error)) => Err(self.fail(Error::General(error.to_string()))),
            None => Err(Error::HandshakeNotComplete),
        }
    }

    /// Goes on with `bytes` until more of them are needed: how many are done with, and what `then` makes of it, which
    /// is given what seals if anything can be sealed.
    fn process<T>(
        &mut self,
        bytes: &mut [u8],
        reader: &mut ReadBuf<'_>,
        then: impl FnOnce(Option<&mut WriteTraffic<'_, ServerConnectionData>>) -> T,
    ) -> Result<(usize, T), Error> {
        if self.broken {
            return Err(Error::HandshakeNotComplete);
        }
        let mut done = 0;
        loop {
            let rest = bytes.get_mut(done..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(rest);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        let length = record.payload.len().min(reader.remaining());
                        let (now, later) = record.payload.split_at(length);
                        reader.put_slice(now);
                        self.plain.add(later);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => self.outgoing.encode(data)?,
                // It waits in order, with what is sealed after it.
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.client_ended = true,
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    return Ok((done + discard, then(Some(&mut traffic))));
                }
                Ok(ConnectionState::BlockedHandshake | ConnectionState::Closed) => {
                    return Ok((done + discard, then(None)));
                }
                // 0-RTT is off.
                Ok(_) => return Err(self.fail(PeerMisbehaved::TooMuchEarlyDataReceived.into())),
                Err(error) => {
                    self.say_why(bytes.get_mut(done + discard..).unwrap_or_default());
                    return Err(self.fail(error));
                }
            }
            done += discard;
        }
    }

    /// Takes what the client has to be told of its mistake, before any more of `rest` is looked at.
    fn say_why(&mut self, rest: &mut [u8]) {
        while self.connection.wants_write() {
            let Ok(ConnectionState::EncodeTlsData(data)) =
                self.connection.process_tls_records(rest).state
            else {
                return;
            };
            if self.outgoing.encode(data).is_err() {
                return;
            }
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.broken = true;
        error
    }

    /// Bytes that it holds beside rustls' own.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let Self { incoming, plain, outgoing, .. } = self;
        incoming.capacity() + plain.bytes.capacity() + outgoing.bytes.capacity()
    }
}
