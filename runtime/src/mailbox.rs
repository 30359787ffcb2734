//! The mailbox: received messages in order of arrival, and the places of those who look for one.
//!
//! Touched only by whoever runs the process. Invariant: a message is in the list or has
//! been given out; each has an arrival index, and indices rise along the list, so a receive that
//! remembers the index of the next message it has not seen looks at each once, whatever waits
//! before it. A message that is being looked at stays linked and is marked as out: guards,
//! `PartialEq` and `Drop` may call back into the runtime meanwhile. What it leaves out: signals,
//! waking, waiting. Unsafe: an intrusive list; the mailbox owns its nodes.

use std::ptr;

use crate::message::{Message, Node, peek};

/// See the file's header.
pub(crate) struct Mailbox {
    head: *mut Node,
    tail: *mut Node,
    next_index: u64,
    len: u32,
}

/// A message in the list. Good as long as the mailbox is not told to remove it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat(*mut Node);

impl Seat {
    pub(crate) fn node(self) -> *mut Node {
        self.0
    }
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        Mailbox {
            head: ptr::null_mut(),
            tail: ptr::null_mut(),
            next_index: 0,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// The arrival index that the next message will get.
    pub(crate) fn next_index(&self) -> u64 {
        self.next_index
    }

    pub(crate) fn append(&mut self, message: Message) {
        let node = message.into_node();
        // SAFETY: the node is ours now; the tail, where there is one, is a live node of this list.
        unsafe {
            (*node).set_index(self.next_index);
            (*node).next = ptr::null_mut();
            (*node).prev = self.tail;
            if self.tail.is_null() {
                self.head = node;
            } else {
                (*self.tail).next = node;
            }
        }
        self.tail = node;
        self.next_index += 1;
        self.len += 1;
    }

    /// The oldest message whose index is `place` or more. Costs as much as there are such messages,
    /// or nothing where the place is before all of them.
    pub(crate) fn at(&self, place: u64) -> Option<Seat> {
        if place >= self.next_index || self.head.is_null() {
            return None;
        }
        // SAFETY: every node reached is a live node of this list.
        unsafe {
            if (*self.head).index() >= place {
                return Some(Seat(self.head));
            }
            let mut found = ptr::null_mut();
            let mut node = self.tail;
            while !node.is_null() && (*node).index() >= place {
                found = node;
                node = (*node).prev;
            }
            (!found.is_null()).then_some(Seat(found))
        }
    }

    pub(crate) fn after(&self, seat: Seat) -> Option<Seat> {
        // SAFETY: a seat is a live node of this list.
        let next = unsafe { (*seat.0).next };
        (!next.is_null()).then_some(Seat(next))
    }

    pub(crate) fn remove(&mut self, seat: Seat) -> Message {
        let node = seat.0;
        // SAFETY: a seat is a live node of this list, and so are its neighbours.
        unsafe {
            let (prev, next) = ((*node).prev, (*node).next);
            if prev.is_null() {
                self.head = next
            } else {
                (*prev).next = next
            }
            if next.is_null() {
                self.tail = prev
            } else {
                (*next).prev = prev
            }
            self.len -= 1;
            Message::from_node(node)
        }
    }

    /// Takes the oldest `T` at or behind `place` for which `wanted` holds. `T` and `wanted` are the
    /// runtime's own: nothing of the user's runs.
    pub(crate) fn take_first<T: 'static>(
        &mut self,
        place: u64,
        wanted: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let mut seat = self.at(place);
        while let Some(here) = seat {
            // SAFETY: a seat is a live node of this list.
            if unsafe { peek::<T>(here.0) }.is_some_and(&wanted) {
                return self.remove(here).downcast().ok();
            }
            seat = self.after(here);
        }
        None
    }

    /// Takes out, in order, the messages for which `wanted` holds. `wanted` is the runtime's own
    /// code.
    pub(crate) fn extract(&mut self, mut wanted: impl FnMut(&Node) -> bool) -> Vec<Message> {
        let mut taken = Vec::new();
        let mut seat = self.at(0);
        while let Some(here) = seat {
            seat = self.after(here);
            // SAFETY: a seat is a live node of this list.
            if unsafe { !(*here.0).is_out() && wanted(&*here.0) } {
                taken.push(self.remove(here));
            }
        }
        taken
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        while let Some(seat) = self.at(0) {
            drop(self.remove(seat));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(n: u32) -> Mailbox {
        let mut mailbox = Mailbox::new();
        for i in 0..n {
            mailbox.append(Message::new(i));
        }
        mailbox
    }

    fn rest(mailbox: &mut Mailbox) -> Vec<u32> {
        mailbox
            .extract(|_| true)
            .into_iter()
            .map(|m| m.downcast::<u32>().expect("only numbers were put in"))
            .collect()
    }

    #[test]
    fn taking_one_leaves_the_order_of_the_others() {
        let mut mailbox = filled(4);
        let seat = mailbox.at(2).expect("four messages");
        drop(mailbox.remove(seat));
        assert_eq!(rest(&mut mailbox), [0, 1, 3]);
        assert_eq!(mailbox.len(), 0);
    }

    #[test]
    fn a_place_survives_the_removal_of_its_message() {
        let mut mailbox = filled(5);
        for index in [0, 3, 4] {
            let seat = mailbox.at(index).expect("still there");
            drop(mailbox.remove(seat));
        }
        assert!(mailbox.at(3).is_none());
        mailbox.append(Message::new(9u32));
        let seat = mailbox.at(3).expect("the new one");
        // SAFETY: a seat is a live node.
        assert_eq!(unsafe { (*seat.node()).index() }, 5);
        assert_eq!(rest(&mut mailbox), [1, 2, 9]);
    }
}
