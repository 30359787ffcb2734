//! Work of a driver that would block, on a thread of the blocking pool (process 8.11,
//! `driver_async`).
//!
//! Given by `PortCx::spawn_blocking`; what comes of it is handed to `Driver::blocking_done` under
//! the port's lock. Invariant: a job that was taken is run to its end, though the port may be gone;
//! then what comes of it is dropped, in the pool's thread. Jobs begin in order and may end in any.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{PortCx, locked};
use crate::blocking::BlockingError;
use crate::message::Message;
use crate::process::context::Current;
use crate::process::run::{panic_reason, shielded};

impl PortCx<'_> {
    /// Has a closure run on a thread of the blocking pool. What it returns is given to
    /// [`Driver::blocking_done`](super::Driver::blocking_done), with the number that this returns;
    /// also while the port is flushing. Jobs begin in order, but may end in any.
    ///
    /// # Errors
    /// [`BlockingError::SystemLimit`] where too many closures wait.
    pub fn spawn_blocking<T, F>(&mut self, job: F) -> Result<u64, BlockingError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let rare = self.rare_mut();
        rare.job += 1;
        let number = rare.job;
        let (core, id) = (self.core.clone(), self.id);
        let run = move || {
            let guarded = AssertUnwindSafe(|| Message::new(job()));
            let result = Current::runtime(&core).enter(|| catch_unwind(guarded));
            let result = result.map_err(panic_reason);
            // Where the port is gone the result is dropped here, and that is code of the user's.
            shielded(|| {
                locked(&core, id, false, |driver, cx| {
                    driver.blocking_done(cx, number, result);
                });
            });
        };
        let taken = self.core.blocking.run(Box::new(run));
        taken.map(|()| number).map_err(|refused| {
            self.asked.more().jobs.push(refused);
            BlockingError::SystemLimit
        })
    }
}
