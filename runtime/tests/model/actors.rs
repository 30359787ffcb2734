//! What stands in for the processes of a runtime in a model of its ports: an inbox as it is, a
//! mailbox, links, and somebody who may wait.
//!
//! Included by `model_port`, as its `process`. What acts on signals is left out: they stay in the
//! inbox, in their order, for the model to look at.

#[path = "../../src/process/context.rs"]
pub(crate) mod context;

use std::cell::UnsafeCell;
use std::sync::Arc;

use crate::core::{Core, Uncounted};
use crate::inbox::{Inbox, Pushed};
use crate::mailbox::Mailbox;
use crate::message::Message;
use crate::ordered::OrderedMap;
use crate::pid::{ActorId, Pid};
use crate::reason::Reason;
use context::Current;
use links::LinkState;

pub(crate) struct Pcb {
    pub(crate) pid: Pid,
    pub(crate) core: Uncounted,
    pub(crate) inbox: Inbox,
    pub(crate) sleeper: Arc<wakeup::Sleeper>,
    private: UnsafeCell<Private>,
}

// SAFETY: the private part is touched by the one thread of the model that acts for the process.
unsafe impl Sync for Pcb {}
// SAFETY: as above.
unsafe impl Send for Pcb {}

pub(crate) struct Private {
    pub(crate) mailbox: Mailbox,
    pub(crate) links: OrderedMap<ActorId, LinkState>,
    pub(crate) exiting: Option<Reason>,
}

impl Pcb {
    pub(crate) fn new(core: &Arc<Core>, slot: u32) -> Self {
        let private = Private {
            mailbox: Mailbox::new(),
            links: OrderedMap::new(),
            exiting: None,
        };
        Pcb {
            pid: Pid::new(core.node, slot, 1),
            // SAFETY: the model holds the core as long as its processes.
            core: unsafe { Uncounted::new(core) },
            inbox: Inbox::queued(),
            sleeper: Arc::default(),
            private: UnsafeCell::new(private),
        }
    }

    /// # Safety
    /// The calling thread acts for the process and holds no other borrow.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn private(&self) -> &mut Private {
        // SAFETY: by the contract above.
        unsafe { &mut *self.private.get() }
    }

    pub(crate) fn push(&self, message: Message) -> Result<(), Message> {
        match self.inbox.push(message) {
            Pushed::Queue | Pushed::Nothing => Ok(()),
            Pushed::Closed(message) => Err(message),
        }
    }

    pub(crate) fn note_queue_len(&self, _: u32) {}

    /// Runs `f` as this process.
    pub(crate) fn acts<R>(&self, f: impl FnOnce() -> R) -> R {
        let _pin = self.core.pin();
        // SAFETY: the pin is held until the end.
        let current = unsafe { Current::process(self, u32::MAX) };
        current.enter(f)
    }

    /// What came to it, in order: messages of the mailbox first. Called when all is over.
    pub(crate) fn received(&self) -> Vec<Message> {
        // SAFETY: nobody else is left.
        let mut all = unsafe { self.private() }.mailbox.extract(|_| true);
        all.extend(self.inbox.drain(usize::MAX));
        all
    }
}

pub(crate) mod links {
    pub(crate) enum LinkState {
        Active,
    }
}

pub(crate) mod run {
    use crate::reason::Reason;

    pub(crate) fn shielded(f: impl FnOnce()) {
        f();
    }

    /// No driver of a model panics on purpose, so it is the model that failed.
    pub(crate) fn panic_reason(panic: Box<dyn std::any::Any + Send>) -> Reason {
        std::panic::resume_unwind(panic)
    }
}

pub(crate) mod signal {
    use super::Pcb;
    use crate::inbox::Chain;
    use crate::message::Message;
    use crate::pid::ActorId;
    use crate::reason::Reason;
    use crate::reference::Ref;

    pub(crate) enum Signal {
        Exit {
            from: ActorId,
            reason: Reason,
            linked: bool,
        },
        Link {
            from: ActorId,
        },
        Unlinked {
            from: ActorId,
        },
        Monitor {
            reference: Ref,
            watcher: ActorId,
        },
        Demonitor {
            reference: Ref,
        },
        Down {
            reference: Ref,
            reason: Reason,
        },
    }

    /// Nothing was put by: a model sends few.
    pub(crate) fn catch_up_all(_: &Pcb) {}

    pub(crate) fn fetch(pcb: &Pcb) -> Chain {
        pcb.inbox.drain(usize::MAX)
    }

    pub(crate) fn take_in(pcb: &Pcb, fetched: impl Iterator<Item = Message>) {
        for message in fetched {
            // SAFETY: this thread acts for the process, and nothing of the user's is called.
            unsafe { pcb.private() }.mailbox.append(message);
        }
    }
}

pub(crate) mod budget {
    use std::task::{Context, Poll};

    pub(crate) fn poll_budget(_: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

pub(crate) mod alarm {
    use std::task::{Context, Poll};
    use std::time::Duration;

    /// It never comes.
    pub(crate) struct Alarm;

    impl Alarm {
        pub(crate) fn new(_: Duration) -> Self {
            Alarm
        }

        pub(crate) fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
}

pub(crate) mod wakeup {
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use super::Pcb;
    use super::context::current;
    use crate::core::Core;
    use crate::sync::{Condvar, Mutex};

    /// Where the thread that acts for a process waits.
    #[derive(Default)]
    pub(crate) struct Sleeper {
        is_woken: Mutex<bool>,
        news: Condvar,
    }

    impl Sleeper {
        pub(crate) fn sleep(&self) {
            let mut is_woken = self.is_woken.lock();
            while !*is_woken {
                self.news.wait(&mut is_woken);
            }
            *is_woken = false;
        }
    }

    #[derive(Clone)]
    pub struct Wakeup(Arc<Sleeper>);

    impl Wakeup {
        pub fn new(cx: &Context<'_>) -> Self {
            current(|current| Wakeup::of(current.pcb(), cx.waker()))
        }

        pub(crate) fn of(pcb: &Pcb, _: &Waker) -> Self {
            Wakeup(pcb.sleeper.clone())
        }

        pub(crate) fn wake_shielded(self, _: &Core, _: &crate::pin::Pin) {
            *self.0.is_woken.lock() = true;
            self.0.news.notify_one();
        }
    }
}
