//! The inbox of an actor: one atomic pointer through which everything sent to it passes.
//!
//! Senders push, whoever runs the actor drains. Invariant (S-1, S-8): what one sender pushed first is
//! drained first; a push never hides another (no half-done state); after `close` every push is refused,
//! so a dead process receives nothing. A stack that is turned round when it is drained.
//! Unsafe: the nodes are owned by the stack from push to drain.

use std::ptr;

use crate::message::{Message, Node};
use crate::sync::{AtomicPtr, Ordering};

/// The pointer value that a closed inbox holds; no node lives at address 1.
const CLOSED: *mut Node = ptr::without_provenance_mut(1);

/// See the file's header.
pub(crate) struct Inbox {
    head: AtomicPtr<Node>,
}

/// What became of a push.
#[must_use]
pub(crate) enum Pushed {
    /// The inbox was empty: the owner has to be woken.
    First,
    /// Others wait already, so somebody has woken the owner.
    Behind,
    /// The owner is dead. The message comes back.
    Closed(Message),
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Inbox {
            head: AtomicPtr::new(ptr::null_mut()),
        }
    }

    pub(crate) fn push(&self, message: Message) -> Pushed {
        let node = message.into_node();
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == CLOSED {
                // SAFETY: the node came out of `into_node` above and was not published.
                return Pushed::Closed(unsafe { Message::from_node(node) });
            }
            // SAFETY: the node is ours until the exchange succeeds.
            unsafe { (*node).next = head };
            // Release publishes the node's contents; Acquire makes `Behind` see the waker's work.
            match self
                .head
                .compare_exchange_weak(head, node, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) if head.is_null() => return Pushed::First,
                Ok(_) => return Pushed::Behind,
                Err(now) => head = now,
            }
        }
    }

    /// Everything that has been pushed, oldest first. Only the owner's runner calls it.
    pub(crate) fn drain(&self) -> Chain {
        if self.is_empty() {
            return Chain {
                next: ptr::null_mut(),
            };
        }
        Chain::turned(self.head.swap(ptr::null_mut(), Ordering::AcqRel))
    }

    /// Refuses all that comes from now on, and gives what has come, oldest first.
    pub(crate) fn close(&self) -> Chain {
        Chain::turned(self.head.swap(CLOSED, Ordering::AcqRel))
    }

    /// Whether nothing waits. A hint: it may change at once.
    pub(crate) fn is_empty(&self) -> bool {
        let head = self.head.load(Ordering::Relaxed);
        head.is_null() || head == CLOSED
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // Nobody else is left, so nothing has to be swapped.
        drop(Chain::turned(*self.head.get_mut()));
    }
}

/// Drained messages, oldest first. Dropping it drops the rest.
pub(crate) struct Chain {
    next: *mut Node,
}

impl Chain {
    fn turned(mut head: *mut Node) -> Self {
        if head == CLOSED {
            head = ptr::null_mut();
        }
        let mut turned = ptr::null_mut();
        while !head.is_null() {
            // SAFETY: the swap made the whole stack ours.
            unsafe {
                let next = (*head).next;
                (*head).next = turned;
                turned = head;
                head = next;
            }
        }
        Chain { next: turned }
    }
}

impl Iterator for Chain {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        if self.next.is_null() {
            return None;
        }
        let node = self.next;
        // SAFETY: the chain owns its nodes, each came out of `into_node`, and this one leaves it here.
        unsafe {
            self.next = (*node).next;
            Some(Message::from_node(node))
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        for message in self.by_ref() {
            drop(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(chain: Chain) -> Vec<u32> {
        chain
            .map(|m| m.downcast::<u32>().expect("only numbers were pushed"))
            .collect()
    }

    #[test]
    fn keeps_the_order_of_each_sender() {
        let inbox = Inbox::new();
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
        for n in numbers(inbox.drain()) {
            let (sender, n) = ((n / 10_000) as usize, n % 10_000);
            assert!(last[sender].is_none_or(|before| before < n));
            last[sender] = Some(n);
        }
        assert_eq!(last, [Some(999); 4]);
    }

    #[test]
    fn a_closed_inbox_gives_the_message_back() {
        let inbox = Inbox::new();
        assert!(matches!(inbox.push(Message::new(1u32)), Pushed::First));
        assert!(matches!(inbox.push(Message::new(2u32)), Pushed::Behind));
        assert_eq!(numbers(inbox.close()), [1, 2]);
        let Pushed::Closed(back) = inbox.push(Message::new(3u32)) else {
            panic!("not closed")
        };
        assert_eq!(back.downcast::<u32>().ok(), Some(3));
    }
}
