//! The least proxy over pingora that does the work of this bench: a key looked up in a map, held to a
//! rate, taken out of the request, and its caller named to the upstream.
//!
//!     peers-pingora KEYS RATE UPSTREAM WORKERS PLAIN METRICS [TLS CERTIFICATE KEY]

mod keys;

use std::env;
use std::error::Error;
use std::fs;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;
use pingora::apps::HttpServerOptions;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{HttpPeer, ProxyHttp, Result, Server, Session, http_proxy_service};
use pingora::server::configuration::ServerConf;
use prometheus::{IntCounter, IntCounterVec, register_int_counter_vec};

use keys::Keys;

struct Gate {
    keys: Keys,
    upstream: String,
    admitted: IntCounter,
    unknown: IntCounter,
    over_rate: IntCounter,
}

/// Who calls, once that is known.
type Caller = Option<HeaderValue>;

#[async_trait]
impl ProxyHttp for Gate {
    type CTX = Caller;

    fn new_ctx(&self) -> Caller {
        None
    }

    async fn request_filter(&self, session: &mut Session, caller: &mut Caller) -> Result<bool> {
        let key = session.req_header().headers.get("x-api-key");
        let (status, refused) = match key.and_then(|key| self.keys.find(key.as_bytes())) {
            Some(entry) if entry.admits(self.keys.now()) => {
                *caller = Some(entry.caller.clone());
                self.admitted.inc();
                return Ok(false);
            }
            Some(_) => (429, &self.over_rate),
            None => (401, &self.unknown),
        };
        refused.inc();
        // Not by `respond_error`, which ends the connection.
        let body = Bytes::from_static(b"refused\n");
        let mut head = ResponseHeader::build(status, Some(1))?;
        head.insert_header("content-length", body.len())?;
        session.write_response_header(Box::new(head), false).await?;
        session.write_response_body(Some(body), true).await?;
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, _: &mut Caller) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream.as_str(), false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        caller: &mut Caller,
    ) -> Result<()> {
        request.remove_header("x-api-key");
        if let Some(caller) = caller.take() {
            request.insert_header("x-caller", caller)?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [keys, rate, upstream, workers, plain, metrics, tls @ ..] = arguments.as_slice() else {
        return Err("KEYS RATE UPSTREAM WORKERS PLAIN METRICS [TLS CERTIFICATE KEY]".into());
    };
    let counted = register_int_counter_vec!("requests_total", "Requests by outcome", &["outcome"])?;
    let counter = |counted: &IntCounterVec, outcome| counted.with_label_values(&[outcome]);
    let gate = Gate {
        keys: Keys::of(&fs::read_to_string(keys)?, rate.parse()?)?,
        upstream: upstream.clone(),
        admitted: counter(&counted, "admitted"),
        unknown: counter(&counted, "unknown"),
        over_rate: counter(&counted, "over_rate"),
    };
    let configuration = ServerConf {
        threads: workers.parse()?,
        upstream_keepalive_pool_size: 2048,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let mut proxy = http_proxy_service(&server.configuration, gate);
    if let Some(logic) = proxy.app_logic_mut() {
        let mut options = HttpServerOptions::default();
        options.h2c = true;
        logic.server_options = Some(options);
    }
    proxy.add_tcp(plain);
    if let [address, certificate, key] = tls {
        proxy.add_tls(address, certificate, key)?;
    }
    server.add_service(proxy);
    let mut exporter = pingora_prometheus::prometheus_http_service();
    exporter.add_tcp(metrics);
    server.add_service(exporter);
    server.run_forever()
}
