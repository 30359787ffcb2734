//! Connecting to whichever of several addresses answers first (part 9, row 27; EXT-6, EXT-7), as
//! RFC 8305 describes it.
//!
//! Called by processes, by way of the crate's root. An attempt is begun when the one before it has
//! failed or has gone on for a while; none is given up as long as none has succeeded. Invariant:
//! of all the sockets that were begun one is left, or none where the future is dropped. Not here:
//! remembering which family won last time.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use runtime::Alarm;

use crate::api::within;
use crate::defaults;
use crate::error::Error;
use crate::inet::addr::{Family, SocketName};
use crate::inet::off_thread;
use crate::inet::resolve::{self, Host};
use crate::open;
use crate::options::{Opt, Plan};
use crate::socket::Socket;

/// How long an attempt goes on alone.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Addresses that are tried; further ones are left out.
const ADDRESSES_MAX: usize = 16;

/// Connects to a host over IPv6 or IPv4, whichever answers first (EXT-6): as [`connect_first`],
/// with the addresses of the host in both families, alternating, in the order of the system's
/// resolver. Options that belong to one family leave the other one out.
///
/// # Errors
/// As [`connect_timeout`](crate::connect_timeout); where all attempts failed, the last failure.
///
/// # Cancel safety
/// Dropped, it leaves no socket.
pub async fn connect_either(
    to: impl Into<Host>,
    port: u16,
    options: impl IntoIterator<Item = Opt>,
    time: Duration,
) -> Result<Socket, Error> {
    let (to, mut alarm) = (to.into(), Some(Alarm::new(time)));
    if let Host::Local(_) = to {
        return open::connect_timeout(to, port, options, time).await;
    }
    let options = options.into_iter().collect();
    let answer = match resolve::either_at_once(&to) {
        Some(answer) => answer,
        None => {
            let host = to.clone();
            let lookup = off_thread(move || resolve::lookup_either(&host));
            within(&mut alarm, lookup).await?
        }
    };
    let found = alternating(resolve::in_connect(&to, answer)?);
    let names = found.into_iter().map(|ip| SocketName::inet(ip, port));
    race(names, options, &mut alarm).await
}

/// Connects to whichever of these addresses answers first (EXT-7). They are tried in their order,
/// one more whenever an attempt has failed or has gone on for a quarter of a second; the first that
/// succeeds counts, and the others are given up. At most 16 are tried. The caller owns the socket.
///
/// # Errors
/// As [`connect_timeout`](crate::connect_timeout); where all attempts failed, the last failure;
/// without an address [`Error::Nxdomain`].
///
/// # Cancel safety
/// Dropped, it leaves no socket.
pub async fn connect_first(
    addresses: impl IntoIterator<Item = SocketAddr>,
    options: impl IntoIterator<Item = Opt>,
    time: Duration,
) -> Result<Socket, Error> {
    let mut alarm = Some(Alarm::new(time));
    let names = addresses.into_iter().map(SocketName::Inet);
    race(names, options.into_iter().collect(), &mut alarm).await
}

/// The families in turn, beginning with that of the first.
fn alternating(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first = addresses.first().is_some_and(IpAddr::is_ipv4);
    let (own, other): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|ip| ip.is_ipv4() == first);
    let (mut next, mut behind) = (own, other);
    let mut all = Vec::new();
    while let Some(ip) = next.pop_front().or_else(|| behind.pop_front()) {
        all.push(ip);
        std::mem::swap(&mut next, &mut behind);
    }
    all
}

async fn race(
    names: impl Iterator<Item = SocketName>,
    options: Vec<Opt>,
    alarm: &mut Option<Alarm>,
) -> Result<Socket, Error> {
    let options = defaults::for_connect(options);
    let mut race = Race {
        ahead: VecDeque::new(),
        running: Vec::new(),
        next: Alarm::new(Duration::ZERO),
        last: Error::Nxdomain,
    };
    for name in names.take(ADDRESSES_MAX) {
        let (family, port) = match &name {
            SocketName::Inet(SocketAddr::V4(to)) => (Family::Inet, to.port()),
            SocketName::Inet(SocketAddr::V6(to)) => (Family::Inet6, to.port()),
            SocketName::Local(_) => (Family::Local, 0),
        };
        match Plan::connect(Some(family), port.into(), options.clone()) {
            Ok(plan) => race.ahead.push_back((name, plan)),
            Err(error @ Error::Eafnosupport) => race.last = error,
            Err(error) => return Err(error),
        }
    }
    within(alarm, poll_fn(|cx| race.poll(cx))).await?
}

type Running = Pin<Box<dyn Future<Output = Result<Socket, Error>> + Send>>;

/// Attempts of which one is to succeed. Those that run when it is dropped leave no socket.
struct Race {
    ahead: VecDeque<(SocketName, Plan)>,
    running: Vec<Running>,
    /// When the next one begins, though those before it have not failed.
    next: Alarm,
    last: Error,
}

impl Race {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Socket, Error>> {
        loop {
            let before = self.running.len();
            let mut at = 0;
            while let Some(attempt) = self.running.get_mut(at) {
                match attempt.as_mut().poll(cx) {
                    Poll::Pending => at += 1,
                    Poll::Ready(Ok(socket)) => return Poll::Ready(Ok(socket)),
                    // What no other address makes better (CON-5).
                    Poll::Ready(Err(error @ (Error::BadArg | Error::Einval))) => {
                        return Poll::Ready(Err(error));
                    }
                    Poll::Ready(Err(error)) => {
                        drop(self.running.swap_remove(at));
                        self.last = error;
                    }
                }
            }
            let none_failed = self.running.len() == before && before > 0;
            if self.ahead.is_empty() && self.running.is_empty() {
                return Poll::Ready(Err(self.last));
            }
            if self.ahead.is_empty() || (none_failed && self.next.poll(cx).is_pending()) {
                return Poll::Pending;
            }
            if let Some((to, plan)) = self.ahead.pop_front() {
                let attempt = async move { open::attempt(to, &plan, &mut None).await };
                self.running.push(Box::pin(attempt));
                self.next = Alarm::new(ATTEMPT_DELAY);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 1.18: the system's resolver would be a leak in a simulated world.
    #[test]
    fn a_simulated_runtime_looks_no_name_up() {
        runtime::sim::check(0..3, |world| {
            let pid = world.spawn(async {
                let no_name = "no.such.name.invalid";
                let connected = crate::connect(no_name, 1, []).await;
                assert_eq!(connected, Err(Error::Enotsup));
                let connected = connect_either(no_name, 1, [], Duration::from_secs(1)).await;
                assert_eq!(connected, Err(Error::Enotsup));
            });
            world.run();
            assert_eq!(world.exit_reason(pid), Some(runtime::Reason::Normal));
        });
    }

    #[test]
    fn families_alternate_from_the_first() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let order = |texts: &[&str]| {
            let all = alternating(texts.iter().map(|text| ip(text)).collect());
            let all: Vec<String> = all.iter().map(IpAddr::to_string).collect();
            all.join(" ")
        };
        assert_eq!(
            order(&["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]),
            "::1 1.1.1.1 ::2 2.2.2.2 ::3"
        );
        assert_eq!(order(&["1.1.1.1", "2.2.2.2", "::1"]), "1.1.1.1 ::1 2.2.2.2");
        assert_eq!(order(&["1.1.1.1", "2.2.2.2"]), "1.1.1.1 2.2.2.2");
        assert_eq!(order(&[]), "");
    }
}
