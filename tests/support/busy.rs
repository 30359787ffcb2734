//! A process that works without a pause, in one long poll.
//!
//! For tests of what becomes of signals to one that does not wait. Invariant: when `start` is over
//! it has begun; it takes in what is sent to it, in the middle of its poll, until it is told to
//! stop, and then does nothing for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::prelude::*;

/// See the file's header.
#[derive(Debug)]
pub struct Busy {
    /// The process.
    pub pid: Pid,
    stop: Arc<AtomicBool>,
}

impl Busy {
    /// Needs a worker of its own.
    pub async fn start() -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Arc::new(AtomicBool::new(false));
        let (flag, here) = (stop.clone(), begun.clone());
        let pid = spawn(async move {
            while !flag.load(Ordering::SeqCst) {
                // It takes in what was sent, in the middle of its poll.
                links();
                here.store(true, Ordering::SeqCst);
            }
            std::future::pending::<()>().await;
        });
        while !begun.load(Ordering::SeqCst) {
            yield_now().await;
        }
        Busy { pid, stop }
    }

    /// Its poll comes to an end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// The thread that runs it is needed again, also where the test fails.
impl Drop for Busy {
    fn drop(&mut self) {
        self.stop();
    }
}
