use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;

/// The client's end of a connection that was accepted as the process was told to end.
fn accepted_at_the_end() -> (DuplexStream, JoinHandle<()>) {
    let (client, stream) = duplex(4096);
    let secure = SecureStream { stream: Box::new(stream), certificate: None };
    let ending = Ending::new();
    ending.end();
    let router = Router::new().route("/", get(|| async { "here" }));
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let served = tokio::spawn(async move {
        // Of one without any request it says that it was cancelled.
        connection(router, secure, peer, ending.0.subscribe()).await.ok();
    });
    (client, served)
}

#[tokio::test]
async fn who_asks_as_the_process_ends_is_answered() {
    let (mut client, served) = accepted_at_the_end();
    // On this one thread: until the connection has heard that the process ends.
    tokio::task::yield_now().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: admin\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("here"), "{answer}");
    served.await.unwrap();
}

#[tokio::test]
async fn who_never_asks_holds_up_no_end() {
    let begun = Instant::now();
    let (_client, served) = accepted_at_the_end();
    served.await.unwrap();
    assert!(begun.elapsed() >= FIRST_REQUEST);
}
