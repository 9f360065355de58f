//! Clients behind proxies: whom a request comes from, wherever that decides something.

mod floods;
mod forwarded;
mod limits;
mod proxy_protocol;
mod reading;
mod spread;
mod unix;
