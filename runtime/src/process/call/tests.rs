//! How many messages a call looks at.

use std::cell::Cell;
use std::time::Duration;

use super::{Call, Request, call, reply};
use crate::process::forms::{receive, receive_match};
use crate::{Runtime, Spawn, self_pid, send, spawn};

thread_local! {
    /// Messages that calls of this thread have looked at.
    pub(super) static LOOKED: Cell<u64> = const { Cell::new(0) };
}

struct Double(u64);

impl Request for Double {
    type Reply = u64;
}

/// M-15: with a million messages waiting a call looks at what came after it was made, and
/// at nothing else.
#[test]
fn a_call_does_not_look_at_what_waited_before() {
    let runtime = Runtime::builder().workers(1).build().expect("it starts");
    let looked = runtime.block_on(async {
        let me = self_pid();
        for n in 0..1_000_000u32 {
            send(me, n);
        }
        let server = spawn(async move {
            loop {
                let Call { from, request } = receive::<Call<Double>>().await;
                send(me, "before the reply");
                reply(from, 2 * request.0);
            }
        });
        // Takes in what was sent, so that it waits in the mailbox.
        assert_eq!(receive_match(|n: &u32| *n == 0).await, 0);
        let before = LOOKED.get();
        for n in 0..10 {
            let answer = call(server, Double(n), Duration::from_secs(60)).await;
            assert_eq!(answer, Ok(2 * n));
            assert_eq!(receive::<&str>().await, "before the reply");
        }
        LOOKED.get() - before
    });
    // The word and the answer of each call, and nothing of what waited.
    assert_eq!(looked.ok(), Some(20));
}

/// M-14: a call of a process that does not answer leaves nothing, whichever way it ends.
#[test]
fn a_call_leaves_nothing_behind() {
    let runtime = Runtime::builder().workers(1).build().expect("it starts");
    let left = runtime.block_on(async {
        let (deaf, _) = Spawn::new()
            .spawn(std::future::pending::<()>())
            .expect("there is room");
        let late = call(deaf, Double(1), Duration::from_millis(1)).await;
        assert_eq!(late, Err(super::CallError::Timeout));
        super::current(|current| {
            // SAFETY: this thread runs the process, and nothing else is borrowed.
            let private = unsafe { current.pcb().private() };
            let rare = private.rare();
            (rare.monitors.len(), rare.seldom().aliases.len())
        })
    });
    assert_eq!(left.ok(), Some((0, 0)));
}
