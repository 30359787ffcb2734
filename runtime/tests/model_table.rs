//! A model of the slot table: `table.rs` as it is, between those who look up, those who come and
//! those who go, run through the interleavings that matter by `loom` (`model/sync.rs` says how).
//!
//! A tenant has contents that loom watches: written before it is published, read by who finds it,
//! written again where its memory would be freed. What it catches was tried by breaking `table.rs`
//! once for each: a relaxed store or load of a slot or a chunk; a generation that is not compared
//! or not raised; a tenant that stays in its slot, or whose slot is given back before it is empty;
//! memory that is freed under a pin; a count, or a fresh slot, taken in two steps.
#![cfg(loom)]
#![allow(dead_code, unreachable_pub, missing_docs)]

#[path = "model/pin.rs"]
mod pin;
#[path = "model/sync.rs"]
mod sync;
#[path = "../src/table.rs"]
mod table;
#[path = "../src/vacancies.rs"]
mod vacancies;

mod limits {
    pub(crate) const VACANCIES_BATCH: usize = 1;
}

use std::ptr::NonNull;
use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;
use pin::{Collector, Pin};
use table::{Reserved, Table, Tenant};
use vacancies::OnWorker;

struct Guest {
    place: (u32, u32),
    /// The place once more; nothing after the memory was given back.
    contents: UnsafeCell<Option<(u32, u32)>>,
}

// SAFETY: the contents are written before it is published and when no pin can reach it; loom
// watches that.
unsafe impl Sync for Guest {}
// SAFETY: as above.
unsafe impl Send for Guest {}

impl Tenant for Guest {
    fn place(&self) -> (u32, u32) {
        self.place
    }
}

struct World {
    table: Table<Guest>,
    collector: Collector,
    /// All that were ever made: they are freed when the model is over.
    guests: std::sync::Mutex<Vec<Box<Guest>>>,
}

impl World {
    fn new(len_max: u32) -> Arc<Self> {
        Arc::new(World {
            table: Table::new(len_max, 2),
            collector: Collector::watched(),
            guests: std::sync::Mutex::default(),
        })
    }

    /// Somebody comes, where there is room.
    fn come(&self) -> Option<Reserved> {
        self.come_on(None)
    }

    fn come_on(&self, worker: Option<OnWorker>) -> Option<Reserved> {
        let reserved = self.table.reserve(worker)?;
        let place = (reserved.slot, reserved.generation);
        let guest = Box::new(Guest {
            place,
            contents: UnsafeCell::new(None),
        });
        guest.contents.with_mut(|contents| {
            // SAFETY: nobody else has it yet.
            unsafe { *contents = Some(place) }
        });
        self.table.publish(reserved, NonNull::from(&*guest));
        self.guests.lock().expect("no panic under it").push(guest);
        Some(reserved)
    }

    /// Who has this place goes.
    fn go(&self, reserved: Reserved) {
        self.go_on(None, reserved);
        self.table.vacate();
    }

    fn go_on(&self, worker: Option<OnWorker>, reserved: Reserved) {
        let pin = Pin::outside(&self.collector);
        let (slot, generation) = (reserved.slot, reserved.generation);
        let guest: *const Guest = self
            .table
            .get(slot, generation, &pin)
            .expect("it has not gone yet");
        self.table.remove(slot, generation, worker);
        let free = move || {
            // SAFETY: the world keeps its guests.
            let guest = unsafe { &*guest };
            // SAFETY: loom looks that nobody reads it.
            guest
                .contents
                .with_mut(|contents| unsafe { *contents = None });
        };
        // SAFETY: it has left the table.
        unsafe { pin.defer(&self.collector, free) };
    }

    /// Who is found at a place is the one that the place was given to, and is alive.
    fn look(&self, reserved: Reserved) -> bool {
        let pin = Pin::outside(&self.collector);
        let (slot, generation) = (reserved.slot, reserved.generation);
        let Some(guest) = self.table.get(slot, generation, &pin) else {
            return false;
        };
        // SAFETY: loom looks that nobody writes it.
        let contents = guest.contents.with(|contents| unsafe { *contents });
        assert_eq!(contents, Some((slot, generation)));
        true
    }
}

fn join<T>(thread: thread::JoinHandle<T>) -> T {
    thread.join().expect("it does not panic")
}

/// R22: what is found is whole, and is not freed while it is looked at.
#[test]
fn one_that_goes_while_others_look() {
    sync::check(3, || {
        let world = World::new(4);
        let reserved = world.come().expect("room");
        let other = world.clone();
        let looks = thread::spawn(move || other.look(reserved));
        world.go(reserved);
        assert!(!world.look(reserved), "it has gone");
        join(looks);
        assert_eq!(world.table.len(), 0);
        assert_eq!(world.collector.released(), 1);
    });
}

/// P-3, R23: who comes to the place of one that has gone is not found by the old id.
#[test]
fn one_that_comes_to_the_place_of_another() {
    sync::check(3, || {
        let world = World::new(4);
        let first = world.come().expect("room");
        let other = world.clone();
        let looks = thread::spawn(move || {
            other.look(first);
            other.look(first)
        });
        world.go(first);
        let second = world.come().expect("room");
        assert_eq!((second.slot, second.generation), (first.slot, 2));
        assert!(world.look(second));
        join(looks);
        assert!(!world.look(first));
    });
}

/// P-3: who comes as another goes stays, whether in its place or in one of its own.
#[test]
fn one_that_comes_as_another_goes() {
    sync::check(3, || {
        let world = World::new(4);
        let first = world.come().expect("room");
        let other = world.clone();
        let comes = thread::spawn(move || other.come().expect("room"));
        world.go(first);
        let second = join(comes);
        assert!(world.look(second));
        assert!(!world.look(first));
        assert_eq!(world.table.len(), 1);
    });
}

/// P-1: what is published is found whole or not at all.
#[test]
fn one_that_comes_while_others_look_for_it() {
    sync::check(3, || {
        let world = World::new(4);
        let other = world.clone();
        // The first place that is given.
        let place = Reserved {
            slot: 1,
            generation: 1,
        };
        let looks = thread::spawn(move || other.look(place));
        let came = world.come().expect("room");
        assert_eq!((came.slot, came.generation), (1, 1));
        join(looks);
        assert!(world.look(came));
    });
}

/// P-4: two that come at once get places of their own, and no more than there are.
#[test]
fn two_that_come_at_once() {
    for (len_max, guests) in [(2, 2), (1, 1)] {
        sync::check(3, move || {
            let world = World::new(len_max);
            let other = world.clone();
            let second = thread::spawn(move || other.come());
            let came = [world.come(), join(second)];
            let came: Vec<Reserved> = came.into_iter().flatten().collect();
            assert_eq!(came.len(), guests);
            assert!(came.iter().all(|place| world.look(*place)));
            assert!(guests == 1 || came[0].slot != came[1].slot);
            assert_eq!(world.table.len(), guests);
        });
    }
}

/// P-4: of those who leave at once one is the last, and slots go round between workers.
#[test]
fn two_that_leave_at_once_on_two_workers() {
    sync::check(3, || {
        let world = World::new(4);
        let leave = |world: &World, worker: usize| {
            // SAFETY: each worker of the model is one thread.
            let worker = Some(unsafe { OnWorker::new(worker) });
            let place = world.come_on(worker).expect("room");
            world.go_on(worker, place);
            world.table.vacate();
            let place = world.come_on(worker).expect("room");
            assert!(world.look(place));
            world.go_on(worker, place);
            world.table.leave();
            world.table.left()
        };
        let first = world.come().expect("room");
        let other = world.clone();
        let second = thread::spawn(move || leave(&other, 1));
        let lasts = [leave(&world, 0), join(second)];
        assert_eq!(lasts, [false, false], "one is still there");
        world.go_on(None, first);
        world.table.leave();
        assert!(world.table.left());
        assert_eq!(world.table.len(), 0);
    });
}
