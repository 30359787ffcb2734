//! What a test's process waits for, and what must not come.
//!
//! Invariant: what has to come is waited for until [`LIMIT`]; that nothing comes is only asked
//! where it can be known without waiting: of a simulated world that has become quiet.

use std::fmt::Debug;
use std::time::Duration;

use runtime::prelude::*;

/// How long a message may take.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The oldest message of this type.
///
/// # Panics
/// Where none comes.
#[track_caller]
pub fn next<T: 'static>() -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        match receive_timeout::<T>(LIMIT).await {
            Some(message) => message,
            None => panic!("no {} came at {place}", std::any::type_name::<T>()),
        }
    }
}

/// The reason in the `Down` of this monitor.
///
/// # Panics
/// Where none comes.
#[track_caller]
pub fn down(monitor: Ref) -> impl Future<Output = Reason> {
    let place = std::panic::Location::caller();
    async move {
        let down = receive_match_timeout(|down: &Down| down.monitor == monitor, LIMIT).await;
        match down {
            Some(down) => down.reason,
            None => panic!("no Down came at {place}"),
        }
    }
}

/// The reason in the `Exit` message of this actor.
///
/// # Panics
/// Where none comes.
#[track_caller]
pub fn exit_of(from: impl Into<ActorId>) -> impl Future<Output = Reason> {
    let (from, place) = (from.into(), std::panic::Location::caller());
    async move {
        match receive_match_timeout(|exit: &Exit| exit.from == from, LIMIT).await {
            Some(exit) => exit.reason,
            None => panic!("no Exit of {from} came at {place}"),
        }
    }
}

/// Waits until everybody else in a simulated world has nothing left to do but timers of an hour and
/// more.
pub async fn settle() {
    sleep(Duration::from_secs(3000)).await;
}

/// Checks that no message of this type is there, nor comes by the time a simulated world is quiet.
///
/// # Panics
/// Where there is one.
pub async fn nothing<T: Debug + 'static>() {
    settle().await;
    let there = receive_timeout::<T>(Duration::ZERO).await;
    assert!(there.is_none(), "came: {there:?}");
}
