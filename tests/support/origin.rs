//! The API behind the gate. It is written against sockets, so that it sees and says every byte.

use std::{
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

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
    connections: AtomicUsize,
    closed: AtomicBool,
}

impl Origin {
    /// Answers everything with 200 and `ok`.
    pub(crate) fn start() -> Self {
        Self::answering(|_| Answer::ok("ok"))
    }

    pub(crate) fn answering(answer: impl Fn(&Message) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            answer: Box::new(answer),
            seen: Mutex::new(Vec::new()),
            connections: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let accepting = std::thread::spawn({
            let state = Arc::clone(&state);
            move || state.accept(&listener)
        });
        Self { address, state, accepting: Some(accepting) }
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
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            let (state, stream) = (Arc::clone(self), stream.unwrap());
            self.connections.fetch_add(1, Ordering::Relaxed);
            // A connection that breaks is the other side's to explain.
            std::thread::spawn(move || state.serve(stream).ok());
        }
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = Message::read(&mut reader, Expected::Request)? {
            let answer = (self.answer)(&request);
            let method = request.method().to_owned();
            self.seen.lock().unwrap().push(request);
            if !answer.write(&method, &mut stream)? {
                break;
            }
        }
        Ok(())
    }
}
