//! Messages: any `Send + 'static` value, its type erased, in one allocation with its queue node.
//!
//! Made by `send`, by ports and by signals; carried by the inbox and the mailbox; opened by
//! `receive`. Invariant: a `Message` owns its node, and its value is there unless the node says it
//! is out (a receive is looking at it). Signals travel in the same nodes, so that one queue keeps
//! the order of everything (S-8). No serialisation, no copy: values are moved.
//! Unsafe: the erased value is reached through the vtable of the type that made the node.

use std::alloc::Layout;
use std::any::TypeId;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use crate::heap;
use crate::pid::PortId;

/// What the queues link together. The value follows it in the same allocation.
#[repr(C)]
pub(crate) struct Node {
    pub(crate) next: *mut Node,
    pub(crate) prev: *mut Node,
    /// Arrival index, and in the top bit whether the value is out.
    index: u64,
    vtable: &'static VTable,
    /// The port that the message came from: slot and generation, 0 for none. Of a message that is
    /// under way through an alias: the alias's serial. `COUNTED` where a mailbox limit counts it.
    port: u64,
}

#[repr(C)]
struct Typed<T> {
    node: Node,
    value: ManuallyDrop<T>,
}

pub(crate) struct VTable {
    type_id: TypeId,
    type_name: fn() -> &'static str,
    layout: Layout,
    /// Drops the value and leaves the node's memory.
    ///
    /// SAFETY: to call it, the node has to be the head of a `Typed<T>` of this vtable's type whose
    /// value is still there; afterwards it is not.
    drop_value: unsafe fn(*mut Node),
    /// Not for the mailbox as it is: a signal, or a message through an alias.
    signal: bool,
    /// Of a message through an alias: what it becomes when the alias lets it in.
    let_in: Option<&'static VTable>,
}

const OUT: u64 = 1 << 63;
/// In place of a port: the message is counted by its receiver's mailbox limit. No port has this id.
const COUNTED: u64 = u64::MAX;

trait Erased: Sized {
    const MESSAGE: VTable;
    const SIGNAL: VTable;
    const ALIASED: VTable;
}

impl<T: 'static> Erased for T {
    const MESSAGE: VTable = VTable {
        type_id: TypeId::of::<T>(),
        type_name: std::any::type_name::<T>,
        layout: Layout::new::<Typed<T>>(),
        drop_value: drop_value::<T>,
        signal: false,
        let_in: None,
    };
    const SIGNAL: VTable = VTable {
        signal: true,
        ..Self::MESSAGE
    };
    const ALIASED: VTable = VTable {
        signal: true,
        let_in: Some(&Self::MESSAGE),
        ..Self::MESSAGE
    };
}

/// # Safety
/// `node` is the node of a `Typed<T>` whose value is there.
unsafe fn drop_value<T>(node: *mut Node) {
    // SAFETY: by the contract above the node begins a `Typed<T>` with its value in place.
    unsafe { ManuallyDrop::drop(&mut (*node.cast::<Typed<T>>()).value) }
}

impl Node {
    pub(crate) fn index(&self) -> u64 {
        self.index & !OUT
    }

    pub(crate) fn set_index(&mut self, index: u64) {
        self.index = index;
    }

    /// Whether somebody is looking at the value right now.
    pub(crate) fn is_out(&self) -> bool {
        self.index & OUT != 0
    }

    pub(crate) fn port(&self) -> u64 {
        match self.vtable.let_in {
            None if self.port != COUNTED => self.port,
            _ => 0,
        }
    }

    /// Whether the value is a `T`. Mostly the tables are one and the same, which is less to
    /// compare; a table may stand in the program twice, so another one says nothing.
    #[inline]
    pub(crate) fn is<T: 'static>(&self) -> bool {
        ptr::eq(self.vtable, &<T as Erased>::MESSAGE) || self.vtable.type_id == TypeId::of::<T>()
    }

    pub(crate) fn is_signal(&self) -> bool {
        self.vtable.signal
    }

    /// Whether its receiver's mailbox limit counts the message.
    pub(crate) fn is_counted(&self) -> bool {
        self.port == COUNTED
    }

    /// The serial of the alias that the message came through and was not yet let in by.
    pub(crate) fn alias(&self) -> Option<u64> {
        self.vtable.let_in.map(|_| self.port)
    }
}

/// A message taken whole, whatever its type: what [`receive_any`](crate::receive_any) gives.
pub struct Message(NonNull<Node>);

// SAFETY: a message owns its node and a value that is `Send`; every constructor asks for `Send`.
unsafe impl Send for Message {}

impl Message {
    /// A value as a message.
    pub fn new<T: Send + 'static>(value: T) -> Self {
        Message::allocate(value, &<T as Erased>::MESSAGE, 0)
    }

    pub(crate) fn from_port<T: Send + 'static>(value: T, port: PortId) -> Self {
        Message::allocate(value, &<T as Erased>::MESSAGE, port.token())
    }

    pub(crate) fn signal<T: Send + 'static>(value: T) -> Self {
        Message::allocate(value, &<T as Erased>::SIGNAL, 0)
    }

    /// A message that goes through the receiver's alias with this serial.
    pub(crate) fn through_alias<T: Send + 'static>(value: T, serial: u64) -> Self {
        Message::allocate(value, &<T as Erased>::ALIASED, serial)
    }

    /// The alias lets the message in: from here it is one like any other.
    pub(crate) fn let_in(mut self) -> Self {
        // SAFETY: the message owns its node, and both tables are of the type of its value.
        let node = unsafe { self.0.as_mut() };
        if let Some(plain) = node.vtable.let_in {
            (node.vtable, node.port) = (plain, 0);
        }
        self
    }

    /// The receiver's mailbox limit counts this message.
    pub(crate) fn counted(mut self) -> Self {
        // SAFETY: the message owns its node.
        unsafe { self.0.as_mut() }.port = COUNTED;
        self
    }

    fn allocate<T: 'static>(value: T, vtable: &'static VTable, port: u64) -> Self {
        let node = Node {
            next: ptr::null_mut(),
            prev: ptr::null_mut(),
            index: 0,
            vtable,
            port,
        };
        let layout = Layout::new::<Typed<T>>();
        let typed = heap::take(layout).cast::<Typed<T>>();
        // SAFETY: the memory is ours and of this layout; it is written before use.
        unsafe {
            typed.write(Typed {
                node,
                value: ManuallyDrop::new(value),
            });
            Message(typed.cast())
        }
    }

    /// Whether the value is a `T`.
    pub fn is<T: 'static>(&self) -> bool {
        self.node().is::<T>()
    }

    /// The value, where it is a `T`.
    pub fn downcast_ref<T: 'static>(&self) -> Option<&T> {
        if !self.is::<T>() || self.node().is_out() {
            return None;
        }
        // SAFETY: the type was just checked and the value is in place.
        Some(unsafe { &(*self.0.as_ptr().cast::<Typed<T>>()).value })
    }

    /// The value, where it is a `T`; the message itself where it is not.
    pub fn downcast<T: 'static>(self) -> Result<T, Message> {
        if !self.is::<T>() || self.node().is_out() {
            return Err(self);
        }
        let node = ManuallyDrop::new(self).0.as_ptr();
        // SAFETY: the type was just checked, the value is in place and read once; the node is
        // freed.
        unsafe {
            let value = take_value::<T>(node);
            free(node);
            Ok(value)
        }
    }

    /// The name of the value's type, for people.
    pub fn type_name(&self) -> &'static str {
        (self.node().vtable.type_name)()
    }

    pub(crate) fn node(&self) -> &Node {
        // SAFETY: a message owns a live node.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn into_node(self) -> *mut Node {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// `node` came out of `into_node` and is in nobody else's hands.
    pub(crate) unsafe fn from_node(node: *mut Node) -> Self {
        // SAFETY: `into_node` never gives null.
        Message(unsafe { NonNull::new_unchecked(node) })
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let node = self.0.as_ptr();
        /// Frees the node even where the value's own destructor panics.
        struct Free(*mut Node);
        impl Drop for Free {
            fn drop(&mut self) {
                // SAFETY: the message owned the node, and its value is gone.
                unsafe { free(self.0) }
            }
        }
        let free = Free(node);
        // SAFETY: the node is ours; the value is dropped only where it is in place.
        unsafe {
            if !(*node).is_out() {
                ((*node).vtable.drop_value)(node);
            }
        }
        drop(free);
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.type_name())
    }
}

/// The value in its node, where it is a `T` and in place.
///
/// # Safety
/// `node` is live, and nobody moves the value while the reference is used.
pub(crate) unsafe fn peek<'a, T: 'static>(node: *const Node) -> Option<&'a T> {
    // SAFETY: by the contract above, and the type is checked first.
    unsafe {
        let there = (*node).is::<T>() && !(*node).is_out();
        there.then(|| &*(*node.cast::<Typed<T>>()).value)
    }
}

/// Moves the value out and leaves the node where it is, marked as out.
///
/// # Safety
/// `node` is live, holds a `T` that is in place, and nobody else touches it.
pub(crate) unsafe fn take_value<T: 'static>(node: *mut Node) -> T {
    // SAFETY: by the contract above.
    unsafe {
        debug_assert!((*node).is::<T>() && !(*node).is_out());
        (*node).index |= OUT;
        ptr::read(&*(*node.cast::<Typed<T>>()).value)
    }
}

/// Puts back a value that `take_value` moved out of the same node.
///
/// # Safety
/// `node` is live, is the node of a `T`, and its value is out.
pub(crate) unsafe fn put_value<T: 'static>(node: *mut Node, value: T) {
    // SAFETY: by the contract above.
    unsafe {
        debug_assert!((*node).is::<T>() && (*node).is_out());
        ptr::write(&mut *(*node.cast::<Typed<T>>()).value, value);
        (*node).index &= !OUT;
    }
}

/// # Safety
/// `node` came from `Message::allocate`, its value is gone, and nobody uses it any more.
unsafe fn free(node: *mut Node) {
    // SAFETY: it was taken with the layout that its vtable holds.
    unsafe { heap::give(NonNull::new_unchecked(node.cast()), (*node).vtable.layout) }
}
