//! Names that were perhaps meant.

use strsim::osa_distance;

/// So many are offered.
const MOST: usize = 3;

/// No name of an action or a type is meant by more letters.
const LONGEST: usize = 64;

/// The names that differ from `name` in few letters (put in, left out, changed or swapped), the nearest first: a third of
/// its letters at most, whatever their case.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let name: String = name.to_lowercase().chars().take(LONGEST).collect();
    let most = (name.chars().count() / 3).max(1);
    let near = names.map(|other| (osa_distance(&name, &other.to_lowercase()), other));
    let near = near.filter(|(distance, _)| *distance <= most);
    let mut near: Vec<(usize, &str)> = near.collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_was_perhaps_meant() {
        let names = ["read", "write", "delete", "archive"];
        let near = |name| nearest(name, names.into_iter());
        assert_eq!(near("raed"), ["read"]);
        assert_eq!(near("reed"), ["read"]);
        assert_eq!(near("Archiv"), ["archive"]);
        assert_eq!(near("wirte"), ["write"]);
        assert_eq!(near("delette"), ["delete"]);
        assert_eq!(near("publish"), Vec::<String>::new());
        assert_eq!(near(""), Vec::<String>::new());
    }
}
