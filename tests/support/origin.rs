//! The API behind the gate. It is written against sockets, so that it sees and says every byte.

use std::{
    io::{self, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{
    Answer,
    message::{Expected, Message},
    wait_for,
};

pub(crate) struct Origin {
    address: SocketAddr,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

struct State {
    answer: Box<dyn Fn(&Message) -> Answer + Send + Sync>,
    seen: Mutex<Vec<Message>>,
    names: Mutex<Vec<String>>,
    shown: AtomicUsize,
    connections: AtomicUsize,
    ended: AtomicUsize,
    closed: AtomicBool,
}

impl Origin {
    /// Answers everything with 200 and `ok`.
    pub(crate) fn start() -> Self {
        Self::answering(|_| Answer::ok("ok"))
    }

    pub(crate) fn answering(answer: impl Fn(&Message) -> Answer + Send + Sync + 'static) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), answer)
    }

    /// The same at a certain address.
    pub(crate) fn at(
        address: SocketAddr,
        answer: impl Fn(&Message) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::accepting(address, answer, |state, stream| state.serve(stream))
    }

    /// The same over TLS.
    pub(crate) fn over_tls(
        config: ServerConfig,
        answer: impl Fn(&Message) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let config = Arc::new(config);
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::accepting(anywhere, answer, move |state, mut stream| {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            while connection.is_handshaking() {
                connection.complete_io(&mut stream)?;
            }
            state.names.lock().unwrap().extend(connection.server_name().map(str::to_owned));
            let shown = connection.peer_certificates().map_or(0, <[_]>::len);
            state.shown.fetch_add(shown, Ordering::Relaxed);
            state.serve(StreamOwned::new(connection, stream))
        })
    }

    /// The same behind a Unix socket. It has no address of its own, and ends with the test.
    pub(crate) fn behind(
        socket: &Path,
        answer: impl Fn(&Message) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let origin = Self::answering(answer);
        let (listener, state) = (UnixListener::bind(socket).unwrap(), Arc::clone(&origin.state));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state: Arc<State> = Arc::clone(&state);
                state.connections.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || state.serve::<UnixStream>(stream).ok());
            }
        });
        origin
    }

    fn accepting(
        address: SocketAddr,
        answer: impl Fn(&Message) -> Answer + Send + Sync + 'static,
        serve: impl Fn(&State, TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            answer: Box::new(answer),
            seen: Mutex::new(Vec::new()),
            names: Mutex::default(),
            shown: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let accepting = std::thread::spawn({
            let state = Arc::clone(&state);
            move || state.accept(&listener, &Arc::new(serve))
        });
        Self { address, state, accepting: Some(accepting) }
    }

    /// The hosts that it was asked for by name in handshakes.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state.names.lock().unwrap().clone()
    }

    /// How many certificates it was shown.
    pub(crate) fn shown(&self) -> usize {
        self.state.shown.load(Ordering::Relaxed)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far, in the order in which they were complete.
    pub(crate) fn requests(&self) -> Vec<Message> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        wait_for("requests at the origin", || (self.requests().len() >= count).then_some(()));
    }

    /// The one request that came.
    pub(crate) fn request(&self) -> Message {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.into_iter().next().unwrap()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.target().to_owned()).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Connections that have not ended yet.
    pub(crate) fn open_connections(&self) -> usize {
        self.connections() - self.state.ended.load(Ordering::Relaxed)
    }

    /// Waits until somebody has connected.
    pub(crate) fn wait_for_connection(&self) {
        wait_for("a connection to the origin", || (self.connections() > 0).then_some(()));
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::Relaxed);
        // Wakes the one who accepts.
        TcpStream::connect(self.address).ok();
        self.accepting.take().map(JoinHandle::join);
    }
}

impl State {
    fn accept(
        self: &Arc<Self>,
        listener: &TcpListener,
        serve: &Arc<impl Fn(&Self, TcpStream) -> io::Result<()> + Send + Sync + 'static>,
    ) {
        for stream in listener.incoming() {
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            let (state, stream) = (Arc::clone(self), stream.unwrap());
            self.connections.fetch_add(1, Ordering::Relaxed);
            // A connection that breaks is the other side's to explain.
            let serve = Arc::clone(serve);
            std::thread::spawn(move || {
                let served = stream.set_nodelay(true).and_then(|()| serve(&state, stream));
                state.ended.fetch_add(1, Ordering::Relaxed);
                served
            });
        }
    }

    fn serve<S: Read + Write>(&self, stream: S) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        while let Some(request) = Message::read(&mut reader, Expected::Request)? {
            let answer = (self.answer)(&request);
            let method = request.method().to_owned();
            self.seen.lock().unwrap().push(request);
            if !answer.write(&method, reader.get_mut())? {
                break;
            }
        }
        Ok(())
    }
}
