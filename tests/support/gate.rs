//! A gate: a driver that lets data through as long as it is open, and tells what is done to it.
//!
//! It has room for so many commands and is busy without any. What it is told of, it sends to its
//! owner.

use std::sync::{Arc, Mutex};

use runtime::port::{self, BadArg, Driver, PortClosed, PortCx, Readiness, Turn};
use runtime::prelude::*;

/// What a gate tells its owner.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    /// `command_withdrawn`, with the number of those that wait without it.
    Withdrawn(usize),
    /// `process_down`
    Down(Ref, Pid, Reason),
    /// `blocking_done`, with the number that the job returned.
    Done(u64, Result<u32, Reason>),
}

/// See the file's header.
#[derive(Debug)]
pub struct Gate {
    /// Commands that it takes until it is busy.
    pub room: usize,
    passed: Passed,
}

/// What a gate let through: who sent it, and what.
pub type Passed = Arc<Mutex<Vec<(Pid, Vec<u8>)>>>;

/// The request that a gate answers with the data, turned around.
pub const TURN: u32 = 7;

impl Driver for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn start(&mut self, cx: &mut PortCx<'_>) -> std::io::Result<()> {
        cx.set_busy(self.room == 0);
        Ok(())
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
        Turn::Done
    }

    fn command(&mut self, cx: &mut PortCx<'_>, data: &[u8], from: Pid) -> bool {
        if data == b"bad" {
            return false;
        }
        assert_ne!(data, b"panic", "a gate that breaks");
        let mut passed = self.passed.lock().expect("nobody panics with it in hand");
        passed.push((from, data.to_vec()));
        self.room = self.room.saturating_sub(1);
        cx.set_busy(self.room == 0);
        true
    }

    fn command_withdrawn(&mut self, cx: &mut PortCx<'_>) {
        cx.send_owner(Told::Withdrawn(cx.writers_waiting()));
    }

    fn control(
        &mut self,
        _: &mut PortCx<'_>,
        op: u32,
        data: &[u8],
    ) -> Result<bytes::Bytes, BadArg> {
        match op {
            TURN => Ok(data.iter().rev().copied().collect()),
            _ => Err(BadArg),
        }
    }

    fn process_down(&mut self, cx: &mut PortCx<'_>, monitor: Ref, pid: Pid, reason: &Reason) {
        cx.send_owner(Told::Down(monitor, pid, reason.clone()));
    }

    fn blocking_done(&mut self, cx: &mut PortCx<'_>, job: u64, result: Result<Message, Reason>) {
        let number = |message: Message| message.downcast::<u32>().expect("jobs return numbers");
        cx.send_owner(Told::Done(job, result.map(number)));
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

/// Opens a gate with room for so many commands; the caller owns it.
///
/// # Panics
/// Where it cannot be opened.
pub fn open(room: usize) -> (PortId, Passed) {
    let passed = Passed::default();
    let gate = Gate {
        room,
        passed: passed.clone(),
    };
    (port::open(gate).expect("a gate starts"), passed)
}

/// Makes room for so many commands.
///
/// # Errors
/// Where it is closed.
pub fn make_room(gate: PortId, room: usize) -> Result<(), PortClosed> {
    port::call(gate, |gate: &mut Gate, cx| {
        gate.room = room;
        cx.set_busy(room == 0);
    })
}

/// What a gate let through so far.
///
/// # Panics
/// Where somebody panicked with it in hand.
pub fn passed(passed: &Passed) -> Vec<Vec<u8>> {
    let passed = passed.lock().expect("nobody panics with it in hand");
    passed.iter().map(|(_, data)| data.clone()).collect()
}
