//! Why a client's connection is not served, or not any more, in a few words that metrics can count.

/// Why a connection is not served, or ended for what the client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum TurnedAway {
    /// The listener has its maximum of connections.
    Maximum,
    /// Its source has its maximum.
    SourceMaximum,
    /// It does not come from a proxy that may announce whom it speaks for, and has to.
    ProxyUntrusted,
    /// It does not begin with a PROXY header.
    ProxyMalformed,
    /// Its PROXY header did not come in time.
    ProxyTimeout,
    /// The head of a request did not come in time.
    HeaderTimeout,
    /// The client does not read what it is sent.
    WriteTimeout,
    /// It reads too slowly.
    ResponseRate,
    /// It resets too many streams.
    Resets,
    /// It sends too many frames that carry nothing.
    ControlFrames,
    /// It keeps a table of header fields that there must not be.
    HeaderTable,
    /// It held what it did not need, and all together held too much of that.
    IdleRoom,
    /// HTTP/2 asked it to calm down for another reason: too many continuations, empty pieces of a
    /// body, or streams that had to be reset for its mistakes.
    Calm,
}

use TurnedAway as T;

/// With their labels, in the order of the enum.
const TABLE: [(TurnedAway, &str); TurnedAway::COUNT] = [
    (T::Maximum, "max_connections"),
    (T::SourceMaximum, "max_connections_per_source"),
    (T::ProxyUntrusted, "proxy_untrusted"),
    (T::ProxyMalformed, "proxy_malformed"),
    (T::ProxyTimeout, "proxy_timeout"),
    (T::HeaderTimeout, "header_timeout"),
    (T::WriteTimeout, "write_timeout"),
    (T::ResponseRate, "min_response_rate"),
    (T::Resets, "resets"),
    (T::ControlFrames, "control_frames"),
    (T::HeaderTable, "header_table"),
    (T::IdleRoom, "idle_room"),
    (T::Calm, "enhance_your_calm"),
];

impl TurnedAway {
    pub(crate) const COUNT: usize = Self::Calm as usize + 1;

    /// Every reason with its label, in the order of their numbers.
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str)> {
        TABLE.into_iter()
    }

    /// Its number, below [`TurnedAway::COUNT`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (number, (reason, label)) in TurnedAway::all().enumerate() {
            assert_eq!(reason.index(), number, "{label}");
        }
    }
}
