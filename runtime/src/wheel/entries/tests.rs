//! Tests of the wheel's entries: what keys mean, and where the memory goes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

const MID: NonZeroU32 = NonZeroU32::new(GENERATION_GIVEN_BACK_MAX + 1).unwrap();

fn add(entries: &mut Entries<u64>, value: u64) -> Key {
    entries.add(value, |_| value)
}

fn filled(len: u64) -> (Entries<u64>, Vec<Key>) {
    let mut entries = Entries::new();
    let keys = (0..len).map(|value| add(&mut entries, value)).collect();
    (entries, keys)
}

fn empty(entries: &mut Entries<u64>, keys: &[Key]) {
    for key in keys {
        assert!(entries.find(*key).is_some());
        entries.remove(key.slot);
        assert!(entries.find(*key).is_none());
    }
}

fn memory(entries: &Entries<u64>) -> usize {
    let lists: usize = entries
        .chunks
        .iter()
        .map(|chunk| chunk.entries.capacity())
        .sum();
    lists * size_of::<Entry<u64>>() + entries.chunks.capacity() * size_of::<Chunk<u64>>()
}

#[test]
fn keys_survive_the_way_through_bits() {
    let (_, keys) = filled(100);
    assert!(
        keys.iter()
            .all(|&key| Key::from_bits(key.to_bits()) == Some(key))
    );
    assert_eq!(Key::from_bits(7), None);
    assert_eq!(size_of::<Option<Key>>(), 8);
}

#[test]
fn nothing_is_allocated_for_nothing() {
    assert_eq!(memory(&Entries::new()), 0);
}

#[test]
fn a_burst_is_given_back_in_whatever_order_it_ends() {
    for step in [1, 7, 64, 4_099] {
        let (mut entries, keys) = filled(100_000);
        let order: Vec<Key> = (0..keys.len())
            .map(|n| keys[n * step % keys.len()])
            .collect();
        let (first, last) = order.split_at(if step == 64 { 0 } else { 90_000 });
        if step == 64 {
            empty(&mut entries, &keys);
        } else {
            empty(&mut entries, first);
            empty(&mut entries, last);
        }
        assert_eq!((entries.len(), entries.chunks.len()), (0, 1), "step {step}");
        assert!(memory(&entries) <= 8_192);
    }
}

#[test]
fn memory_follows_the_entries_down_before_the_last_is_gone() {
    let (mut entries, keys) = filled(100_000);
    let full = memory(&entries);
    empty(&mut entries, &keys[100..]);
    assert!(memory(&entries) < full / 20);
    empty(&mut entries, &keys[..100]);
    assert!(memory(&entries) <= 8_192);
}

#[test]
fn keys_of_what_was_given_back_stay_dead() {
    let mut dead = Vec::new();
    for _ in 0..20 {
        let (mut entries, _) = filled(0);
        for round in 0..20 {
            let keys: Vec<Key> = (0..500 + round).map(|n| add(&mut entries, n)).collect();
            assert!(dead.iter().all(|key| entries.find(*key).is_none()));
            empty(&mut entries, &keys);
            dead.extend(keys.into_iter().step_by(17));
        }
        dead.clear();
    }
}

#[test]
fn a_value_that_could_not_be_made_takes_no_place() {
    let (mut entries, keys) = filled(63);
    let add = AssertUnwindSafe(|| entries.add(0, |_| panic!("as the test wants")));
    catch_unwind(add).unwrap_err();
    assert_eq!(entries.len(), 63);
    let (mut other, _) = filled(64);
    let key = entries.add(0, |key| key.to_bits());
    let left = entries.remove(key.slot);
    assert_eq!((left.deadline_ns, left.value), (0, key.to_bits()));
    assert_eq!(other.remove(key.slot).value, 63);
    empty(&mut entries, &keys);
}

#[test]
fn the_same_entry_is_used_again_and_again() {
    let (mut entries, _) = filled(1_000);
    let slot = add(&mut entries, 0).slot;
    entries.remove(slot);
    for _ in 0..1_000 {
        assert_eq!(add(&mut entries, 0).slot, slot);
        entries.remove(slot);
    }
}

#[test]
fn a_chunk_that_fills_and_empties_keeps_its_memory() {
    let (mut entries, _) = filled(64);
    for _ in 0..3 {
        let slot = add(&mut entries, 0).slot;
        let place: *const Entry<u64> = &raw const entries[slot];
        entries.remove(slot);
        assert_eq!(add(&mut entries, 1).slot, slot);
        assert_eq!(place, &raw const entries[slot]);
        entries.remove(slot);
    }
}

#[test]
fn an_entry_at_its_last_generation_is_retired() {
    let (mut entries, keys) = filled(1);
    empty(&mut entries, &keys);
    entries.chunks[0].entries[0].generation = NonZeroU32::new(u32::MAX - 1).unwrap();
    let last = add(&mut entries, 0);
    assert_eq!((last.slot, last.generation.get()), (0, u32::MAX - 1));
    entries.remove(0);
    for value in 0..200 {
        assert_ne!(add(&mut entries, value).slot, 0);
    }
    assert!(entries.find(last).is_none() && entries.find(keys[0]).is_none());
}

#[test]
fn worn_chunks_are_kept_and_do_not_wear_out_the_others() {
    let (mut entries, mut keys) = filled(1_000);
    entries.chunks[3].entries[5].generation = MID;
    keys[3 * CHUNK + 5].generation = MID;
    empty(&mut entries, &keys);
    assert_eq!(
        (entries.chunks.len(), entries.generation_first.get()),
        (4, 2)
    );
    let again: Vec<Key> = (0..1_000).map(|value| add(&mut entries, value)).collect();
    let worn = again.iter().filter(|key| key.generation > MID);
    assert_eq!(worn.count(), 1);
    empty(&mut entries, &again);
    assert_eq!(entries.chunks.len(), 4);
}
