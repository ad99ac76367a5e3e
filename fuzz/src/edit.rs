//! Snapshots with changed sections: signed again, so that an input gets behind hash and layout to what the engine checks.

use crate::{SNAPSHOTS, key};
use parapet::snapshot::{SectionKind, Snapshot, SnapshotBuilder};

/// How many changes an input makes at most.
const MOST: usize = 24;

/// The snapshot that an input describes: which one to begin with, then changes of 11 bytes each: a section, what to do,
/// where, and a value.
pub fn edited(input: &[u8]) -> Vec<u8> {
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    let seed = SNAPSHOTS[usize::from(*first) % SNAPSHOTS.len()];
    let snapshot = Snapshot::open_trusted(seed.to_vec()).expect("a seed that this program wrote");
    let sections = SectionKind::ALL.into_iter().filter_map(|kind| Some((kind, snapshot.section(kind)?.to_vec())));
    let mut sections: Vec<(SectionKind, Vec<u8>)> = sections.collect();
    for change in rest.chunks_exact(11).take(MOST) {
        let [section, how, a, b, c, d, value @ ..] = change else { continue };
        let position = usize::from(*section) % sections.len();
        let place = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        apply(&mut sections, position, *how, place, value);
    }
    let mut builder = SnapshotBuilder::new(snapshot.tenant());
    for (kind, bytes) in sections {
        builder = builder.section(kind, bytes);
    }
    builder.build(1, 0, &key())
}

/// One change. Numbers in records are words of four bytes, most of them positions in another section: so values are small,
/// or relative to what is there.
fn apply(sections: &mut Vec<(SectionKind, Vec<u8>)>, section: usize, how: u8, place: usize, value: &[u8]) {
    let bytes = &mut sections[section].1;
    let word = u32::from_le_bytes([value[0], value[1], value[2], value[3]]);
    let words = bytes.len() / 4;
    let at = if words == 0 { 0 } else { place % words * 4 };
    match how % 9 {
        0 if words > 0 => bytes[at..at + 4].copy_from_slice(&word.to_le_bytes()),
        1 if words > 0 => {
            let there = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            let moved = there.wrapping_add_signed(i32::from(value[0] as i8));
            bytes[at..at + 4].copy_from_slice(&moved.to_le_bytes());
        }
        2 if words > 0 => {
            let from = word as usize % words * 4;
            let copied = [bytes[from], bytes[from + 1], bytes[from + 2], bytes[from + 3]];
            bytes[at..at + 4].copy_from_slice(&copied);
        }
        3 if !bytes.is_empty() => {
            let at = place % bytes.len();
            bytes[at] = value[0];
        }
        4 => bytes.truncate(place % (bytes.len() + 1)),
        5 => bytes.extend(value),
        // A run of the section's own records again, which keeps its length a multiple of theirs.
        6 if words > 0 => {
            let length = (word as usize % 16 * 4).min(bytes.len() - at);
            bytes.extend_from_within(at..at + length);
        }
        7 if words > 0 => bytes[at..at + 4].copy_from_slice(&[0xff; 4]),
        8 if sections.len() > 1 => drop(sections.remove(section)),
        _ => {}
    }
}
