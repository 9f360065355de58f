//! A caller.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::poll_fn;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::client::Grpc;
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Context, Pin, Poll, Service};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};

use super::{COUNT, DOUBLE, DOUBLE_EACH, Number, SUM, codec};
use crate::support::{Authority, TlsClient, soon};

/// Calls the service over one connection, which is made by the first call and again when it is gone.
#[derive(Clone)]
pub(crate) struct Numbers {
    channel: Channel,
    key: Option<String>,
}

/// A call with messages both ways.
pub(crate) struct Talk {
    to: mpsc::Sender<Number>,
    from: Streaming<Number>,
}

impl Numbers {
    /// In clear.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Self { channel: soon(async { endpoint.connect_lazy() }), key: None }
    }

    /// Through TLS, of the host `name`.
    pub(crate) fn at_tls(address: SocketAddr, authority: &Authority, name: &str) -> Self {
        let config = TlsClient::new(authority).offering(&["h2"]).config();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        let connector = Connector { address, name, config };
        Self { channel: soon(async { endpoint.connect_with_connector_lazy(connector) }), key: None }
    }

    /// The same with a key, in the place that is the default.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self { channel: self.channel.clone(), key: Some(key.to_owned()) }
    }

    /// A call with this message, or these.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(key) = &self.key {
            request.metadata_mut().insert("x-api-key", key.parse().unwrap());
        }
        request
    }

    pub(crate) fn double(&self, request: Request<Number>) -> Result<Response<Number>, Status> {
        soon(async { self.ready().await?.unary(request, path(DOUBLE), codec()).await })
    }

    pub(crate) fn sum(
        &self,
        request: Request<impl Stream<Item = Number> + Send + 'static>,
    ) -> Result<Response<Number>, Status> {
        soon(async { self.ready().await?.client_streaming(request, path(SUM), codec()).await })
    }

    pub(crate) fn count(
        &self,
        request: Request<Number>,
    ) -> Result<Response<Streaming<Number>>, Status> {
        soon(async { self.ready().await?.server_streaming(request, path(COUNT), codec()).await })
    }

    /// Begins a call with messages both ways; `change` says more of the request.
    pub(crate) fn talk_with(&self, change: impl FnOnce(&mut Request<()>)) -> Result<Talk, Status> {
        let (to, mut said) = mpsc::channel(1);
        let mut request = self.request(());
        change(&mut request);
        let request = request.map(|()| poll_fn(move |cx| said.poll_recv(cx)));
        let response = soon(async {
            self.ready().await?.streaming(request, path(DOUBLE_EACH), codec()).await
        });
        Ok(Talk { to, from: response?.into_inner() })
    }

    pub(crate) fn talk(&self) -> Result<Talk, Status> {
        self.talk_with(|_| ())
    }

    /// What the plainest of calls comes to.
    pub(crate) fn code(&self) -> Code {
        self.double(self.request(21.into())).map_or_else(|status| status.code(), |_| Code::Ok)
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(grpc)
    }
}

impl Talk {
    pub(crate) fn say(&self, number: impl Into<Number>) {
        soon(self.to.send(number.into())).unwrap();
    }

    /// What says something for somebody else.
    pub(crate) fn voice(&self) -> mpsc::Sender<Number> {
        self.to.clone()
    }

    /// The next number; none at the end.
    pub(crate) fn hear(&mut self) -> Result<Option<u64>, Status> {
        Ok(soon(self.from.message())?.map(|number| number.value))
    }

    /// Says something and holds what comes back to be the answer.
    pub(crate) fn goes_on(&mut self, value: u64) {
        self.say(value);
        assert_eq!(self.hear().unwrap(), Some(2 * value));
    }

    /// Says nothing more. What is still to be heard is left.
    pub(crate) fn fall_silent(self) -> Streaming<Number> {
        self.from
    }
}

fn path(path: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(path)
}

/// Connects through TLS, where both sides have to agree on HTTP/2.
struct Connector {
    address: SocketAddr,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (address, name) = (self.address, self.name.clone());
        let connector = TlsConnector::from(Arc::clone(&self.config));
        Box::pin(async move {
            let stream = connector.connect(name, TcpStream::connect(address).await?).await?;
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            Ok(TokioIo::new(stream))
        })
    }
}
