//! Requests side by side on a connection of HTTP/2.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::{HeaderValue, Request, Uri};
use tokio::task::spawn_local;

use crate::Error;
use crate::connect::Connector;
use crate::shared::Shared;

/// One request after the other, beside the others of its connection.
pub struct Stream {
    shared: Rc<Shared>,
    connection: SendRequest<Bytes>,
    target: Uri,
}

/// A connection that has carried a request already, as what its requests have to themselves.
pub async fn open(
    connector: &Connector,
    shared: &Rc<Shared>,
    streams: usize,
) -> Result<Vec<Stream>, Error> {
    let (connection, driver) = Builder::new()
        .initial_window_size(4 << 20)
        .initial_connection_window_size(64 << 20)
        .handshake(connector.connect().await?)
        .await?;
    spawn_local(driver);
    let target: Uri = format!("http://bench.test{}", shared.path).parse()?;
    let stream = || Stream {
        shared: shared.clone(),
        connection: connection.clone(),
        target: target.clone(),
    };
    stream().call(Instant::now()).await?;
    Ok((0..streams).map(|_| stream()).collect())
}

impl Stream {
    pub async fn run(mut self) -> Result<(), Error> {
        while let Some(due) = self.shared.due().await {
            self.call(due).await?;
        }
        Ok(())
    }

    async fn call(&mut self, due: Instant) -> Result<(), Error> {
        let (number, known) = self.shared.key();
        let kind = if known { "bench" } else { "other" };
        let value = HeaderValue::try_from(format!("{kind}-key-{number:07}"))?;
        let mut request = Request::new(());
        *request.uri_mut() = self.target.clone();
        request.headers_mut().insert("x-api-key", value);
        let mut connection = self.connection.clone().ready().await?;
        let (response, _) = connection.send_request(request, true)?;
        let response = response.await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(piece) = body.data().await {
            let piece = piece?;
            bytes += piece.len();
            body.flow_control().release_capacity(piece.len())?;
        }
        self.shared.answered((number, known), due, status, bytes)
    }
}
