//! Tests of the timer wheel: against a sorted map as model, and its edges by name.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::hash::FixedState;

const MS: u64 = TICK_NS;

fn expire_all<T>(wheel: &mut Wheel<T>, now_ns: u64) -> Vec<T> {
    let mut out = Vec::new();
    while wheel.expire(now_ns, usize::MAX, &mut out) {}
    out
}

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Near or far with equal chance for each magnitude up to `bits_max` bits.
    fn magnitude(&mut self, bits_max: u64) -> u64 {
        let bits = self.below(bits_max + 1);
        self.next() & ((1 << bits) - 1)
    }
}

/// What the wheel should do, by a sorted map of (tick, order of insertion).
#[derive(Default)]
struct Model {
    due: BTreeMap<(u64, u64), u64>,
    live: HashMap<u64, (Key, u64, (u64, u64)), FixedState>,
    ids: Vec<u64>,
    gone: Vec<Key>,
    inserted: u64,
}

impl Model {
    fn insert(&mut self, wheel: &mut Wheel<u64>, deadline_ns: u64) {
        let id = self.inserted;
        self.inserted += 1;
        let place = (
            deadline_ns.div_ceil(TICK_NS).clamp(wheel.tick, TICK_LAST),
            id,
        );
        let key = wheel.insert(deadline_ns, id);
        assert_eq!(Key::from_bits(key.to_bits()), Some(key));
        assert!(self.due.insert(place, id).is_none());
        assert!(self.live.insert(id, (key, deadline_ns, place)).is_none());
        self.ids.push(id);
    }

    fn cancel(&mut self, wheel: &mut Wheel<u64>, random: u64) {
        if self.ids.is_empty() {
            return;
        }
        let id = self.ids.swap_remove(random as usize % self.ids.len());
        let Some((key, deadline_ns, place)) = self.live.remove(&id) else {
            return;
        };
        assert_eq!(wheel.deadline(key), Some(deadline_ns));
        assert_eq!(wheel.cancel(key), Some((deadline_ns, id)));
        self.due.remove(&place);
        self.gone.push(key);
    }

    fn expire(&mut self, wheel: &mut Wheel<u64>, now_ns: u64, limit: usize) {
        let mut out = Vec::new();
        let more = wheel.expire(now_ns, limit, &mut out);
        assert!(out.len() <= limit);
        for id in out {
            let (place, due) = self
                .due
                .pop_first()
                .expect("the wheel fired more than there was");
            assert_eq!(due, id, "fired out of order at {place:?}");
            assert!(place.0 <= now_ns / TICK_NS, "fired early");
            self.gone.push(self.live.remove(&id).unwrap().0);
        }
        let due = self
            .due
            .first_key_value()
            .is_some_and(|(place, _)| place.0 <= now_ns / TICK_NS);
        assert!(more || !due, "due values were left without a word");
    }

    fn check(&self, wheel: &Wheel<u64>) {
        assert_eq!(wheel.len(), self.due.len());
        assert_eq!(wheel.is_empty(), self.due.is_empty());
        let next = wheel.next_deadline();
        assert_eq!(next.is_some(), !self.due.is_empty());
        if let (Some(next), Some((&(tick, _), _))) = (next, self.due.first_key_value()) {
            assert!(next <= tick * TICK_NS, "a sleeper would be late");
        }
        if let Some(&key) = self.gone.last() {
            assert_eq!(wheel.deadline(key), None);
        }
    }
}

fn run_model(seed: u64, steps: u64, far_bits: u64) {
    let mut random = Xorshift(seed);
    let mut model = Model::default();
    let mut wheel = Wheel::new();
    let mut now_ns: u64 = 0;
    for step in 0..steps {
        match random.below(8) {
            0..3 => {
                let ahead = random.magnitude(far_bits);
                model.insert(&mut wheel, now_ns.saturating_add(ahead));
            }
            3 => model.insert(&mut wheel, now_ns.saturating_sub(random.magnitude(40))),
            4 => model.cancel(&mut wheel, random.next()),
            5 => model.expire(&mut wheel, now_ns, random.below(4) as usize),
            6 => {
                now_ns = now_ns.saturating_add(random.magnitude(far_bits.min(34)));
                model.expire(&mut wheel, now_ns, random.below(64) as usize);
            }
            _ if random.below(500) == 0 => {
                now_ns = now_ns.saturating_add(random.magnitude(far_bits));
                model.expire(&mut wheel, now_ns, usize::MAX);
            }
            _ => {}
        }
        model.check(&wheel);
        if step % 1000 == 0 {
            for &key in &model.gone {
                assert_eq!(wheel.cancel(key), None, "a stale key hit something");
            }
            model.gone.clear();
        }
    }
    while !model.due.is_empty() {
        model.expire(&mut wheel, u64::MAX, 1 + random.below(9) as usize);
    }
    model.check(&wheel);
}

#[test]
fn agrees_with_a_sorted_map() {
    for seed in 1..=20 {
        run_model(seed, 20_000, 20 + seed);
    }
}

#[test]
fn agrees_with_a_sorted_map_up_to_the_end_of_time() {
    for seed in 21..=30 {
        run_model(seed, 20_000, 63);
    }
}

#[test]
fn nothing_fires_early_and_ticks_are_rounded_up() {
    let mut wheel = Wheel::new();
    wheel.insert(MS + 1, 'a');
    assert_eq!(wheel.next_deadline(), Some(2 * MS));
    assert!(expire_all(&mut wheel, 2 * MS - 1).is_empty());
    assert_eq!(expire_all(&mut wheel, 2 * MS), ['a']);
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn a_deadline_in_the_past_fires_at_the_next_expire() {
    let mut wheel = Wheel::new();
    assert!(expire_all(&mut wheel, 5_000 * MS).is_empty());
    wheel.insert(0, 'a');
    wheel.insert(4_999 * MS, 'b');
    wheel.insert(5_000 * MS, 'c');
    assert_eq!(wheel.next_deadline(), Some(5_000 * MS));
    assert_eq!(expire_all(&mut wheel, 5_000 * MS), ['a', 'b', 'c']);
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut wheel = Wheel::new();
    assert!(expire_all(&mut wheel, 100 * MS).is_empty());
    wheel.insert(50 * MS, 'a');
    assert!(expire_all(&mut wheel, 60 * MS).is_empty());
    assert_eq!(expire_all(&mut wheel, 100 * MS), ['a']);
}

#[test]
fn the_end_of_time_overflows_nothing() {
    let mut wheel = Wheel::new();
    let last = wheel.insert(u64::MAX, 'z');
    wheel.insert(u64::MAX / 2, 'm');
    assert_eq!(wheel.deadline(last), Some(u64::MAX));
    assert_eq!(expire_all(&mut wheel, u64::MAX / 2 + MS), ['m']);
    assert_eq!(wheel.next_deadline(), Some(TICK_LAST * TICK_NS));
    assert_eq!(expire_all(&mut wheel, u64::MAX), ['z']);
    wheel.insert(u64::MAX, 'y');
    wheel.insert(1, 'x');
    assert_eq!(expire_all(&mut wheel, u64::MAX), ['y', 'x']);
}

#[test]
fn the_limit_leaves_the_rest_in_order_and_lets_earlier_ones_in() {
    let mut wheel = Wheel::new();
    for value in 0..10 {
        wheel.insert((1 + value / 5) * MS, value);
    }
    let mut out = Vec::new();
    assert!(wheel.expire(50 * MS, 3, &mut out));
    wheel.insert(MS, 100);
    wheel.insert(2 * MS, 200);
    wheel.insert(3 * MS, 300);
    assert!(wheel.expire(50 * MS, 3, &mut out));
    assert!(wheel.expire(50 * MS, 0, &mut out));
    while wheel.expire(50 * MS, 1, &mut out) {}
    assert_eq!(out, [0, 1, 2, 3, 4, 100, 5, 6, 7, 8, 9, 200, 300]);
}

#[test]
fn a_large_slot_cascades_in_pieces_and_keeps_its_order() {
    let mut wheel = Wheel::new();
    let deadline_ns = 64 * 64 * MS + 7 * MS;
    let len = 5 * CASCADE_MAX;
    let mut keys: Vec<Key> = (0..len)
        .map(|value| wheel.insert(deadline_ns, value))
        .collect();
    let mut out = Vec::new();
    assert!(
        wheel.expire(deadline_ns, usize::MAX, &mut out),
        "one call moved them all"
    );
    assert!(out.is_empty());
    assert!(wheel.next_deadline() <= Some(deadline_ns));
    keys.push(wheel.insert(deadline_ns, len)); // behind those that have not moved yet
    wheel.insert(0, len + 1); // counts as the slot's first tick, before the others
    assert_eq!(wheel.cancel(keys[3]), Some((deadline_ns, 3))); // has moved
    assert_eq!(wheel.cancel(keys[len - 1]), Some((deadline_ns, len - 1))); // has not
    let calls = 1 + std::iter::repeat_with(|| wheel.expire(deadline_ns, usize::MAX, &mut out))
        .take_while(|&more| more)
        .count();
    assert!(calls <= 2 * len / CASCADE_MAX + 2, "{calls} calls");
    let expected = [len + 1]
        .into_iter()
        .chain((0..=len).filter(|&v| v != 3 && v != len - 1));
    assert!(out.iter().copied().eq(expected));
}

#[test]
fn a_cascade_whose_rest_was_cancelled_ends() {
    let mut wheel = Wheel::new();
    let keys: Vec<Key> = (0..2 * CASCADE_MAX)
        .map(|v| wheel.insert(100 * MS, v))
        .collect();
    assert!(wheel.expire(64 * MS, 1, &mut Vec::new()));
    for key in keys {
        wheel.cancel(key).unwrap();
    }
    assert_eq!(wheel.next_deadline(), None);
    wheel.insert(100 * MS, 7);
    assert!(expire_all(&mut wheel, 99 * MS).is_empty());
    assert_eq!(expire_all(&mut wheel, 100 * MS), [7]);
}

#[test]
fn a_sleeper_wakes_once_for_each_timer() {
    for deadline_ms in [1, 63, 64, 65, 4_096, 5_000, 262_145, 90_000_000] {
        let mut wheel = Wheel::new();
        wheel.insert(deadline_ms * MS, 1);
        wheel.insert((deadline_ms + 1) * MS, 2);
        for value in 1..=2 {
            let wake = wheel.next_deadline().unwrap();
            assert_eq!(wake, (deadline_ms + value - 1) * MS);
            assert_eq!(expire_all(&mut wheel, wake), [value]);
        }
    }
}

#[test]
fn cancelled_timers_wake_a_sleeper_at_most_once_a_level() {
    let mut wheel = Wheel::new();
    wheel.insert(90_000_000 * MS, 0);
    for ms in 1..1_000 {
        let key = wheel.insert((90_000_000 - ms) * MS, ms);
        wheel.cancel(key);
    }
    let mut wakes = 0;
    while let Some(wake) = wheel.next_deadline() {
        wakes += 1;
        expire_all(&mut wheel, wake);
    }
    assert!(wakes <= LEVELS, "{wakes} wake-ups");
}

#[test]
fn a_slot_that_was_emptied_forgets_when_it_was_due() {
    let mut wheel = Wheel::new();
    let earlier = wheel.insert(4_100 * MS, 'a');
    wheel.cancel(earlier);
    wheel.insert(5_000 * MS, 'b');
    assert_eq!(wheel.next_deadline(), Some(5_000 * MS));
}

#[test]
fn an_empty_wheel_is_small_and_has_small_slots() {
    let mut wheel = Wheel::new();
    assert!(size_of_val(&wheel) < 256);
    assert_eq!(wheel.slots.capacity(), 0);
    wheel.insert(u64::MAX, 'z');
    assert!(wheel.slots.capacity() * size_of::<Slot>() <= 8192);
}
