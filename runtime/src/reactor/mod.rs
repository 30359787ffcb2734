//! The real reactor: readiness from the system, one body for each kind of system.
//!
//! On Linux `epoll` drives the descriptor that the `polling` crate opens; elsewhere `portable` is
//! `polling` as it is. Asked by the worker that has the seat. Both are the trait
//! `port::source::Reactor` with `wait` and
//! `notify` beside it, and nothing above knows which it has.

#[cfg(target_os = "linux")]
mod epoll;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use epoll::RealReactor;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::RealReactor;
