//! Default options of a runtime, for connect and for listen (CON-19, LIS-12).
//!
//! What: two lists that stand before the options of every call, kept with the runtime, so that two
//! runtimes of one program do not share them. Erlang has them as the kernel variables
//! `inet_default_connect_options` and `inet_default_listen_options`. Called by processes; read by
//! `connect` and `listen`. Invariant: what is kept has passed the check, so that it can fail no
//! call that it is added to. Not here: `fdopen`, which has no defaults, as in Erlang.

use parking_lot::Mutex;
use runtime::port;

use crate::error::Error;
use crate::options::{Name, Opt, Use, check};

/// The lists of one runtime.
#[derive(Default)]
struct Defaults {
    connect: Mutex<Vec<Opt>>,
    listen: Mutex<Vec<Opt>>,
}

/// Sets the options that stand before those of every `connect` of this runtime (CON-19), in place
/// of those set before. What the caller of connect says wins. An `active` among them is ignored.
/// Sockets that are there stay as they are.
///
/// # Errors
/// [`Error::BadOption`] for an option that connect does not take or with a bad value, and for those
/// that say what socket to make: `ip`, `port`, `fd`, `netns`, the families and their like. Nothing
/// has changed then.
///
/// # Panics
/// Outside of a process. So do the others here.
pub fn set_default_connect_options(options: impl IntoIterator<Item = Opt>) -> Result<(), Error> {
    let options = checked(options, Use::Connect)?;
    *defaults().connect.lock() = options;
    Ok(())
}

/// As [`set_default_connect_options`], for `listen` (LIS-12). Accepted sockets inherit them through
/// their listener.
///
/// # Errors
/// As [`set_default_connect_options`].
pub fn set_default_listen_options(options: impl IntoIterator<Item = Opt>) -> Result<(), Error> {
    let options = checked(options, Use::Listen)?;
    *defaults().listen.lock() = options;
    Ok(())
}

/// The default options of `connect`; none as long as none were set (CON-19).
#[must_use]
pub fn default_connect_options() -> Vec<Opt> {
    defaults().connect.lock().clone()
}

/// The default options of `listen`; none as long as none were set (LIS-12).
#[must_use]
pub fn default_listen_options() -> Vec<Opt> {
    defaults().listen.lock().clone()
}

/// The options of a `connect`, behind the default ones.
pub(crate) fn for_connect(options: Vec<Opt>) -> Vec<Opt> {
    behind(&defaults().connect.lock(), options)
}

/// The options of a `listen`, behind the default ones.
pub(crate) fn for_listen(options: Vec<Opt>) -> Vec<Opt> {
    behind(&defaults().listen.lock(), options)
}

fn defaults() -> std::sync::Arc<Defaults> {
    port::extension(Defaults::default)
}

fn checked(options: impl IntoIterator<Item = Opt>, usage: Use) -> Result<Vec<Opt>, Error> {
    let mut options = check(options, usage)?;
    if let Some(opt) = options.iter().find(|opt| makes_socket(opt.name())) {
        return Err(Error::BadOption(opt.name().atom()));
    }
    options.retain(|opt| opt.name() != Name::Active);
    Ok(options)
}

/// Whether the option says what socket to make: of some of these the first counts, and not the
/// last.
const fn makes_socket(name: Name) -> bool {
    matches!(
        name,
        Name::Ip
            | Name::Port
            | Name::Fd
            | Name::Netns
            | Name::Family
            | Name::Protocol
            | Name::TcpModule
            | Name::InetBackend
    )
}

/// The backend stays in front, where it has to be.
fn behind(defaults: &[Opt], mut options: Vec<Opt>) -> Vec<Opt> {
    let at = usize::from(matches!(options.first(), Some(Opt::InetBackend(_))));
    options.splice(at..at, defaults.iter().cloned());
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Backend;
    use crate::options::opt::*;

    /// CON-19
    #[test]
    fn the_callers_options_come_last_and_the_backend_first() {
        let defaults = [nodelay(true), packet(4)];
        let all = behind(&defaults, vec![packet(2)]);
        assert_eq!(all, [nodelay(true), packet(4), packet(2)]);
        let backend = inet_backend(Backend::Inet);
        let all = behind(&defaults[..1], vec![backend.clone(), binary()]);
        assert_eq!(all, [backend, nodelay(true), binary()]);
        assert_eq!(behind(&defaults, Vec::new()), defaults);
    }

    /// CON-19, LIS-12
    #[test]
    fn active_is_ignored_and_what_makes_a_socket_is_refused() {
        let kept = checked([active(false), nodelay(true), active(5)], Use::Connect);
        assert_eq!(kept, Ok(vec![nodelay(true)]));
        assert_eq!(
            checked([backlog(9)], Use::Listen),
            Ok(vec![backlog(9)]),
            "of two the last counts, so it may be a default"
        );
        for (opt, usage) in [
            (ip([127, 0, 0, 1]), Use::Listen),
            (port(1), Use::Connect),
            (inet6(), Use::Listen),
            (inet_backend(Backend::Inet), Use::Listen),
            (backlog(9), Use::Connect),
            (header(-1), Use::Connect),
            (active(40_000), Use::Connect),
        ] {
            let atom = opt.name().atom();
            let answer = checked([nodelay(true), opt], usage);
            assert_eq!(answer, Err(Error::BadOption(atom)));
        }
    }
}
