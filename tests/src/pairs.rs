//! Few combinations of options in which every two values of any two options are found together.

use arkose_profile::options::Opt;
use std::collections::BTreeSet;

/// One value of an option, as it is given on the command line; a list may have several.
pub type Value = Vec<String>;

/// A value for every option, in their order.
pub type Row = Vec<Value>;

/// A value of an option, by both their numbers.
type Choice = (usize, usize);

/// Rows that cover all pairs of values that can be had together; always the same for the same values.
/// Each takes a pair that is still missing, and fills up with what covers most of the others.
///
/// # Panics
///
/// When an option has no value that can be had with those chosen.
#[must_use]
pub fn pairs(options: &[&Opt], values: &[Vec<Value>]) -> Vec<Row> {
    let possible = |a: Choice, b: Choice| {
        !conflict((options[a.0], &values[a.0][a.1]), (options[b.0], &values[b.0][b.1]))
    };
    let mut missing = all(values);
    missing.retain(|(a, b)| possible(*a, *b));
    let mut rows = Vec::new();
    while let Some((first, second)) = missing.first().copied() {
        let mut chosen = vec![first, second];
        for (option, values) in values.iter().enumerate() {
            if option == first.0 || option == second.0 {
                continue;
            }
            let gain = |value: usize| {
                let covers = |other: &&Choice| {
                    let new = (option, value);
                    missing.contains(&(new.min(**other), new.max(**other)))
                };
                chosen.iter().filter(covers).count()
            };
            let fits =
                |value: &usize| chosen.iter().all(|other| possible((option, *value), *other));
            // The first of the best, which is mostly what contains.
            let best = (0..values.len()).rev().filter(fits).max_by_key(|value| gain(*value));
            let best = best.unwrap_or_else(|| panic!("nothing fits for {}", options[option].key));
            chosen.push((option, best));
        }
        chosen.sort_unstable();
        for (at, a) in chosen.iter().enumerate() {
            for b in &chosen[at + 1..] {
                missing.remove(&(*a, *b));
            }
        }
        rows.push(chosen.iter().map(|(option, value)| values[*option][*value].clone()).collect());
    }
    rows
}

/// Every two values of two options, the earlier option first.
fn all(values: &[Vec<Value>]) -> BTreeSet<(Choice, Choice)> {
    let choices = || {
        let numbers = values.iter().enumerate();
        numbers.flat_map(|(option, values)| (0..values.len()).map(move |value| (option, value)))
    };
    choices().flat_map(|a| choices().filter(move |b| a.0 < b.0).map(move |b| (a, b))).collect()
}

/// Whether two values cannot be had together.
fn conflict(a: (&Opt, &Value), b: (&Opt, &Value)) -> bool {
    let one_way = |(option, value): (&Opt, &Value), (other, other_value): (&Opt, &Value)| {
        option.conflicts.iter().any(|conflict| {
            value.iter().any(|value| value == conflict.value)
                && conflict.other == other.key
                && conflict.other_values.iter().any(|wanted| match *wanted {
                    // A star stands for every value but the default.
                    "*" => !is_default(other, other_value),
                    wanted => other_value.iter().any(|value| value == wanted),
                })
        })
    };
    one_way(a, b) || one_way(b, a)
}

/// Whether it is the value that an option has where nobody names one.
fn is_default(option: &Opt, value: &Value) -> bool {
    value.is_empty() || value.as_slice() == [option.default.trim_matches('"')]
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::options::{Kind, OPTIONS};

    #[test]
    fn every_pair_that_can_be_is_in_a_row_and_no_other() {
        let choices = |option: &&'static Opt| match option.kind {
            Kind::Choice(choices) => {
                Some((*option, choices.iter().map(|c| vec![c.value.to_owned()]).collect()))
            }
            Kind::Switch(_) => {
                let switch = ["false", "true"].map(|value| vec![value.to_owned()]);
                Some((*option, switch.to_vec()))
            }
            _ => None,
        };
        let (options, values): (Vec<&Opt>, Vec<Vec<Value>>) =
            OPTIONS.iter().filter_map(|option| choices(&option)).unzip();
        let rows = pairs(&options, &values);
        for i in 0..options.len() {
            for j in i + 1..options.len() {
                for a in &values[i] {
                    for b in &values[j] {
                        let together = rows.iter().any(|row| row[i] == *a && row[j] == *b);
                        let can_be = !conflict((options[i], a), (options[j], b));
                        assert_eq!(together, can_be, "{a:?} with {b:?}");
                    }
                }
            }
        }
        assert_eq!(rows, pairs(&options, &values));
        let whole: usize = values.iter().map(Vec::len).product();
        assert!(rows.len() < whole / 10, "{} of {whole}", rows.len());
    }
}
