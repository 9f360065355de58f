//! Clients behind proxies: whom a request comes from, wherever that decides something.

mod proxy_protocol;
