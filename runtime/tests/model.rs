//! A model of the inbox's word, run through the interleavings of a few threads that matter by
//! `loom` (`model/sync.rs` says how).
//!
//! The files under test are included as they are; `sync` stands in for the runtime's own. A process
//! is its inbox and a private part that loom watches; who has to queue it runs it at once.
#![cfg(loom)]
#![allow(dead_code, unreachable_pub, missing_docs)]

#[path = "../src/heap.rs"]
mod heap;
#[path = "../src/inbox.rs"]
mod inbox;
#[path = "../src/message.rs"]
mod message;
#[path = "../src/pid.rs"]
mod pid;
#[path = "model/sync.rs"]
mod sync;

mod limits {
    pub(crate) const BLOCKS_KEPT_MAX: u32 = 0;
}

use inbox::{Chain, Inbox, Noticed, Pushed, Rest};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use message::Message;
use sync::{AtomicUsize, Ordering};

#[derive(Default)]
struct Private {
    got: Vec<u32>,
    saw_flag: bool,
    runs: u32,
}

struct Process {
    inbox: Inbox,
    private: UnsafeCell<Private>,
    /// What a waker's owner writes before it wakes.
    flag: AtomicUsize,
}

// SAFETY: the private part is touched only by the one that runs the process; loom watches that.
unsafe impl Sync for Process {}
// SAFETY: as above.
unsafe impl Send for Process {}

impl Process {
    /// One that waits, having run once.
    fn waiting() -> Arc<Self> {
        let process = Process {
            inbox: Inbox::queued(),
            private: UnsafeCell::default(),
            flag: AtomicUsize::new(0),
        };
        let process = Arc::new(process);
        process.run(false);
        process
    }

    fn take(&self, chain: Chain) {
        self.private.with_mut(|private| {
            // SAFETY: this thread runs the process.
            let private = unsafe { &mut *private };
            private.saw_flag |= self.flag.load(Ordering::Relaxed) != 0;
            private.runs += 1;
            let numbers = chain.map(|message| message.downcast::<u32>().expect("numbers only"));
            private.got.extend(numbers);
        });
    }

    /// What a worker does with a process out of a queue, until it waits.
    fn run(&self, drains: bool) {
        loop {
            self.take(self.inbox.begin(usize::MAX));
            if drains {
                self.take(self.inbox.drain(usize::MAX));
            }
            if self.inbox.rest(false) == Rest::Waits {
                return;
            }
        }
    }

    fn send(&self, number: u32, drains: bool) -> bool {
        match self.inbox.push(Message::new(number)) {
            Pushed::Queue => self.run(drains),
            Pushed::Nothing => {}
            Pushed::Closed(_) => return false,
        }
        true
    }

    fn wake(&self) {
        self.flag.store(1, Ordering::Relaxed);
        if self.inbox.notice() == Noticed::Queue {
            self.run(false);
        }
    }

    fn got(&self) -> Vec<u32> {
        // SAFETY: nobody runs the process any more.
        self.private
            .with(|private| unsafe { &*private }.got.clone())
    }
}

#[test]
fn what_is_sent_is_received_in_order_by_one_thread_at_a_time() {
    sync::check(3, || {
        let process = Process::waiting();
        let other = process.clone();
        let sender = thread::spawn(move || {
            assert!(other.send(10, true));
            assert!(other.send(11, true));
        });
        assert!(process.send(20, true));
        sender.join().expect("it does not panic");
        let got = process.got();
        assert_eq!(got.len(), 3, "{got:?}");
        let place = |number| got.iter().position(|one| *one == number);
        assert!(place(10) < place(11), "{got:?}");
        assert_eq!(process.inbox.name(), "waiting");
    });
}

#[test]
fn two_senders_and_a_running_process_lose_nothing() {
    sync::check(3, || {
        let process = Process::waiting();
        let threads = [1, 2].map(|number| {
            let process = process.clone();
            thread::spawn(move || assert!(process.send(number, false)))
        });
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        let mut got = process.got();
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
    });
}

#[test]
fn a_wake_up_is_followed_by_a_run_that_sees_what_was_written_before() {
    sync::check(3, || {
        let process = Process::waiting();
        let other = process.clone();
        let sender = thread::spawn(move || assert!(other.send(1, true)));
        process.wake();
        sender.join().expect("it does not panic");
        assert_eq!(process.got(), [1]);
        // SAFETY: nobody runs the process any more.
        let saw_flag = process
            .private
            .with(|private| unsafe { &*private }.saw_flag);
        assert!(saw_flag, "the wake-up was lost");
    });
}

#[test]
fn a_closed_inbox_refuses_or_gives_what_was_sent() {
    sync::check(3, || {
        let process = Process::waiting();
        let other = process.clone();
        assert!(process.inbox.notice() == Noticed::Queue);
        let sender = thread::spawn(move || u32::from(other.send(1, false)));
        let mut mine = process.inbox.begin(usize::MAX).count();
        mine += process.inbox.close(usize::MAX).count();
        let taken = sender.join().expect("it does not panic");
        assert_eq!(taken as usize, mine);
        assert!(process.inbox.notice() == Noticed::Nothing);
    });
}
