//! Finding a profile by what a person types.

/// The words that were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<String>);

impl Query {
    /// The words of a search text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Whether nothing is searched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every word is somewhere in these texts.
    #[must_use]
    pub fn matches(&self, texts: &[&str]) -> bool {
        let texts: Vec<_> = texts.iter().map(|text| text.to_lowercase()).collect();
        self.0.iter().all(|word| texts.iter().any(|text| text.contains(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn every_word_must_be_found_somewhere() {
        let texts = ["Text Editor", "gedit", "Édite des textes"];
        assert!(Query::new("").matches(&texts));
        assert!(Query::new("EDIT text").matches(&texts));
        assert!(Query::new("éd").matches(&texts));
        assert!(!Query::new("edit video").matches(&texts));
    }
}
