//! The inbox of a process and the word of who runs it, which are one atomic pointer: everything
//! sent to the process passes through it, and so does every reason for it to run.
//!
//! ```text
//!               push, notice (1)                begin (2)
//!      Waiting ──────────────────► Queued ────────────────────► Running
//!         ▲                          ▲                          │  │  │
//!         │          rest (3), quiet │ rest (3), with mail      │  │  │
//!         └──────────────────────────┼──────────────────────────┘  │  │
//!                                    └──────── or noticed ─────────┘  │
//!                                                    close (4)        ▼
//!                                                                   Closed
//! ```
//! 1. By anybody. Only the one that finds neither QUEUED nor RUNNING queues the process.
//! 2. By the worker that took it from the queue, which takes the mail in the same step.
//! 3. By the same worker, after the poll.
//! 4. By it, in the exit sequence: for ever; every later push is refused.
//!
//! Invariant (P-7, C-6, S-1, S-8): a process stands in at most one queue, once, and is run by at
//! most one thread; mail or a notice that nobody has looked at yet is never lost: where there is
//! some, the process is queued or runs. What one sender pushed first is drained first; a push hides
//! no other. A stack that is turned round when it is drained. Checked by a model in
//! `tests/model.rs`. Unsafe: the nodes are owned by the stack from push to drain.

use std::ptr;

use crate::message::{Message, Node};
use crate::sync::{AtomicPtr, Ordering};

/// The process stands in a queue, or has to when the one that runs it is done.
const QUEUED: usize = 1;
/// A thread runs the process.
const RUNNING: usize = 2;
/// The process has ended.
const CLOSED: usize = 4;
const BITS: usize = QUEUED | RUNNING | CLOSED;
const _: () = assert!(
    align_of::<Node>() > BITS,
    "the bits fit below a node's address"
);

/// See the file's header. The bits stand below the address of the newest node.
pub(crate) struct Inbox {
    word: AtomicPtr<Node>,
}

/// What became of a push.
#[must_use]
pub(crate) enum Pushed {
    /// It is there, and the caller has to put the process into a queue.
    Queue,
    /// It is there; the process is queued, or whoever runs it will look.
    Nothing,
    /// The process is dead. The message comes back.
    Closed(Message),
}

/// What the caller of `notice` has to do.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Noticed {
    /// Put the process into a queue.
    Queue,
    /// Nothing: it is queued, dead, or the worker that runs it will see the notice.
    Nothing,
}

/// What the worker that ran a process has to do.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Rest {
    /// Leave it: the next push or notice queues it.
    Waits,
    /// Queue it again: something came while it ran.
    Again,
}

impl Inbox {
    /// Of a process that its spawner is about to queue.
    pub(crate) fn queued() -> Self {
        Inbox {
            word: AtomicPtr::new(with_bits(ptr::null_mut(), QUEUED)),
        }
    }

    #[inline]
    pub(crate) fn push(&self, message: Message) -> Pushed {
        let node = message.into_node();
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let bits = bits(word);
            if bits & CLOSED != 0 {
                // SAFETY: the node came out of `into_node` above and was not published.
                return Pushed::Closed(unsafe { Message::from_node(node) });
            }
            let idle = bits == 0;
            // SAFETY: the node is ours until the exchange succeeds.
            unsafe { (*node).next = chain(word) };
            let new = with_bits(node, if idle { QUEUED } else { bits });
            // Release publishes the node's contents; Acquire makes the one that queues see what the
            // last one that ran the process has left.
            match self
                .word
                .compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) if idle => return Pushed::Queue,
                Ok(_) => return Pushed::Nothing,
                Err(now) => word = now,
            }
        }
    }

    /// There is a reason to run the process that is no mail: a waker was used.
    pub(crate) fn notice(&self) -> Noticed {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let bits = bits(word);
            if bits & CLOSED != 0 {
                return Noticed::Nothing;
            }
            // Also where the bit is there already: the next to begin has to see what was written
            // before.
            let new = with_bits(chain(word), bits | QUEUED);
            match self
                .word
                .compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) if bits == 0 => return Noticed::Queue,
                Ok(_) => return Noticed::Nothing,
                Err(now) => word = now,
            }
        }
    }

    /// The worker that took the process from a queue runs it, and gets what was sent to it, oldest
    /// first, where that is no more than `turn_max`.
    #[inline]
    pub(crate) fn begin(&self, turn_max: usize) -> Chain {
        let word = self
            .word
            .swap(with_bits(ptr::null_mut(), RUNNING), Ordering::AcqRel);
        debug_assert_eq!(bits(word), QUEUED, "only what is queued is run, and once");
        Chain::of(chain(word), turn_max)
    }

    /// Everything that has been pushed, as `begin`. Only the one that runs the process calls it.
    pub(crate) fn drain(&self, turn_max: usize) -> Chain {
        let mut word = self.word.load(Ordering::Relaxed);
        while !chain(word).is_null() {
            let new = with_bits(ptr::null_mut(), bits(word));
            match self
                .word
                .compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        Chain::of(chain(word), turn_max)
    }

    /// The worker is done with the process for this time. `again` where it has to run once more
    /// anyhow.
    #[inline]
    pub(crate) fn rest(&self, again: bool) -> Rest {
        let running = with_bits(ptr::null_mut(), RUNNING);
        if !again
            && self
                .word
                .compare_exchange(
                    running,
                    ptr::null_mut(),
                    Ordering::AcqRel,
                    Ordering::Relaxed,
                )
                .is_ok()
        {
            return Rest::Waits;
        }
        self.queue_again();
        Rest::Again
    }

    fn queue_again(&self) {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let new = with_bits(chain(word), QUEUED);
            match self
                .word
                .compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// Refuses all that comes from now on, and gives what has come, as `begin`. Notices do nothing
    /// more.
    pub(crate) fn close(&self, turn_max: usize) -> Chain {
        let word = self
            .word
            .swap(with_bits(ptr::null_mut(), CLOSED), Ordering::AcqRel);
        Chain::of(chain(word), turn_max)
    }

    /// Whether nothing waits. A hint: it may change at once.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        chain(self.word.load(Ordering::Relaxed)).is_null()
    }

    /// `running`, `runnable`, `waiting` or `exiting`, for people.
    pub(crate) fn name(&self) -> &'static str {
        let bits = bits(self.word.load(Ordering::Relaxed));
        match bits {
            _ if bits & CLOSED != 0 => "exiting",
            _ if bits & RUNNING != 0 => "running",
            _ if bits & QUEUED != 0 => "runnable",
            _ => "waiting",
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // Nobody else is left, so nothing has to be swapped.
        drop(Chain::of(chain(self.word.load(Ordering::Relaxed)), 0));
    }
}

fn bits(word: *mut Node) -> usize {
    word.addr() & BITS
}

/// The newest node of a word.
fn chain(word: *mut Node) -> *mut Node {
    word.map_addr(|address| address & !BITS)
}

fn with_bits(node: *mut Node, bits: usize) -> *mut Node {
    node.map_addr(|address| address | bits)
}

/// Drained messages, oldest first. They lay the other way round, so they are turned, which looks at
/// each: where there are very many it can be done bit by bit. Dropping it drops the rest.
pub(crate) struct Chain {
    /// What is turned: the oldest, where all is.
    next: *mut Node,
    /// What is not turned yet, newest first.
    rest: *mut Node,
}

// SAFETY: the chain owns its nodes, which hold messages, and these are `Send`.
unsafe impl Send for Chain {}

impl Chain {
    #[inline]
    fn of(head: *mut Node, turn_max: usize) -> Self {
        let mut chain = Chain {
            next: ptr::null_mut(),
            rest: head,
        };
        chain.turn(turn_max);
        chain
    }

    /// Turns about so many more.
    #[inline]
    pub(crate) fn turn(&mut self, turn_max: usize) {
        // Counted by four, because it is done with each message.
        let mut rounds = turn_max / 4;
        while !self.rest.is_null() {
            if rounds == 0 {
                return;
            }
            rounds -= 1;
            self.turn_one();
            for _ in 0..3 {
                if self.rest.is_null() {
                    return;
                }
                self.turn_one();
            }
        }
    }

    #[inline(always)]
    fn turn_one(&mut self) {
        // SAFETY: the swap made the whole stack ours, and the callers looked that there is one.
        unsafe {
            let next = (*self.rest).next;
            (*self.rest).next = self.next;
            self.next = self.rest;
            self.rest = next;
        }
    }

    /// Whether all are turned, so that they can be taken out.
    #[inline]
    pub(crate) fn is_turned(&self) -> bool {
        self.rest.is_null()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_null() && self.is_turned()
    }
}

impl Iterator for Chain {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        debug_assert!(self.is_turned(), "the oldest is not known yet");
        if self.next.is_null() {
            return None;
        }
        let node = self.next;
        // SAFETY: the chain owns its nodes, each came out of `into_node`, and this one leaves it
        // here.
        unsafe {
            self.next = (*node).next;
            Some(Message::from_node(node))
        }
    }
}

impl Drop for Chain {
    #[inline]
    fn drop(&mut self) {
        if !self.is_empty() {
            self.turn(usize::MAX);
            for message in self.by_ref() {
                drop(message);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::disallowed_methods)] // threads are what is tested
mod tests {
    use super::*;

    const ALL: usize = usize::MAX;

    fn numbers(chain: Chain) -> Vec<u32> {
        chain
            .map(|m| m.downcast::<u32>().expect("only numbers were pushed"))
            .collect()
    }

    /// The inbox of a process that waits.
    fn waiting() -> Inbox {
        let inbox = Inbox::queued();
        drop(inbox.begin(ALL));
        assert_eq!(inbox.rest(false), Rest::Waits);
        inbox
    }

    #[test]
    fn keeps_the_order_of_each_sender() {
        let inbox = Inbox::queued();
        std::thread::scope(|scope| {
            for sender in 0..4u32 {
                let inbox = &inbox;
                scope.spawn(move || {
                    for n in 0..1000 {
                        let _ = inbox.push(Message::new(sender * 10_000 + n));
                    }
                });
            }
        });
        let mut last = [None; 4];
        for n in numbers(inbox.drain(ALL)) {
            let (sender, n) = ((n / 10_000) as usize, n % 10_000);
            assert!(last[sender].is_none_or(|before| before < n));
            last[sender] = Some(n);
        }
        assert_eq!(last, [Some(999); 4]);
    }

    #[test]
    fn a_closed_inbox_gives_the_message_back_and_is_not_queued() {
        let inbox = waiting();
        assert!(matches!(inbox.push(Message::new(1u32)), Pushed::Queue));
        assert!(matches!(inbox.push(Message::new(2u32)), Pushed::Nothing));
        assert_eq!(numbers(inbox.begin(ALL)), [1, 2]);
        assert!(matches!(inbox.push(Message::new(3u32)), Pushed::Nothing));
        assert_eq!(numbers(inbox.close(ALL)), [3]);
        let Pushed::Closed(back) = inbox.push(Message::new(4u32)) else {
            panic!("not closed")
        };
        assert_eq!(back.downcast::<u32>().ok(), Some(4));
        assert_eq!(inbox.notice(), Noticed::Nothing);
        assert_eq!(inbox.name(), "exiting");
    }

    #[test]
    fn only_the_first_reason_queues() {
        let inbox = waiting();
        assert!(matches!(inbox.push(Message::new(1u32)), Pushed::Queue));
        assert_eq!(inbox.notice(), Noticed::Nothing);
        assert_eq!(numbers(inbox.begin(ALL)), [1]);
        assert_eq!(inbox.notice(), Noticed::Nothing);
        assert_eq!(inbox.rest(false), Rest::Again);
        assert!(inbox.begin(ALL).is_empty());
        assert_eq!(inbox.rest(false), Rest::Waits);
        assert_eq!(inbox.notice(), Noticed::Queue);
    }

    #[test]
    fn drained_mail_does_not_queue_again_but_a_notice_does() {
        let inbox = waiting();
        assert_eq!(inbox.notice(), Noticed::Queue);
        drop(inbox.begin(ALL));
        assert!(matches!(inbox.push(Message::new(1u32)), Pushed::Nothing));
        assert_eq!(numbers(inbox.drain(ALL)), [1]);
        assert_eq!(inbox.rest(false), Rest::Waits);
        assert!(matches!(inbox.push(Message::new(2u32)), Pushed::Queue));
        assert_eq!(numbers(inbox.begin(ALL)), [2]);
        assert_eq!(inbox.notice(), Noticed::Nothing);
        assert!(matches!(inbox.push(Message::new(3u32)), Pushed::Nothing));
        assert_eq!(numbers(inbox.drain(ALL)), [3]);
        assert_eq!(inbox.rest(false), Rest::Again);
    }

    #[test]
    fn mail_that_nobody_drained_has_the_process_run_again() {
        let inbox = waiting();
        assert_eq!(inbox.notice(), Noticed::Queue);
        drop(inbox.begin(ALL));
        assert!(matches!(inbox.push(Message::new(1u32)), Pushed::Nothing));
        assert_eq!(inbox.rest(true), Rest::Again);
        assert_eq!(numbers(inbox.begin(ALL)), [1]);
        assert_eq!(inbox.rest(false), Rest::Waits);
    }

    #[test]
    fn very_many_are_turned_bit_by_bit() {
        let inbox = waiting();
        for n in 0..10u32 {
            let _ = inbox.push(Message::new(n));
        }
        let mut chain = inbox.begin(4);
        assert!(!chain.is_turned() && !chain.is_empty());
        chain.turn(4);
        assert!(!chain.is_turned());
        chain.turn(4);
        assert!(chain.is_turned());
        assert_eq!(numbers(chain), Vec::from_iter(0..10));
        for n in 0..10u32 {
            let _ = inbox.push(Message::new(n));
        }
        // Dropped in the middle it leaves nothing behind.
        drop(inbox.drain(3));
        assert_eq!(inbox.rest(false), Rest::Waits);
    }
}
