//! What a process of the storm does in one step.
//!
//! Called by its life. Invariant: nothing here waits for longer than a few milliseconds of the
//! runtime's own time, except for an answer of somebody who answers or dies.

use std::task::{Context, Poll};
use std::time::Duration;

use runtime::port;
use runtime::prelude::*;
use runtime::{DemonitorOptions, demonitor_with, read_timer, set_mailbox_limit, set_priority};

use super::life::{Ask, Life, News};
use super::ticker::Ticker;
use crate::common::Load;

/// Ends when the first of four has woken it.
async fn lends_its_waker() {
    let mut lent = false;
    let lend = |cx: &mut Context<'_>| {
        if std::mem::replace(&mut lent, true) {
            return Poll::Ready(());
        }
        for _ in 0..4 {
            let waker = cx.waker().clone();
            spawn(async move { waker.wake() });
        }
        Poll::Pending
    };
    std::future::poll_fn(lend).await;
}

impl Life {
    /// One step.
    pub(crate) async fn does(&mut self) {
        match self.random.below(7) {
            0 => self.sends().await,
            1 => self.links(),
            2 => self.watches(),
            3 => self.spawns(),
            4 => self.asks().await,
            5 => self.sets_timers().await,
            _ => self.uses_ports().await,
        }
    }

    fn news(&mut self) -> News {
        let whom = self.somebody();
        News {
            load: Load::new(&mut self.random),
            whom,
        }
    }

    async fn sends(&mut self) {
        let (to, news) = (self.some_process(), self.news());
        match self.random.below(8) {
            0 => drop(send(self.name(), news)),
            1 => drop(try_send(to, news)),
            2 if to != self_pid() => {
                // Who has no room may never have any: somebody else comes first.
                let limit = self.micros(500);
                let sending = spawn(async move { drop(send_async(to, news).await) });
                send_after(limit, self_pid(), ());
                receive::<()>().await;
                exit_signal(sending, Reason::Kill);
            }
            3 => {
                let way = [AliasMode::Reply, AliasMode::ExplicitUnalias][self.random.below(2)];
                let own = alias(way);
                self.aliases.push(own);
                spawn(async move {
                    send(own, news);
                    send(own, "once more");
                });
            }
            4 => {
                if let Some(own) = self.aliases.pop() {
                    unalias(own);
                }
            }
            5 => {
                let limit = MailboxLimit::new(30, Overflow::Block);
                set_mailbox_limit((self.random.below(2) == 0).then_some(limit));
            }
            _ => send(to, news),
        }
        // What came through an alias a second time.
        while receive_timeout::<&str>(Duration::ZERO).await.is_some() {}
    }

    fn links(&mut self) {
        let whom = self.somebody();
        match self.random.below(8) {
            0 | 1 => drop(link(whom)),
            2 => unlink(whom),
            3 => drop(unlink_flush(whom)),
            4 => exit_signal(whom, Reason::Normal),
            5 if self.random.below(3) == 0 => exit_signal(whom, "a signal"),
            6 if self.random.below(4) == 0 && whom != self_pid() => {
                exit_signal(whom, Reason::Kill);
            }
            _ => drop(links()),
        }
    }

    fn watches(&mut self) {
        let whom = self.somebody();
        let flush = self.random.below(2) == 0;
        match self.random.below(6) {
            0 | 1 => self.monitors.push(monitor(whom)),
            2 => {
                let modes = [
                    MonitorAlias::Demonitor,
                    MonitorAlias::ReplyDemonitor,
                    MonitorAlias::ExplicitUnalias,
                ];
                let options = MonitorOptions::new().alias(modes[self.random.below(3)]);
                let watch = monitor_with(whom, options);
                self.monitors.push(watch);
                self.aliases.push(watch);
                let news = self.news();
                spawn(async move { send(watch, news) });
            }
            3 => {
                let name = self.name();
                self.monitors.push(monitor(name));
            }
            _ => {
                if let Some(watch) = self.monitors.pop() {
                    demonitor_with(watch, DemonitorOptions { flush, info: true });
                }
            }
        }
    }

    fn spawns(&mut self) {
        let Some(child) = self.child() else {
            let name = self.name();
            match self.random.below(3) {
                0 => drop(unregister(name)),
                1 => drop(whereis(name)),
                _ => drop(register(name, self.somebody())),
            }
            return;
        };
        let mut spawn = Spawn::new();
        if self.random.below(2) == 0 {
            spawn = spawn.link();
        }
        if self.random.below(2) == 0 {
            spawn = spawn.monitor();
        }
        if self.random.below(4) == 0 {
            spawn = spawn.name(self.name());
        }
        let priorities = [Priority::Low, Priority::Normal, Priority::High];
        spawn = spawn.priority(priorities[self.random.below(3)]);
        if let Ok((pid, watch)) = spawn.spawn(child.live()) {
            self.meets(pid.into());
            self.monitors.push(watch);
        }
    }

    async fn asks(&mut self) {
        let whom = self.some_process();
        match self.random.below(9) {
            0 => drop(is_alive(whom).await),
            1 => drop(process_info(whom).await),
            2 => {
                let mut all = processes();
                all.retain(|pid| *pid != self.storm);
                let n = self.random.below(all.len());
                self.meets(all[n].into());
            }
            3 => {
                let mut load = Load::new(&mut self.random);
                let done = runtime::blocking(move || {
                    load.touch();
                    load
                });
                done.await.expect("the pool has room").touch();
            }
            4 => {
                // Each ends as soon as it is woken, by one of those that have its waker still.
                spawn(async { drop(runtime::blocking(|| ()).await) });
                spawn(lends_its_waker());
            }
            5 => {
                set_priority([Priority::Normal, Priority::High][self.random.below(2)]);
                yield_now().await;
            }
            _ => {
                let (ask, time) = (Ask(Load::new(&mut self.random)), self.micros(700));
                if let Ok(mut load) = call(whom, ask, time).await {
                    load.touch();
                }
            }
        }
    }

    async fn sets_timers(&mut self) {
        let (time, load) = (self.micros(1500), Load::new(&mut self.random));
        match self.random.below(6) {
            0 => {
                let (to, whom) = (self.some_process(), self.somebody());
                self.timers.push(send_after(time, to, News { load, whom }));
            }
            1 => {
                let to = self.some_process();
                self.timers.push(start_timer(time, to, load));
            }
            2 => {
                let (to, whom) = (Name::from(self.name()), self.somebody());
                self.timers.push(send_after(time, to, News { load, whom }));
            }
            3 => sleep(time / 4).await,
            _ => {
                if let Some(timer) = self.timers.pop() {
                    // Somebody else may be just as fast.
                    spawn(async move { while cancel_timer(timer).is_some() {} });
                    read_timer(timer);
                    cancel_timer(timer);
                }
            }
        }
    }

    async fn uses_ports(&mut self) {
        let mut known = self.known.iter().rev().filter_map(|actor| actor.port());
        let Some(id) = known.next().filter(|_| self.random.below(5) > 0) else {
            let seed = self.random.below(1 << 30) as u64;
            if let Ok(id) = port::open(Ticker::new(seed)) {
                self.meets(id.into());
            }
            return;
        };
        match self.random.below(9) {
            0 => drop(port::hand_over(id, self.some_process())),
            1 => drop(port::command_timeout(id, "load", self.micros(500)).await),
            2 => drop(port::try_command(id, "load")),
            3 => drop(port::call(id, Ticker::tick)),
            4 => drop(port::close(id)),
            5 => {
                let whom = self.some_process();
                let _ = port::call(id, |_: &mut Ticker, cx| cx.monitor(whom));
            }
            6 => drop((port::port_info(id), port::owner(id))),
            7 => drop(port::close_on_owner_death(id, true)),
            _ => {
                let (to, whom) = (self.some_process(), id.into());
                let load = Load::new(&mut self.random);
                send(to, News { load, whom });
            }
        }
    }
}
