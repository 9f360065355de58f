use std::future::poll_fn;
use std::io::ErrorKind;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, Error, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::join;
use tokio_rustls::{TlsConnector, client};

use super::*;
use crate::tls::records::UNFINISHED;
use crate::tls::{FROM_TLS12, FROM_TLS13, provider};

type Client = client::TlsStream<DuplexStream>;

/// Both versions, each by itself.
fn versions() -> [&'static [&'static SupportedProtocolVersion]; 2] {
    [&FROM_TLS12[1..], &FROM_TLS13]
}

/// What both sides are configured with.
fn configs(
    versions: &'static [&'static SupportedProtocolVersion],
) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    // These clients read nothing behind the handshake until they are told to.
    server.send_tls13_tickets = 0;
    let client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

/// The two ends of a connection that takes so many bytes each way before somebody has to read.
async fn connected(
    versions: &'static [&'static SupportedProtocolVersion],
    room: usize,
) -> (TlsStream<DuplexStream>, Client) {
    let (server, client) = configs(versions);
    let (near, far) = duplex(room);
    let mut server = TlsStream::new(server, near).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let (shaken, client) = join!(
        poll_fn(|cx| server.poll_handshake(cx)),
        TlsConnector::from(client).connect(name, far)
    );
    shaken.unwrap();
    (server, client.unwrap())
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

impl<S> TlsStream<S> {
    fn held(&self) -> usize {
        self.records.held()
    }
}

#[test]
fn bytes_go_both_ways_however_little_the_socket_takes() {
    for versions in versions() {
        for room in [1, 7, 1000, 1 << 20] {
            run(async {
                let (mut server, mut client) = connected(versions, room).await;
                let length = if room < 1000 { 3000 } else { 300_000 };
                let (up, down) = (bytes(length), bytes(length / 3));
                let (mut received, mut answered) = (Vec::new(), Vec::new());
                let ask = async {
                    client.write_all(&up).await.unwrap();
                    client.shutdown().await.unwrap();
                    client.read_to_end(&mut answered).await.unwrap();
                };
                let answer = async {
                    server.read_to_end(&mut received).await.unwrap();
                    assert_eq!(server.held(), 0);
                    server.write_all(&down).await.unwrap();
                    server.shutdown().await.unwrap();
                };
                join!(ask, answer);
                assert!(received == up && answered == down, "{versions:?} {room}");
                assert_eq!(server.held(), 0);
            });
        }
    }
}

#[test]
fn pieces_are_one_record_as_far_as_they_fit() {
    run(async {
        let (mut server, mut client) = connected(&FROM_TLS13, 1 << 20).await;
        let pieces = [bytes(9), Vec::new(), bytes(16 << 10), bytes(40_000)];
        let slices: Vec<_> = pieces.iter().map(|piece| io::IoSlice::new(piece)).collect();
        let written = server.write_vectored(&slices).await.unwrap();
        assert_eq!(written, PLAIN);
        server.shutdown().await.unwrap();
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, pieces.concat()[..PLAIN]);
        assert_eq!(server.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn what_is_read_in_small_pieces_is_kept_meanwhile_and_no_longer() {
    run(async {
        let (mut server, mut client) = connected(&FROM_TLS13, 1 << 20).await;
        let said = bytes(100_000);
        client.write_all(&said).await.unwrap();
        client.flush().await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < said.len() {
            let mut piece = [0; 999];
            let length = server.read(&mut piece).await.unwrap();
            heard.extend_from_slice(&piece[..length]);
            assert!(server.held() <= 3 * RECORD, "{}", server.held());
            // Something can be said whatever waits to be read.
            server.write_all(b"y").await.unwrap();
        }
        assert!(heard == said);
        assert_eq!(server.held(), 0);
        assert_eq!(server.read(&mut []).await.unwrap(), 0);
    });
}

#[test]
fn nothing_more_is_taken_while_the_client_does_not_read() {
    run(async {
        let (mut server, mut client) = connected(&FROM_TLS13, 1000).await;
        assert_eq!(server.write(&bytes(100_000)).await.unwrap(), PLAIN);
        let more = poll_fn(|cx| {
            let polled = Pin::new(&mut server).poll_write(cx, b"more");
            let flushed = Pin::new(&mut server).poll_flush(cx);
            Poll::Ready((polled.is_pending(), flushed.is_pending()))
        });
        assert_eq!(more.await, (true, true));
        assert!(server.held() <= SEALED);
        let mut read = vec![0; PLAIN];
        let (flushed, _) = join!(server.flush(), client.read_exact(&mut read));
        flushed.unwrap();
        assert!(read == bytes(PLAIN));
        assert_eq!(server.held(), 0);
    });
}

#[test]
fn keys_are_renewed_by_either_side() {
    run(async {
        let (mut server, mut client) = connected(&FROM_TLS13, 1 << 20).await;
        for _ in 0..3 {
            client.get_mut().1.refresh_traffic_keys().unwrap();
            client.write_all(b"ask").await.unwrap();
            client.flush().await.unwrap();
            let mut heard = [0; 3];
            server.read_exact(&mut heard).await.unwrap();
            // The client has asked for new keys of ours, too: they come before the answer.
            server.write_all(b"answer").await.unwrap();
            let mut answer = [0; 6];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!((&heard, &answer), (b"ask", b"answer"));
        }
        assert_eq!(server.held(), 0);
    });
}

#[test]
fn a_record_that_was_tampered_with_is_answered_by_an_alert() {
    for versions in versions() {
        run(async {
            let (mut server, mut client) = connected(versions, 1 << 20).await;
            let head = [23, 3, 3, 0, 40];
            client.get_mut().0.write_all(&[&head[..], &[7; 40]].concat()).await.unwrap();
            let failed = server.read(&mut [0; 10]).await.unwrap_err();
            let tls = failed.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
            assert_eq!(tls, Some(&Error::DecryptError));
            let told = client.read(&mut [0; 10]).await.unwrap_err();
            let expected = Error::AlertReceived(AlertDescription::BadRecordMac);
            assert_eq!(told.get_ref().unwrap().downcast_ref::<Error>(), Some(&expected));
            // It stays broken, and ends without another word.
            server.read(&mut [0; 10]).await.unwrap_err();
            server.write(b"x").await.unwrap_err();
            server.shutdown().await.unwrap();
            drop(client);
        });
    }
}

#[test]
fn an_end_that_was_not_announced_is_an_error() {
    run(async {
        let (mut server, mut client) = connected(&FROM_TLS13, 1 << 20).await;
        client.write_all(b"half").await.unwrap();
        client.flush().await.unwrap();
        drop(client);
        let mut heard = Vec::new();
        let ended = server.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!((ended.kind(), &heard[..]), (ErrorKind::UnexpectedEof, &b"half"[..]));
    });
}

#[test]
fn what_comes_behind_an_end_is_nothing() {
    run(async {
        let (mut server, mut client) = connected(&FROM_TLS13, 1 << 20).await;
        client.write_all(b"all").await.unwrap();
        client.get_mut().1.send_close_notify();
        client.flush().await.unwrap();
        client.get_mut().0.write_all(b"no record at all").await.unwrap();
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).await.unwrap();
        assert_eq!((&heard[..], server.held()), (&b"all"[..], 0));
        assert_eq!(server.read(&mut [0; 10]).await.unwrap(), 0);
        server.write_all(b"answer").await.unwrap();
        server.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
    });
}

#[test]
fn a_handshake_that_never_ends_is_held_to_a_bound() {
    let (server, _) = configs(&FROM_TLS13);
    run(async {
        let (near, mut far) = duplex(1 << 20);
        let mut server = TlsStream::new(server, near).unwrap();
        // A ClientHello of 60,000 bytes, one in each record.
        let hello = [1, 0, 0xea, 0x60];
        for byte in hello.into_iter().chain([0; 30_000]) {
            far.write_all(&[22, 3, 1, 0, 1, byte]).await.unwrap();
        }
        let failed = poll_fn(|cx| server.poll_handshake(cx)).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::InvalidData);
        assert!(server.held() < UNFINISHED + RECORD, "{}", server.held());
    });
}
