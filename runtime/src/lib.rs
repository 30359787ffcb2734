//! Erlang's processes and ports as a small native runtime.
//!
//! A process is an `async` block with an identity: it has a mailbox, is linked to others, watches
//! and is watched, and ends with a reason that those who care are told of. A port is an actor whose
//! body is a driver, such as a socket. A runtime is a value; several may live in one program.
//!
//! ```
//! use runtime::prelude::*;
//! use std::time::Duration;
//!
//! struct Ping(Pid);
//! struct Pong;
//!
//! runtime::run(async {
//!     let server = spawn_link(async {
//!         loop {
//!             receive! {
//!                 Ping(from) => send(from, Pong),
//!             }
//!         }
//!     });
//!     send(server, Ping(self_pid()));
//!     receive! {
//!         Pong => println!("pong"),
//!         after(Duration::from_secs(5)) => panic!("no answer"),
//!     }
//!     Ok(())
//! })
//! .unwrap();
//! ```
//!
//! The contract is written down in `docs/SEMANTICS.md`; rules that comments name (P-13, S-1, …)
//! stand there.

mod api;
mod blocking;
mod clock;
mod core;
mod crash;
mod entropy;
mod event;
mod hash;
mod heap;
mod inbox;
mod introspect;
mod limits;
mod listing;
mod macros;
mod mailbox;
mod marks;
mod message;
mod name;
mod node;
mod ordered;
mod pid;
mod pin;
pub mod port;
mod priority;
mod process;
mod reactor;
mod reason;
mod reference;
mod registry;
mod reply;
mod sched;
mod send;
pub mod sim;
mod spawn;
mod statistics;
mod sync;
mod table;
mod timers;
mod trace;
mod vacancies;
mod wheel;

pub use api::{
    Destination, exit, exit_signal, has_messages, is_alive, links, make_ref, pid_exists,
    process_info, processes, register, registered, self_pid, send, set_label, set_priority,
    trap_exit, try_self_pid, unregister, whereis,
};
pub use blocking::{BlockingError, PoolStatistics, blocking, blocking_cpu};
pub use crash::CrashReport;
pub use event::Event;
pub use introspect::{statistics, top};
pub use limits::Limits;
pub use listing::{PortTable, ProcessLine, ProcessTable, SortBy};
pub use message::Message;
pub use name::Name;
pub use node::{Builder, Handle, Result, Runtime, Shutdown, run};
pub use pid::{ActorId, Pid, PortId};
pub use priority::Priority;
pub use process::alarm::Alarm;
pub use process::alias::{AliasMode, MonitorAlias, alias, unalias};
pub use process::budget::poll_budget;
pub use process::call::{Call, CallError, ReplyTo, Request, call, reply};
pub use process::forms::{
    receive, receive_any, receive_match, receive_match_timeout, receive_other_than, receive_timeout,
};
pub use process::info::ProcessInfo;
pub use process::limit::set_mailbox_limit;
pub use process::links::{NoProc, link, unlink, unlink_flush};
pub use process::monitors::{
    DemonitorOptions, Down, Item, MonitorOptions, TaggedDown, Watchable, demonitor,
    demonitor_flush, demonitor_with, monitor, monitor_with,
};
pub use process::overflow::{MailboxLimit, OnOverflow, Overflow};
pub use process::pause::{consume_budget, sleep, yield_now};
pub use process::signal::Exit;
pub use process::suspend::{SuspendError, resume_process, suspend_process};
pub use process::wakeup::Wakeup;
pub use reason::{Outcome, Payload, Reason};
pub use reference::Ref;
pub use registry::RegisterError;
pub use send::{SendError, send_async, try_send};
pub use spawn::{Spawn, SpawnError, spawn, spawn_link, spawn_monitor, try_spawn};
pub use statistics::{Statistics, WorkerStatistics};
pub use timers::{
    Timeout, TimerRef, TimerTarget, cancel_timer, read_timer, send_after, start_timer,
};

/// What a program of processes uses all the time.
pub mod prelude {
    pub use crate::process::call::reply;
    pub use crate::{
        ActorId, AliasMode, Call, CallError, Down, Exit, Handle, Item, MailboxLimit, Message,
        MonitorAlias, MonitorOptions, Name, Overflow, Pid, PortId, Priority, Reason, Ref, ReplyTo,
        Request, Runtime, Spawn, TaggedDown, Timeout, TimerRef, alias, call, cancel_timer,
        demonitor, demonitor_flush, exit, exit_signal, is_alive, link, links, make_ref, monitor,
        monitor_with, process_info, processes, receive, receive_any, receive_match,
        receive_match_timeout, receive_timeout, register, registered, self_pid, send, send_after,
        send_async, sleep, spawn, spawn_link, spawn_monitor, start_timer, trap_exit, try_send,
        try_spawn, unalias, unlink, unlink_flush, unregister, whereis, yield_now,
    };
}

/// What `receive!` expands to.
#[doc(hidden)]
pub mod __private {
    pub use crate::process::receive::{Probe, Receiver, Scanned, Taken};
}
