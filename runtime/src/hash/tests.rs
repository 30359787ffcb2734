//! Tests of the fixed hash: the same everywhere, and well spread.

use std::hash::Hash;

use super::*;

fn hash(key: impl Hash) -> u64 {
    FixedState.hash_one(key)
}

#[test]
fn hashes_are_the_same_in_every_run() {
    assert_eq!(hash(0_u64), 0xe184_8576_4ba0_3644);
    assert_eq!(hash(1_u64), hash(1_usize));
    assert_ne!(hash("ab"), hash("ba"));
}

#[test]
fn strings_that_padding_makes_equal_differ() {
    let texts = [
        "",
        "\0",
        "\0\0",
        "a",
        "a\0",
        "12345678",
        "12345678\0",
        "\0\0\0\0\0\0\0",
        "\x07",
    ];
    for (i, left) in texts.iter().enumerate() {
        for right in &texts[i + 1..] {
            assert_ne!(hash(left), hash(right), "{left:?} {right:?}");
        }
    }
}

#[test]
fn one_bit_changes_about_half_of_the_hash() {
    for bit in 0..64 {
        let keys = (0..1_000_u64).map(|n| n * 0x1234_5678_9abc);
        let changed = keys.map(|key| (hash(key) ^ hash(key ^ (1 << bit))).count_ones());
        let mean = changed.sum::<u32>() / 1_000;
        assert!((20..=44).contains(&mean), "bit {bit} changes {mean} bits");
    }
}

#[test]
fn keys_in_a_row_spread_over_buckets_and_tags() {
    for stride in [1, 2, 8, 64, 4096, 1 << 20, 1 << 32, 1 << 40] {
        let mut buckets = [0_u32; 256];
        let mut tags = [0_u32; 128];
        for n in 0..65_536_u64 {
            let hash = hash(n * stride);
            buckets[hash as usize % 256] += 1;
            tags[(hash >> 57) as usize] += 1;
        }
        let (low, high) = (buckets.iter().min().unwrap(), buckets.iter().max().unwrap());
        assert!(
            *low > 128 && *high < 512,
            "stride {stride}: {low} to {high} in a bucket"
        );
        let (low, high) = (tags.iter().min().unwrap(), tags.iter().max().unwrap());
        assert!(
            *low > 256 && *high < 1024,
            "stride {stride}: {low} to {high} of a tag"
        );
    }
}
