//! A connection without its requests' handlers.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::body::CutOff;
use crate::fixture::Wakes;

const LIMITS: Limits = Limits { bytes: 1 << 16, fields: 100 };

/// A client that says what it was told to, piece by piece, and takes so many bytes.
#[derive(Debug, Default)]
struct Script {
    says: VecDeque<&'static str>,
    /// It has said everything, and ends.
    ends: bool,
    took: Vec<u8>,
    takes: usize,
    writes: usize,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.says.pop_front() {
            Some(piece) if !piece.is_empty() => buffer.put_slice(piece.as_bytes()),
            None if self.ends => {}
            _ => return Poll::Pending,
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = pieces.iter().map(|piece| &**piece).collect::<Vec<_>>().concat();
        let taken = bytes.len().min(self.takes);
        if taken == 0 {
            return Poll::Pending;
        }
        self.takes -= taken;
        self.writes += 1;
        self.took.extend(bytes.get(..taken).unwrap_or_default());
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A connection of a client that says these; "" = it pauses.
fn line(says: impl IntoIterator<Item = &'static str>) -> Line<Script> {
    let says = says.into_iter().collect();
    Line::over(Script { says, takes: usize::MAX, ..Script::default() }, Rc::default())
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn poll_head(line: &mut Line<Script>) -> Poll<Result<String, NoHead>> {
    let mut request = Request::new(());
    let head = line.poll_head(&mut cx(), LIMITS, &mut request);
    head.map_ok(|_| request.uri().to_string())
}

fn head(uri: &str) -> Poll<Result<String, NoHead>> {
    Poll::Ready(Ok(uri.to_owned()))
}

/// What is here of the body of the request with this turn, and what comes behind it.
fn body(line: &mut Line<Script>, turn: u64) -> (String, Poll<Option<CutOff>>) {
    let mut text = String::new();
    loop {
        match line.poll_piece(&mut cx(), turn) {
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_default();
                text.push_str(std::str::from_utf8(&data).unwrap());
            }
            Poll::Ready(Some(Err(error))) => return (text, Poll::Ready(Some(error))),
            Poll::Ready(None) => return (text, Poll::Ready(None)),
            Poll::Pending => return (text, Poll::Pending),
        }
    }
}

const ENDED: Poll<Option<CutOff>> = Poll::Ready(None);
const CUT: Poll<Option<CutOff>> = Poll::Ready(Some(CutOff));

#[test]
fn requests_follow_each_other_however_they_come() {
    let mut line = line([
        "GET /1 HT",
        "",
        "TP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe",
        "lloPOST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "",
        "0\r\n\r\n\r\nGET /4 HTTP/1.1\r\n\r\n",
    ]);
    assert_eq!(poll_head(&mut line), Poll::Pending);
    assert!(!line.is_idle());
    assert_eq!(poll_head(&mut line), head("/1"));
    assert_eq!(line.turn_of_body(), None);
    assert_eq!(poll_head(&mut line), head("/2"));
    let second = line.turn_of_body().unwrap();
    assert_eq!(line.size_hint(second).exact(), Some(5));
    assert_eq!(body(&mut line, second), ("hello".into(), ENDED));
    assert_eq!(poll_head(&mut line), head("/3"));
    let third = line.turn_of_body().unwrap();
    assert_eq!(body(&mut line, second), (String::new(), ENDED), "it has had its body");
    assert_eq!(body(&mut line, third), ("hello".into(), Poll::Pending));
    assert_eq!(body(&mut line, third), (String::new(), ENDED));
    assert_eq!(poll_head(&mut line), head("/4"));
    assert_eq!(poll_head(&mut line), Poll::Pending);
    assert!(line.is_idle());
}

#[test]
fn a_body_that_breaks_off_has_no_end() {
    for (framing, rest) in [
        ("Content-Length: 9", "hel"),
        ("Transfer-Encoding: chunked", "5\r\nhel"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n"),
        ("Transfer-Encoding: chunked", "3\r\nhello\r\n0\r\n\r\n"),
    ] {
        let head = format!("POST / HTTP/1.1\r\n{framing}\r\n\r\n{rest}").leak();
        let mut line = line([&*head]);
        line.stream_mut().ends = true;
        assert!(poll_head(&mut line).is_ready());
        let turn = line.turn_of_body().unwrap();
        assert_eq!(body(&mut line, turn).1, CUT, "{framing} {rest}");
        assert_eq!(body(&mut line, turn).1, CUT);
        assert!(!line.drain(&mut cx()), "nobody knows where it ends");
    }
}

#[test]
fn who_has_left_is_told_from_who_has_not_finished() {
    let mut ended = line(["\r\n"]);
    ended.stream_mut().ends = true;
    assert_eq!(poll_head(&mut ended), Poll::Ready(Err(NoHead::Ended)));
    let mut broken = line(["GET / HT"]);
    broken.stream_mut().ends = true;
    assert_eq!(poll_head(&mut broken), Poll::Ready(Err(NoHead::Broken)));
    let get = "GET / HTTP/1.1\r\n\r\n";
    for (says, ends, left) in [
        (&[get, ""][..], false, Poll::Pending),
        (&[get], true, Poll::Ready(())),
        // Behind the next request nobody looks before its turn.
        (&[get, get], true, Poll::Pending),
    ] {
        let mut line = line(says.iter().copied());
        line.stream_mut().ends = ends;
        assert_eq!(poll_head(&mut line), head("/"));
        assert_eq!(line.poll_left(&mut cx()), left, "{says:?} {ends}");
    }
}

#[test]
fn a_body_is_asked_for_once_somebody_wants_it() {
    let expects = "POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let mut asked = line([expects, "", "hello"]);
    assert_eq!(poll_head(&mut asked), head("/"));
    assert_eq!(asked.poll_left(&mut cx()), Poll::Pending);
    assert_eq!(asked.stream_mut().took, b"");
    let turn = asked.turn_of_body().unwrap();
    assert_eq!(body(&mut asked, turn), (String::new(), Poll::Pending));
    assert_eq!(asked.stream_mut().took, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(body(&mut asked, turn), ("hello".into(), ENDED));
    assert_eq!(asked.stream_mut().took.len(), 25);
    // Neither where it has come already nor once it was answered.
    let at_once = format!("{expects}hello").leak();
    let mut at_once = line([&*at_once]);
    assert_eq!(poll_head(&mut at_once), head("/"));
    let turn = at_once.turn_of_body().unwrap();
    assert_eq!(body(&mut at_once, turn), ("hello".into(), ENDED));
    let mut answered = line([expects, "", "hello"]);
    assert_eq!(poll_head(&mut answered), head("/"));
    answered.answer();
    let turn = answered.turn_of_body().unwrap();
    assert_eq!(body(&mut answered, turn), (String::new(), Poll::Pending));
    for line in [at_once, answered] {
        assert_eq!(line.into_parts().0.took, b"");
    }
}

#[test]
fn what_nobody_reads_is_dropped_as_far_as_it_is_here() {
    let post = |rest: &str| &*format!("POST / HTTP/1.1\r\n{rest}").leak();
    let next = "GET /next HTTP/1.1\r\n\r\n";
    for (says, drained) in [
        (vec![post("Content-Length: 5\r\n\r\nhello")], true),
        (vec![post("Content-Length: 5\r\n\r\n"), "hello"], true),
        (vec![post("Content-Length: 5\r\n\r\n"), "he", "llo"], false),
        (vec![post("Content-Length: 5\r\n\r\n"), "", "hello"], false),
        (vec![post("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")], true),
        (vec![post("Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n")], false),
        // It was not asked for.
        (vec![post("Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"), "hello"], false),
    ] {
        let mut line = line(says.iter().copied().chain([next]));
        assert_eq!(poll_head(&mut line), head("/"));
        assert_eq!(line.drain(&mut cx()), drained, "{says:?}");
        if drained {
            assert_eq!(poll_head(&mut line), head("/next"));
        }
    }
}

#[test]
fn the_connection_looks_again_once_another_task_has_read_the_body() {
    let mut line = line(["POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "he", "", "llo"]);
    assert_eq!(poll_head(&mut line), head("/"));
    let turn = line.turn_of_body().unwrap();
    let wakes = Arc::new(Wakes::default());
    let waker = Arc::clone(&wakes).into();
    assert_eq!(line.poll_left(&mut Context::from_waker(&waker)), Poll::Pending);
    assert_eq!(body(&mut line, turn), ("he".into(), Poll::Pending));
    assert_eq!(wakes.count(), 0);
    assert_eq!(body(&mut line, turn), ("llo".into(), ENDED));
    assert_eq!(wakes.count(), 1);
}

/// A body of these pieces; `None` = it breaks off.
struct Pieces(VecDeque<Option<&'static [u8]>>, SizeHint);

impl Body for Pieces {
    type Data = Bytes;
    type Error = ();

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
        match self.0.pop_front() {
            // Nothing for the moment.
            Some(Some(b"")) => Poll::Pending,
            Some(Some(piece)) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece))))),
            Some(None) => Poll::Ready(Some(Err(()))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.1
    }
}

fn pieces(pieces: impl IntoIterator<Item = Option<&'static [u8]>>) -> Pieces {
    Pieces(pieces.into_iter().collect(), SizeHint::default())
}

/// A reply whose head is "head ", to a client that takes so many bytes.
fn reply(body: Pieces, framing: Framing, takes: usize) -> (Reply<Pieces>, RefCell<Line<Script>>) {
    let mut line = line([]);
    line.stream_mut().takes = takes;
    line.answer().extend_from_slice(b"head ");
    (Reply::new(body, framing), RefCell::new(line))
}

const DONE: Poll<Result<(), Broken>> = Poll::Ready(Ok(()));
const BROKEN: Poll<Result<(), Broken>> = Poll::Ready(Err(Broken));
const LONG: &[u8] = &[b'x'; 10_000];

#[test]
fn what_is_there_goes_with_one_write() {
    let all = || pieces([Some(&b"hello"[..]), Some(b" you")]);
    for (framing, said) in [
        (Framing::Length(9), "head hello you"),
        (Framing::Close, "head hello you"),
        (Framing::Chunks, "head 5\r\nhello\r\n4\r\n you\r\n0\r\n\r\n"),
        (Framing::Absent, "head "),
    ] {
        let (mut reply, line) = reply(all(), framing, usize::MAX);
        assert_eq!(reply.poll(&mut cx(), &line), DONE);
        let client = line.into_inner().into_parts().0;
        assert_eq!(
            (std::str::from_utf8(&client.took), client.writes),
            (Ok(said), 1),
            "{framing:?}"
        );
    }
    let (mut reply, line) = reply(pieces([Some(LONG)]), Framing::Chunks, usize::MAX);
    assert_eq!(reply.poll(&mut cx(), &line), DONE);
    let client = line.into_inner().into_parts().0;
    let said = [b"head 2710\r\n", LONG, b"\r\n0\r\n\r\n"].concat();
    assert!(client.took == said && client.writes == 1);
}

#[test]
fn what_is_there_does_not_wait_for_what_is_not() {
    let body = pieces([Some(&b"one"[..]), Some(b""), Some(b"two"), Some(b"")]);
    let (mut reply, line) = reply(body, Framing::Chunks, usize::MAX);
    for said in ["head 3\r\none\r\n", "head 3\r\none\r\n3\r\ntwo\r\n"] {
        assert_eq!(reply.poll(&mut cx(), &line), Poll::Pending);
        assert_eq!(line.borrow_mut().stream_mut().took, said.as_bytes());
    }
    assert_eq!(reply.poll(&mut cx(), &line), DONE);
    assert!(line.borrow_mut().stream_mut().took.ends_with(b"two\r\n0\r\n\r\n"));
}

#[test]
fn a_client_that_reads_slowly_gets_every_byte_once() {
    let said = [b"head ", LONG, b"tail"].concat();
    for takes in [1, 3, 7, 4999, 9999] {
        let body = pieces([Some(LONG), Some(b"tail")]);
        let (mut reply, line) = reply(body, Framing::Length(10_004), takes);
        while reply.poll(&mut cx(), &line).is_pending() {
            line.borrow_mut().stream_mut().takes = takes;
        }
        assert!(line.into_inner().into_parts().0.took == said, "{takes}");
    }
}

#[test]
fn a_body_that_does_not_come_to_its_end_breaks_the_connection() {
    let hello = Some(&b"hello"[..]);
    for (body, framing) in [
        (pieces([hello, None]), Framing::Chunks),
        (pieces([hello, None]), Framing::Length(9)),
        (pieces([hello]), Framing::Length(9)),
        (pieces([hello]), Framing::Length(4)),
    ] {
        let (mut reply, line) = reply(body, framing, usize::MAX);
        assert_eq!(reply.poll(&mut cx(), &line), BROKEN, "{framing:?}");
        assert!(!line.into_inner().into_parts().0.took.ends_with(b"0\r\n\r\n"));
    }
    let (mut reply, line) = reply(pieces([hello, Some(b"")]), Framing::Chunks, usize::MAX);
    line.borrow_mut().stream_mut().ends = true;
    assert_eq!(reply.poll(&mut cx(), &line), BROKEN, "its client has left");
}

#[test]
fn what_connections_share_is_used_again() {
    let rooms = Rooms::default();
    let mut buffer = rooms.buffer();
    buffer.extend_from_slice(&[0; 1000]);
    let at = buffer.as_ptr();
    rooms.put_buffer(buffer);
    rooms.put_buffer(Vec::with_capacity(10));
    rooms.put_buffer(Vec::with_capacity(1 << 20));
    let buffer = rooms.buffer();
    assert_eq!((buffer.as_ptr(), buffer.len()), (at, 0));
    let mut fields = HeaderMap::with_capacity(8);
    fields.insert("x-a", http::HeaderValue::from_static("1"));
    rooms.put_fields(fields);
    assert!(rooms.fields().is_empty());
    let mut room = None;
    for _ in 0..1000 {
        let arrived = rooms.receive(|room| {
            room.extend_from_slice(&[0; 100]);
            room.split().freeze()
        });
        let room = *room.get_or_insert(arrived.as_ptr() as usize);
        assert!((room..room + (32 << 10)).contains(&(arrived.as_ptr() as usize)));
    }
}
