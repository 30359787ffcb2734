//! Why an actor ended: the exit reasons of process 1.4, and what a process may return.
//!
//! Made by the exit sequence, carried by exit signals and `Down`. Invariant (P-11): whoever has to
//! tell an expected end from an abnormal one uses `is_normal` and `is_expected`, nothing else.
//! Cheap to clone: payloads are shared.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The reason of an exit. Prints as Erlang prints it.
#[derive(Clone)]
#[non_exhaustive]
pub enum Reason {
    /// Done.
    Normal,
    /// Ordered to stop.
    Shutdown,
    /// Ordered to stop, with details (`{shutdown, Term}`).
    ShutdownWith(Arc<dyn Payload>),
    /// The word `kill` as a reason: somebody called `exit(kill)`; as the argument of an explicit
    /// exit signal it cannot be trapped and becomes `Killed` (3.2 rows 2 and 6).
    Kill,
    /// Was killed.
    Killed,
    /// The target of a link or monitor did not exist.
    NoProc,
    /// A bad signal was sent to a port of which the process was the owner (8.5).
    BadSig,
    /// A table was full.
    SystemLimit,
    /// A posix reason of a port, as Erlang's atom.
    Posix(&'static str),
    /// The process panicked with this message.
    Panic(Arc<str>),
    /// The process returned this error.
    Error(Arc<dyn Error + Send + Sync>),
    /// Any other value.
    Custom(Arc<dyn Payload>),
}

/// What [`Reason::Custom`] and [`Reason::ShutdownWith`] can carry: any value that prints and
/// compares.
pub trait Payload: Any + Send + Sync + fmt::Debug {
    /// The value itself, for a downcast.
    fn as_any(&self) -> &dyn Any;
    /// Whether the other payload is an equal value of the same type.
    fn same(&self, other: &dyn Payload) -> bool;
}

impl<T: Any + Send + Sync + fmt::Debug + PartialEq> Payload for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn same(&self, other: &dyn Payload) -> bool {
        other.as_any().downcast_ref::<T>() == Some(self)
    }
}

impl Reason {
    /// Any value as a reason.
    pub fn custom<T: Any + Send + Sync + fmt::Debug + PartialEq>(value: T) -> Self {
        Reason::Custom(Arc::new(value))
    }

    /// An expected end with any value as its details (`{shutdown, Term}`).
    pub fn shutdown_with<T: Any + Send + Sync + fmt::Debug + PartialEq>(value: T) -> Self {
        Reason::ShutdownWith(Arc::new(value))
    }

    /// The value of a custom reason, or the details of a shutdown, where it is a `T`.
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        match self {
            // The dereference matters: the blanket implementation would answer for the `Arc`.
            Reason::Custom(payload) | Reason::ShutdownWith(payload) => {
                (**payload).as_any().downcast_ref()
            }
            _ => None,
        }
    }

    /// Only [`Reason::Normal`].
    pub fn is_normal(&self) -> bool {
        matches!(self, Reason::Normal)
    }

    /// `Normal`, `Shutdown` and `ShutdownWith`: an end that nobody needs to be told of.
    pub fn is_expected(&self) -> bool {
        matches!(
            self,
            Reason::Normal | Reason::Shutdown | Reason::ShutdownWith(_)
        )
    }

    /// What an explicit `kill` turns into on its way.
    pub(crate) fn after_kill(self) -> Self {
        if matches!(self, Reason::Kill) {
            Reason::Killed
        } else {
            self
        }
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Reason::Posix(a), Reason::Posix(b)) => a == b,
            (Reason::Panic(a), Reason::Panic(b)) => a == b,
            (Reason::Error(a), Reason::Error(b)) => Arc::ptr_eq(a, b),
            (Reason::Custom(a), Reason::Custom(b))
            | (Reason::ShutdownWith(a), Reason::ShutdownWith(b)) => (**a).same(&**b),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Normal => f.write_str("normal"),
            Reason::Shutdown => f.write_str("shutdown"),
            Reason::ShutdownWith(details) => write!(f, "{{shutdown,{details:?}}}"),
            Reason::Kill => f.write_str("kill"),
            Reason::Killed => f.write_str("killed"),
            Reason::NoProc => f.write_str("noproc"),
            Reason::BadSig => f.write_str("badsig"),
            Reason::SystemLimit => f.write_str("system_limit"),
            Reason::Posix(name) => f.write_str(name),
            Reason::Panic(message) => write!(f, "panic: {message}"),
            Reason::Error(error) => write!(f, "error: {error}"),
            Reason::Custom(payload) => payload.fmt(f),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<&'static str> for Reason {
    /// A word as a reason, for programs that use words as Erlang's use atoms.
    fn from(word: &'static str) -> Self {
        match word {
            "normal" => Reason::Normal,
            "shutdown" => Reason::Shutdown,
            "kill" => Reason::Kill,
            "killed" => Reason::Killed,
            "noproc" => Reason::NoProc,
            other => Reason::custom(Word(other)),
        }
    }
}

/// A word that a program used as a reason; prints bare, as an atom does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word(&'static str);

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A reason is an error: `return Err(reason.into())` ends the process with exactly this reason, and
/// `?` passes it on (P-11).
impl Error for Reason {}

/// What a process may return: `()`, `!`, or a `Result` of these whose error becomes the reason.
pub trait Outcome {
    /// The exit reason that the value stands for (process 1.4).
    fn into_reason(self) -> Reason;
}

impl Outcome for () {
    fn into_reason(self) -> Reason {
        Reason::Normal
    }
}

impl Outcome for Infallible {
    fn into_reason(self) -> Reason {
        match self {}
    }
}

/// Names the type `!`, which stable Rust lets one return but not write.
pub trait Returns {
    /// The type that the function pointer returns.
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

impl Outcome for <fn() -> ! as Returns>::Output {
    fn into_reason(self) -> Reason {
        self
    }
}

impl<T: Outcome, E: Into<Box<dyn Error + Send + Sync>>> Outcome for std::result::Result<T, E> {
    fn into_reason(self) -> Reason {
        match self {
            Ok(value) => value.into_reason(),
            Err(error) => {
                let error: Box<dyn Error + Send + Sync> = error.into();
                match error.downcast::<Reason>() {
                    Ok(reason) => *reason,
                    Err(error) => Reason::Error(error.into()),
                }
            }
        }
    }
}
