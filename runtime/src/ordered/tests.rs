//! Tests of the ordered map: against a plain list as model, and its edges by name.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

fn listed(map: &OrderedMap<u32, u64>) -> Vec<(u32, u64)> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

fn filled(len: u32) -> OrderedMap<u32, u64> {
    let mut map = OrderedMap::new();
    for key in 0..len {
        assert_eq!(map.insert(key, key.into()), None);
    }
    map
}

fn check(map: &OrderedMap<u32, u64>) {
    let gaps_len = map.entries.len() - map.len();
    match &map.index {
        None => assert_eq!(gaps_len, 0),
        Some(index) => {
            assert!(gaps_len <= map.len());
            assert!(map.len() >= INDEXED_MIN);
            assert!(
                map.entries[..index.first]
                    .iter()
                    .all(|entry| entry.is_none())
            );
        }
    }
}

#[test]
fn agrees_with_a_plain_list() {
    let mut state = 0x9e37_79b9_u64;
    let mut random = |end: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % end
    };
    let mut map = OrderedMap::new();
    let mut model: Vec<(u32, u64)> = Vec::new();
    for step in 0..60_000_u64 {
        // The number of keys swells and shrinks, so that the index comes and goes.
        let keys = [4, 16, 24, 300, 24, 12][step as usize / 500 % 6];
        let key = random(keys) as u32;
        let known = model.iter().position(|entry| entry.0 == key);
        match random(16) {
            0..6 => {
                let former = known.map(|at| std::mem::replace(&mut model[at].1, step));
                if known.is_none() {
                    model.push((key, step));
                }
                assert_eq!(map.insert(key, step), former);
            }
            6..11 => assert_eq!(map.remove(&key), known.map(|at| model.remove(at).1)),
            11 => assert_eq!(map.get(&key), known.map(|at| &model[at].1)),
            12 => assert_eq!(map.get_mut(&key), known.map(|at| &mut model[at].1)),
            13 if random(40) == 0 => {
                map.retain(|key, value| key % 3 != 0 || *value % 2 == 0);
                model.retain(|(key, value)| key % 3 != 0 || *value % 2 == 0);
            }
            14 if random(200) == 0 => {
                assert!(map.drain().eq(model.drain(..)));
            }
            _ => assert_eq!(map.contains(&key), known.is_some()),
        }
        assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
        check(&map);
        if step % 16 == 0 {
            assert_eq!(listed(&map), model);
        }
    }
    assert!(map.into_iter().eq(model));
}

#[test]
fn an_empty_map_is_four_words_and_owns_nothing() {
    assert!(size_of::<OrderedMap<[u64; 4], [u64; 9]>>() <= 32);
    let map: OrderedMap<u32, u64> = OrderedMap::new();
    assert_eq!(map.entries.capacity(), 0);
    assert_eq!(filled(1).entries.capacity(), 1);
}

#[test]
fn a_map_that_was_long_gives_its_memory_back() {
    let mut map = filled(10_000);
    for key in 0..9_999 {
        assert_eq!(map.remove(&key), Some(key.into()));
        check(&map);
    }
    assert!(map.index.is_none());
    assert!(map.entries.capacity() <= 2 * INDEXED_MIN);
    assert_eq!(listed(&map), [(9_999, 9_999)]);
}

#[test]
fn taking_the_first_again_and_again_is_not_quadratic() {
    let mut map = filled(200_000);
    for expected in 0..200_000 {
        let (&key, _) = map.iter().next().unwrap();
        assert_eq!(key, expected);
        map.remove(&key);
    }
    assert!(map.is_empty());
}

#[test]
fn taking_the_last_leaves_no_gaps() {
    let mut map = filled(1_000);
    for key in (0..1_000).rev() {
        map.remove(&key);
        assert_eq!(map.entries.len(), key as usize);
    }
}

#[test]
fn a_replaced_value_keeps_its_place() {
    for len in [3, 40] {
        let mut map = filled(len);
        assert_eq!(map.insert(1, 77), Some(1));
        assert_eq!(listed(&map)[..3], [(0, 0), (1, 77), (2, 2)]);
        map.remove(&1);
        map.insert(1, 78);
        assert_eq!(listed(&map).last(), Some(&(1, 78)));
    }
}

#[test]
fn a_predicate_that_panics_leaves_the_map_whole() {
    for len in [10, 40] {
        let mut map = filled(len);
        let retain = |map: &mut OrderedMap<u32, u64>| {
            map.retain(|key, _| {
                assert!(*key < 6, "as the test wants");
                key % 2 == 0
            });
        };
        catch_unwind(AssertUnwindSafe(|| retain(&mut map))).unwrap_err();
        let left = listed(&map);
        assert_eq!(left[..3], [(0, 0), (2, 2), (4, 4)]);
        assert_eq!(left.len(), map.len());
        for (key, value) in left {
            assert_eq!(map.remove(&key), Some(value));
        }
        assert!(map.is_empty());
    }
}
