//! Curves over what waits in memory: sizes of messages, messages that are not asked for, timers.
//!
//! Called by `point`, in the main process.

use std::hint::black_box;
use std::time::Duration;

use runtime::prelude::*;

use crate::meter::{Draw, Meter, Sample};

/// Timers are due in so many milliseconds: none fires while it is measured.
const DUE_MS: u64 = 600_000;

/// What answers a message that was kept.
struct Kept;
/// A message that is not asked for yet.
struct Other;
/// The message behind all others.
struct Wanted;
/// A call of this process, with its reference.
struct Call(Pid, Ref);
/// The reply to the call with this reference.
struct Reply(Ref);

/// A message of X bytes to another process, which answers. `fresh`: the bytes are made, and dropped
/// by the receiver; else they go to and fro. An operation is a message with its answer.
pub(crate) async fn message(x: u64, ops: u64, fresh: bool) -> Sample {
    let mut meter = Meter::new();
    let main = self_pid();
    let other = spawn(async move {
        loop {
            receive! {
                bytes: Vec<u8> => {
                    if fresh {
                        drop(black_box(bytes));
                        send(main, Kept);
                    } else {
                        send(main, bytes);
                    }
                }
            }
        }
    });
    let make = || black_box(vec![1_u8; x as usize]);
    let mut bytes = make();
    for n in 0..ops + ops / 10 {
        if n == ops / 10 {
            meter.begin();
        }
        if fresh {
            send(other, make());
            receive! { Kept => {} }
        } else {
            send(other, bytes);
            bytes = receive! { back: Vec<u8> => back };
        }
    }
    meter.stop();
    meter.sample(x, ops)
}

/// X other messages wait; an operation is a call of a server and its reply, found by a reference
/// that was made for it.
pub(crate) async fn selective(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let server = spawn(async {
        loop {
            receive! { Call(from, reference) => send(from, Reply(reference)) }
        }
    });
    for _ in 0..x {
        send(self_pid(), Other);
    }
    for n in 0..ops + ops / 10 {
        if n == ops / 10 {
            meter.begin();
        }
        let reference = make_ref();
        send(server, Call(self_pid(), reference));
        receive! {
            since(reference);
            Reply(to) if to == reference => {}
        }
    }
    meter.stop();
    meter.sample(x, ops)
}

/// X other messages wait, and a receive without a reference wants the last; an operation is one
/// message that is looked at.
pub(crate) async fn scan(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    for _ in 0..x {
        send(self_pid(), Other);
    }
    let rounds = ops.div_ceil(x);
    for round in 0..=rounds {
        if round == 1 {
            meter.begin();
        }
        send(self_pid(), Wanted);
        receive! { Wanted => {} }
        if round.is_multiple_of(1024) {
            yield_now().await;
        }
    }
    meter.stop();
    meter.sample(x, rounds * x)
}

/// X timers are set; an operation cancels a drawn one of them and sets another.
pub(crate) async fn timers(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let mut draw = Draw::new();
    let start = |draw: &mut Draw| {
        let time = Duration::from_millis(DUE_MS + draw.below(DUE_MS));
        start_timer(time, self_pid(), ())
    };
    let mut timers: Vec<TimerRef> = (0..x).map(|_| start(&mut draw)).collect();
    meter.weigh(x);
    meter.begin();
    for _ in 0..ops {
        let which = draw.below(x) as usize;
        cancel_timer(timers[which]).expect("it is not due");
        timers[which] = start(&mut draw);
    }
    meter.stop();
    meter.sample(x, ops)
}
