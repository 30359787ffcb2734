//! A process of a scenario: it waits for a call, makes it, answers, and waits again.
//!
//! Spawned by the coordinator and by the spawn calls of other such processes. Invariants:
//! 1. A call runs in the process itself: what it opens, links and monitors belongs to the process.
//! 2. Between calls the process takes nothing but calls: messages stay in its mailbox.
//! 3. A call is answered once, or the process has ended in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::{ActorId, Pid, Ref, receive, send};

use super::convert::Term;
use super::ops::{self, Answer};

/// Asks a process to make a call.
#[derive(Debug)]
pub(super) struct Do {
    pub(super) from: Pid,
    pub(super) tag: Ref,
    pub(super) function: String,
    pub(super) args: Vec<Term>,
}

/// The answer to a `Do`, to its sender.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) tag: Ref,
    pub(super) answer: Answer,
}

/// What a process does all its life.
pub(super) async fn body(stage: Arc<Stage>) {
    loop {
        let Do {
            from,
            tag,
            function,
            args,
        } = receive().await;
        let answer = ops::perform(&function, &args, &stage).await;
        send(from, Done { tag, answer });
    }
}

/// What the processes of one scenario share.
#[derive(Debug, Default)]
pub(super) struct Stage {
    /// Processes and sockets, in the order in which they were made.
    born: Mutex<Vec<ActorId>>,
}

impl Stage {
    /// Notes that a process or socket has been made.
    pub(super) fn note(&self, actor: impl Into<ActorId>) {
        self.born().push(actor.into());
    }

    /// Sorts as Erlang sorts pids and ports: ports first, the older before the younger.
    pub(super) fn sort(&self, actors: &mut [ActorId]) {
        let born = self.born();
        actors.sort_by_cached_key(|actor| {
            let age = born.iter().position(|other| other == actor);
            (actor.pid().is_some(), age.unwrap_or(usize::MAX))
        });
    }

    /// A push that panicked has left a list that is whole.
    fn born(&self) -> MutexGuard<'_, Vec<ActorId>> {
        self.born.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
