//! A puppet: a process that does what the test tells it, in its own name.
//!
//! It keeps what else it gets in its mailbox, so that the test can look at it with a job.
//! Invariant: jobs are done one after the other, in the order of one teller.

use std::future::Future;
use std::pin::Pin;

use runtime::prelude::*;

use crate::mail::LIMIT;

/// See the file's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Puppet {
    /// The process.
    pub pid: Pid,
}

struct Job(Pin<Box<dyn Future<Output = ()> + Send>>);

struct Answer<R>(Ref, R);

async fn obey() {
    loop {
        receive::<Job>().await.0.await;
    }
}

impl Default for Puppet {
    fn default() -> Self {
        Puppet::new()
    }
}

impl Puppet {
    /// One that dies from exit signals, not linked to anybody.
    pub fn new() -> Self {
        Puppet { pid: spawn(obey()) }
    }

    /// One that traps exits.
    pub fn trapping() -> Self {
        Puppet::with(Spawn::new().trap_exit())
    }

    /// One that is spawned like this.
    ///
    /// # Panics
    /// Where it cannot be spawned.
    pub fn with(spawn: Spawn) -> Self {
        let (pid, _) = spawn.spawn(obey()).expect("there is room for a puppet");
        Puppet { pid }
    }

    /// Trapping or not.
    pub fn that_traps(trapping: bool) -> Self {
        if trapping {
            Puppet::trapping()
        } else {
            Puppet::new()
        }
    }

    /// Has it do this, and does not wait.
    pub fn told(self, job: impl Future<Output = ()> + Send + 'static) {
        send(self.pid, Job(Box::pin(job)));
    }

    /// Has it do this, and waits for what comes of it.
    ///
    /// # Panics
    /// Where it dies over it.
    #[track_caller]
    pub fn does<R: Send + 'static>(
        self,
        job: impl Future<Output = R> + Send + 'static,
    ) -> impl Future<Output = R> {
        let place = std::panic::Location::caller();
        async move {
            let (me, asked) = (self_pid(), monitor(self.pid));
            self.told(async move { send(me, Answer(asked, job.await)) });
            let answer = receive! {
                Answer::<R>(to, value) if to == asked => value,
                Down { monitor, reason, .. } if monitor == asked =>
                    panic!("the puppet of {place} died: {reason}"),
                after(LIMIT) => panic!("the puppet of {place} does nothing"),
            };
            demonitor_flush(asked);
            answer
        }
    }

    /// Has it end with this reason.
    pub fn ends(self, reason: impl Into<Reason>) {
        let reason = reason.into();
        self.told(async move { exit(reason).await });
    }

    /// The exits that it trapped so far, oldest first.
    pub async fn exits(self) -> Vec<Exit> {
        self.does(async { drain::<Exit>().await }).await
    }

    /// The downs that it got so far, oldest first.
    pub async fn downs(self) -> Vec<Down> {
        self.does(async { drain::<Down>().await }).await
    }

    /// Whom it is linked to, as it sees it.
    pub async fn links(self) -> Vec<ActorId> {
        self.does(async { links() }).await
    }
}

/// Takes all messages of this type that are there.
pub async fn drain<T: 'static>() -> Vec<T> {
    let mut all = Vec::new();
    while let Some(message) = receive_timeout(std::time::Duration::ZERO).await {
        all.push(message);
    }
    all
}
