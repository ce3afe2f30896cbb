//! Which keys differ between two settings; never what stands there.

use toml::{Table, Value};

use super::Config;

impl Config {
    /// The keys that do not say the same, as `journal.size_limit`. A changed secret is no
    /// difference: it is not part of what is compared.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        compare("", &written(self), &written(other), &mut found);
        found
    }
}

fn written(config: &Config) -> Table {
    Table::try_from(config).expect("settings that were read can be written")
}

fn compare(prefix: &str, one: &Table, other: &Table, found: &mut Vec<String>) {
    let only_other = other.keys().filter(|key| !one.contains_key(*key));
    for key in one.keys().chain(only_other) {
        let path = format!("{prefix}{key}");
        match (one.get(key), other.get(key)) {
            (Some(Value::Table(one)), Some(Value::Table(other))) => {
                compare(&format!("{path}."), one, other, found);
            }
            (one, other) if one != other => found.push(path),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_removed_or_changed_is_named() {
        let read = |text: &str| toml::from_str::<Config>(text).unwrap();
        let one = read("region = \"eu-west-1\"\n[buckets.\"a\"]\nowner = \"111122223333\"");
        let other = read("[aws]\nendpoint_url = \"http://x\"\n[log]\nfilter = \"debug\"");
        let mut found = one.differences(&other);
        found.sort();
        assert_eq!(found, ["aws.endpoint_url", "buckets.a", "log.filter", "region"]);
        assert!(one.differences(&one).is_empty());
    }
}
