//! A client that sends HTTP/1.1 byte for byte as it is told.

use std::{
    io::{self, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use socket2::{Domain, Socket, Type};

use super::{
    Connection, PATIENCE, Request, Response,
    message::{Expected, Message},
};

/// Bytes both ways, plain or through TLS.
pub(crate) trait Duplex: Read + Write + Send {}

impl<T: Read + Write + Send> Duplex for T {}

pub(crate) struct Http1 {
    reader: BufReader<Box<dyn Duplex>>,
    /// Of the response that is to come.
    expected: Expected,
}

impl Http1 {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).unwrap()
    }

    /// Connects from this address: 127.0.0.0/8 is ours.
    pub(crate) fn connect_from(source: [u8; 4], address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect_timeout(&address.into(), PATIENCE).unwrap();
        Self::over(patient(socket.into()).unwrap())
    }

    pub(crate) fn try_connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::over(tcp(address)?))
    }

    pub(crate) fn over(stream: impl Duplex + 'static) -> Self {
        Self { reader: BufReader::new(Box::new(stream)), expected: Expected::Response }
    }

    pub(crate) fn write(&mut self, request: &Request) {
        self.write_bytes(request.bytes());
        if request.method == "HEAD" {
            self.expected = Expected::ResponseWithoutBody;
        }
    }

    pub(crate) fn write_bytes(&mut self, bytes: impl AsRef<[u8]>) {
        self.expected = Expected::Response;
        // The other side may have answered and gone before it has read everything.
        self.reader.get_mut().write_all(bytes.as_ref()).ok();
    }

    /// Writes a request byte for byte and reads what is answered.
    pub(crate) fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.write_bytes(bytes);
        self.read()
    }

    /// The final response.
    pub(crate) fn read(&mut self) -> Response {
        loop {
            let response =
                self.try_read().unwrap().expect("the connection ended before a response");
            if response.status >= 200 {
                return response;
            }
        }
    }

    /// The next response, interim ones too; none where the connection has ended in good order.
    pub(crate) fn try_read(&mut self) -> io::Result<Option<Response>> {
        Ok(Message::read(&mut self.reader, self.expected)?.map(Response::from))
    }

    /// Reads until these words have come, whatever they are part of.
    pub(crate) fn reads_until(&mut self, words: &str) {
        let mut read = Vec::new();
        while !read.ends_with(words.as_bytes()) {
            let mut byte = [0];
            self.reader.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
    }

    /// What comes until the other side ends, in good order or not.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // What has come before a reset is kept.
        self.reader.read_to_end(&mut rest).ok();
        String::from_utf8(rest).unwrap()
    }

    /// Whether the other side ends the connection without another byte.
    pub(crate) fn ends(&mut self) -> bool {
        match self.reader.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// A connection whose reads do not wait for ever.
pub(crate) fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    patient(TcpStream::connect_timeout(&address, PATIENCE)?)
}

fn patient(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Connection for Http1 {
    fn send(&mut self, request: &Request) -> Response {
        self.write(request);
        self.read()
    }
}
