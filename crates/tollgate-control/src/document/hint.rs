//! Names close to a mistaken one.

/// As many names as an operator reads at a glance.
const HANDFUL: usize = 5;

/// Beyond this many names nearness is not measured: a file in which all is wrong must still be read
/// fast.
const MEASURED: usize = 64;

/// What there is to choose from, in words: `expected one of: demo, orders`, the closest to `wrong`
/// first where there are many.
pub fn one_of<'a>(wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let count = names.clone().count();
    if count == 0 {
        return "there is none".to_owned();
    }
    let mut shown: Vec<&str> = names.take(MEASURED).collect();
    if count > HANDFUL {
        shown.sort_by_cached_key(|name| distance(wrong, name));
        shown.truncate(HANDFUL);
    }
    let more = match count - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("expected one of: {}{more}", shown.join(", "))
}

/// The one name that was most likely meant.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) =
        names.map(|name| (distance(wrong, name), name)).min_by_key(|(distance, _)| *distance)?;
    let meant = distance <= 1 + wrong.chars().count().min(name.chars().count()) / 4;
    meant.then_some(name)
}

/// Edits between two names, case and separators aside: `qpsLimitCeiling` is `qps_limit_ceiling`.
fn distance(left: &str, right: &str) -> usize {
    let plain = |name: &str| -> Vec<char> {
        let letters = name.chars().take(64).filter(|c| c.is_alphanumeric());
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let (left, right) = (plain(left), plain(right));
    // Rows of the classic table: two swapped neighbours are one edit, hence the row before the
    // last.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["upstream", "upstream_path", "qps_limit_ceiling", "status"];
        let hint = |wrong| nearest(wrong, names.into_iter());
        assert_eq!(hint("upsteram"), Some("upstream"));
        assert_eq!(hint("qpsLimitCeiling"), Some("qps_limit_ceiling"));
        assert_eq!(hint("upstream-path"), Some("upstream_path"));
        assert_eq!(hint("state"), Some("status"));
        assert_eq!(hint("colour"), None);
    }

    #[test]
    fn at_most_a_handful_is_listed() {
        assert_eq!(one_of("x", [].into_iter()), "there is none");
        assert_eq!(one_of("x", ["b", "a"].into_iter()), "expected one of: b, a");
        let many = ["one", "two", "three", "four", "five", "six", "seven"];
        assert_eq!(
            one_of("sevn", many.into_iter()),
            "expected one of: seven, five, six, one, two and 2 more"
        );
    }
}
