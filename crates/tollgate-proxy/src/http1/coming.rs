//! What is still to come of a message's body (RFC 9112 §6, §7).

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::chunks::Chunks;
use super::heads::Malformed;

/// What is still to come.
#[derive(Debug)]
pub(crate) enum Coming {
    Nothing,
    /// So many bytes, at least one.
    Length(u64),
    /// On the heap, so that other bodies are not as large.
    Chunks(Box<Chunks>),
    /// Everything up to the end of the connection.
    All,
}

/// What was taken of what is here.
#[derive(Debug)]
pub(crate) enum Piece {
    Frame(Frame<Bytes>),
    /// Not enough is here.
    None,
    End,
}

impl Coming {
    pub(crate) fn of_length(length: u64) -> Self {
        if length == 0 { Self::Nothing } else { Self::Length(length) }
    }

    /// Takes what is here off `input`, as far as it belongs to the body.
    ///
    /// # Errors
    /// [`Malformed`] for what are no chunks.
    pub(crate) fn take(&mut self, input: &mut Bytes) -> Result<Piece, Malformed> {
        let piece = match self {
            Self::Nothing => Piece::End,
            _ if input.is_empty() => Piece::None,
            Self::All => Piece::Frame(Frame::data(std::mem::take(input))),
            Self::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= length as u64;
                Piece::Frame(Frame::data(input.split_to(length)))
            }
            Self::Chunks(chunks) => chunks.take(input)?,
        };
        let over = match self {
            Self::Nothing | Self::All => false,
            Self::Length(left) => *left == 0,
            Self::Chunks(chunks) => chunks.are_over(input),
        };
        if over {
            *self = Self::Nothing;
        }
        Ok(piece)
    }

    /// Whether it ends as the connection does.
    pub(crate) fn ends_by_close(&self) -> bool {
        matches!(self, Self::All)
    }

    /// How much it is.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Length(left) => SizeHint::with_exact(*left),
            Self::Chunks(_) | Self::All => SizeHint::default(),
        }
    }
}
