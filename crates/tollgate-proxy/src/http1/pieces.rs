//! A stream whose bytes come in pieces, for fuzzers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that come in pieces, and then end. What is written goes nowhere.
#[derive(Debug)]
pub(crate) struct Pieces<'p> {
    bytes: &'p [u8],
    size: usize,
}

impl<'p> Pieces<'p> {
    /// Pieces of this `size`, at least 1.
    pub(crate) fn new(bytes: &'p [u8], size: usize) -> Self {
        Self { bytes, size }
    }

    /// What has not come yet.
    pub(crate) fn left(&self) -> &[u8] {
        self.bytes
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.size.min(buffer.remaining()).min(self.bytes.len());
        let (next, rest) = self.bytes.split_at_checked(length).unwrap_or_default();
        buffer.put_slice(next);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
