//! The arithmetic of the delivery mode (2.3).
//!
//! What: [`ActiveState`], the mode that a socket is in, and [`next_active`], what setting the
//! option makes of it.
//! Who calls it: the driver, for each `active` of a setopts list in turn, and for a new socket.
//! Invariant: a count is 1 to 32767; a socket without a count left is passive.
//! Not here: messages, reading, and the count going down.

use super::Active;
use crate::error::Error;

/// The delivery mode of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ActiveState {
    /// Passive.
    False,
    /// Everything goes to the owner.
    True,
    /// One message more.
    Once,
    /// So many messages more, 1 to 32767.
    N(u16),
}

impl From<ActiveState> for Active {
    fn from(state: ActiveState) -> Self {
        match state {
            ActiveState::False => Self::False,
            ActiveState::True => Self::True,
            ActiveState::Once => Self::Once,
            ActiveState::N(count) => Self::N(count.into()),
        }
    }
}

/// The mode after `{active,asked}` (ACT-4 to ACT-7), and whether `tcp_passive` is sent at once.
/// A new socket starts from [`ActiveState::False`].
///
/// # Errors
///
/// [`Error::Einval`] for a value outside of -32768 to 32767, and for a sum above 32767; the mode
/// stays as it was.
pub(crate) fn next_active(
    current: ActiveState,
    asked: Active,
) -> Result<(ActiveState, bool), Error> {
    let added = match asked {
        Active::False => return Ok((ActiveState::False, false)),
        Active::True => return Ok((ActiveState::True, false)),
        Active::Once => return Ok((ActiveState::Once, false)),
        Active::N(added) => i16::try_from(added).map_err(|_| Error::Einval)?,
    };
    let count = match current {
        ActiveState::N(count) => i64::from(count),
        ActiveState::False | ActiveState::True | ActiveState::Once => 0,
    };
    match count + i64::from(added) {
        i64::MIN..=0 => Ok((ActiveState::False, true)),
        sum @ 1..=0x7FFF => Ok((ActiveState::N(sum as u16), false)),
        _ => Err(Error::Einval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(current: ActiveState, asked: impl Into<Active>) -> Result<(ActiveState, bool), Error> {
        next_active(current, asked.into())
    }

    #[test]
    fn a_number_is_added() {
        use ActiveState::{False, N, Once, True};
        for (current, asked, state, passive) in [
            (N(2), 5, N(7), false),
            (N(7), -3, N(4), false),
            (N(4), -4, False, true),
            (False, -1, False, true),
            (False, 0, False, true),
            (N(3), 0, N(3), false),
            (N(3), -9, False, true),
            (True, 2, N(2), false),
            (Once, 2, N(2), false),
            (False, 32767, N(32767), false),
            (N(32767), -1, N(32766), false),
            (N(32767), -32768, False, true),
            (Once, -20000, False, true),
        ] {
            assert_eq!(
                next(current, asked),
                Ok((state, passive)),
                "{current:?} + {asked}"
            );
        }
    }

    #[test]
    fn a_count_is_forgotten_without_a_message() {
        for (asked, state) in [
            (Active::True, ActiveState::True),
            (Active::False, ActiveState::False),
            (Active::Once, ActiveState::Once),
        ] {
            assert_eq!(next(ActiveState::N(7), asked), Ok((state, false)));
        }
    }

    #[test]
    fn a_sum_or_a_value_out_of_range_is_einval() {
        assert_eq!(next(ActiveState::N(32767), 1), Err(Error::Einval));
        assert_eq!(next(ActiveState::N(20000), 20000), Err(Error::Einval));
        for asked in [32768, -32769, 4_294_967_297, i64::MAX, i64::MIN] {
            assert_eq!(next(ActiveState::N(1), asked), Err(Error::Einval));
        }
    }
}
