use std::collections::VecDeque;
use std::task::Waker;

use tokio::io::ReadBuf;

use super::*;

/// A server that says what it was told to, piece by piece, and takes what it gets.
#[derive(Default)]
struct Script {
    says: VecDeque<Says>,
    took: Vec<u8>,
    /// It has closed the connection: nothing is taken any more.
    deaf: bool,
    over_tls: bool,
}

enum Says {
    Piece(&'static str),
    Silence,
    End,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.says.pop_front() {
            Some(Says::Piece(piece)) => {
                buffer.put_slice(piece.as_bytes());
                Poll::Ready(Ok(()))
            }
            Some(Says::End) => Poll::Ready(Ok(())),
            Some(Says::Silence) | None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.took.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Wire for Script {
    fn is_silent(&self) -> bool {
        self.says.is_empty()
    }

    fn is_plain(&self) -> bool {
        !self.over_tls
    }
}

fn server(says: impl IntoIterator<Item = Says>) -> Http1<Script> {
    Http1::over(Script { says: says.into_iter().collect(), ..Script::default() })
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn ask(one: &mut Http1<Script>, method: Method) -> Poll<Result<StatusCode, Unanswered>> {
    let request = Request::builder().method(method).uri("/a").body(()).unwrap();
    one.ask(&request, [].into_iter(), None);
    hear(one)
}

fn hear(one: &mut Http1<Script>) -> Poll<Result<StatusCode, Unanswered>> {
    let mut poll = || one.poll_answer(&mut cx(), &mut None, &mut HeaderMap::new());
    // At first it may rely on being woken.
    let answer = match poll() {
        Poll::Pending => poll(),
        answer => answer,
    };
    answer.map_ok(|response| response.status())
}

/// The body as far as it has come, and whether it has ended well.
fn body(one: &mut Http1<Script>) -> (String, Poll<Option<CutOff>>) {
    let mut text = String::new();
    loop {
        match one.poll_frame(&mut cx(), &mut None) {
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

const OK: Poll<Result<StatusCode, Unanswered>> = Poll::Ready(Ok(StatusCode::OK));
const ENDED: Poll<Option<CutOff>> = Poll::Ready(None);

#[test]
fn responses_follow_each_other_over_one_connection() {
    let mut one = server([
        Says::Piece("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "),
        Says::Piece("OK\r\nContent-Length: 5\r\n\r\nhe"),
        Says::Piece("llo"),
        Says::Silence,
        Says::Piece("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        Says::Silence,
        Says::Piece("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    ]);
    for _ in 0..2 {
        assert_eq!(ask(&mut one, Method::GET), OK);
        assert!(!one.is_free());
        assert_eq!(body(&mut one), ("hello".into(), ENDED));
        assert!(one.is_ready(false, &mut cx()));
    }
    assert_eq!(ask(&mut one, Method::HEAD), OK);
    assert!(one.is_ready(true, &mut cx()));
    let asked = String::from_utf8(one.into_parts().0.took).unwrap();
    let get = "GET /a HTTP/1.1\r\n\r\n";
    assert_eq!(asked, format!("{get}{get}HEAD /a HTTP/1.1\r\n\r\n"));
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let head = "HTTP/1.1 200 OK\r\n\r\nhel";
    let mut one = server([Says::Piece(head), Says::Piece("lo"), Says::End]);
    assert_eq!(ask(&mut one, Method::GET), OK);
    assert_eq!(body(&mut one), ("hello".into(), ENDED));
    assert!(!one.is_free());
}

#[test]
fn a_body_that_breaks_off_has_no_end() {
    for head in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
        let head: &'static str = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").leak();
        let mut one = server([Says::Piece(head), Says::Piece("5\r\nhel"), Says::End]);
        assert_eq!(ask(&mut one, Method::GET), OK);
        assert_eq!(body(&mut one).1, Poll::Ready(Some(CutOff)), "{head}");
        assert!(!one.is_free());
    }
}

#[test]
fn what_nobody_has_asked_for_ends_the_connection() {
    let whole = "HTTP/1.1 204 None\r\n\r\n";
    let smuggled: &'static str = format!("{whole}{whole}").leak();
    let mut one = server([Says::Piece(smuggled)]);
    assert!(ask(&mut one, Method::GET).is_ready());
    assert!(!one.is_free(), "a second response came with the first");
    for says in [Says::Piece(whole), Says::End] {
        let mut one = server([Says::Piece(whole), says]);
        assert!(ask(&mut one, Method::GET).is_ready());
        assert!(one.is_free());
        assert!(!one.is_ready(false, &mut cx()));
    }
    let mut one = server([Says::Piece(whole), Says::Silence, Says::End]);
    assert!(ask(&mut one, Method::GET).is_ready());
    assert!(!one.is_ready(true, &mut cx()), "only the kernel knows yet");
}

#[test]
fn it_is_known_whether_a_request_that_fails_was_sent() {
    let fails = |says: [Says; 2], deaf, over_tls| {
        let mut one = server(says);
        (one.stream.deaf, one.stream.over_tls) = (deaf, over_tls);
        let Poll::Ready(Err(error)) = ask(&mut one, Method::GET) else { panic!("answered") };
        assert!(!one.is_free());
        error
    };
    let piece = "HTTP/1.1 2";
    assert_eq!(fails([Says::Silence, Says::End], true, false), Unanswered::Unsent);
    assert_eq!(fails([Says::End, Says::End], true, true), Unanswered::Closed);
    assert_eq!(fails([Says::End, Says::End], false, false), Unanswered::Closed);
    assert_eq!(fails([Says::Piece(piece), Says::End], false, false), Unanswered::Broken);
    assert_eq!(
        fails([Says::Piece("nonsense\r\n\r\n"), Says::End], false, false),
        Unanswered::Broken
    );
}

#[test]
fn a_head_has_a_greatest_size() {
    let line: &'static str = format!("a: {}\r\n", "x".repeat(7000)).leak();
    let says = [Says::Piece("HTTP/1.1 200 OK\r\n")].into_iter();
    let mut one = server(says.chain((0..5).map(|_| Says::Piece(line))));
    assert_eq!(ask(&mut one, Method::GET), Poll::Ready(Err(Unanswered::Broken)));
}

#[test]
fn what_follows_a_switch_is_no_http() {
    let mut one = server([Says::Piece("HTTP/1.1 101 Switching Protocols\r\n\r\nwords")]);
    let switching = StatusCode::SWITCHING_PROTOCOLS;
    assert_eq!(ask(&mut one, Method::GET), Poll::Ready(Ok(switching)));
    assert!(one.is_over() && !one.is_free());
    assert_eq!(one.into_parts().1, "words");
}
