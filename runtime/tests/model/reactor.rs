//! What stands in for the reactor in a model: events and a notification that end a wait.
//!
//! Included by the models that have somebody sleep at the poller. A notification is kept until
//! somebody waits, as an eventfd's edge is. A time limit that is not far off is over at once.

use crate::port::source::Event;
use crate::sync::{Condvar, Mutex};

/// From here on a time limit is never reached.
pub(crate) const FAR: u64 = 1 << 32;

#[derive(Default)]
pub(crate) struct RealReactor {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    is_notified: bool,
    events: Vec<Event>,
}

impl RealReactor {
    pub(crate) fn is_watching(&self) -> bool {
        true
    }

    pub(crate) fn notify(&self) {
        self.state.lock().is_notified = true;
        self.news.notify_one();
    }

    /// The system has an event.
    pub(crate) fn happens(&self, event: Event) {
        self.state.lock().events.push(event);
        self.news.notify_one();
    }

    pub(crate) fn wait(&self, events: &mut Vec<Event>, timeout: Option<u64>) {
        crate::sync::sleeps();
        let mut state = self.state.lock();
        while !state.is_notified
            && state.events.is_empty()
            && timeout.is_none_or(|timeout| timeout >= FAR)
        {
            self.news.wait(&mut state);
        }
        state.is_notified = false;
        events.append(&mut state.events);
    }
}
