//! Clients behind proxies: whom a request comes from, wherever that decides something.

mod forwarded;
mod proxy_protocol;
