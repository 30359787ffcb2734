//! What the words for options take.
//!
//! What: the conversions behind `packet(4)`, `active(10)`, `send_timeout(5000)`, so that one word
//! takes all that Erlang takes there.
//! Who calls it: the words of [`super::opt`].
//! Invariant: no number panics; one that does not fit becomes one that the check refuses.
//! Not here: the ranges.

use std::time::Duration;

use super::{Active, PacketType};

/// A number as the check sees it; one beyond 64 bits is out of every range.
pub(super) fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Integers are counts; one that does not fit becomes one that the check refuses.
macro_rules! active_from {
    ($($number:ty)*) => {$(
        impl From<$number> for Active {
            fn from(count: $number) -> Self {
                Self::N(number(count))
            }
        }
    )*};
}

active_from!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

/// What [`opt::packet`](super::opt::packet) takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet(Option<PacketType>);

impl Packet {
    /// The type, if there is one of that number.
    pub(super) const fn get(self) -> Option<PacketType> {
        self.0
    }
}

impl From<PacketType> for Packet {
    fn from(kind: PacketType) -> Self {
        Self(Some(kind))
    }
}

/// The number is the length of the header; other than 0, 1, 2, 4 there are none.
macro_rules! packet_from {
    ($($number:ty)*) => {$(
        impl From<$number> for Packet {
            fn from(number: $number) -> Self {
                Self(match number {
                    0 => Some(PacketType::Raw),
                    1 => Some(PacketType::One),
                    2 => Some(PacketType::Two),
                    4 => Some(PacketType::Four),
                    _ => None,
                })
            }
        }
    )*};
}

packet_from!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

/// What [`opt::send_timeout`](super::opt::send_timeout) and
/// [`opt::flush_limit`](super::opt::flush_limit) take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendTimeout(Option<i64>);

impl SendTimeout {
    /// No limit.
    pub(super) const INFINITY: Self = Self(None);

    /// Milliseconds, if there is a limit.
    pub(super) const fn get(self) -> Option<i64> {
        self.0
    }
}

impl From<Duration> for SendTimeout {
    fn from(limit: Duration) -> Self {
        Self(Some(number(limit.as_millis())))
    }
}

/// Milliseconds.
macro_rules! send_timeout_from {
    ($($number:ty)*) => {$(
        impl From<$number> for SendTimeout {
            fn from(milliseconds: $number) -> Self {
                Self(Some(number(milliseconds)))
            }
        }
    )*};
}

send_timeout_from!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);
