//! The shipped file and the code say the same.

use super::Config;

const SHIPPED: &str = include_str!("../../config/fanfare.toml");

/// The shipped file with its optional keys, which stand there as comments, switched on.
fn with_optional_keys() -> String {
    let lines = SHIPPED.lines().map(|line| {
        line.strip_prefix("# ")
            .filter(|rest| rest.split_once(" = ").is_some_and(|(key, _)| is_key(key)))
            .unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn keys(prefix: &str, table: &toml::Table) -> Vec<String> {
    let nested = table.iter().flat_map(|(key, value)| {
        let path = format!("{prefix}{key}");
        match value {
            toml::Value::Table(table) => keys(&format!("{path}."), table),
            _ => vec![path],
        }
    });
    nested.collect()
}

#[test]
fn the_shipped_file_holds_every_default() {
    let shipped: Config = toml::from_str(SHIPPED).unwrap();
    assert_eq!(shipped, Config::default());
}

#[test]
fn the_shipped_file_names_every_key() {
    let mut shipped = keys("", &toml::from_str(SHIPPED).unwrap());
    let mut defaults = keys("", &toml::Table::try_from(Config::default()).unwrap());
    shipped.sort();
    defaults.sort();
    assert_eq!(shipped, defaults);
}

#[test]
fn the_optional_keys_of_the_shipped_file_are_keys() {
    let config: Config = toml::from_str(&with_optional_keys()).unwrap();
    assert!(config.events.auth_token_file.is_some());
    assert!(config.aws.endpoint_url.is_some());
    assert!(config.aws.event_bridge.endpoint_url.is_some());
}

#[test]
fn every_key_has_a_line_of_why() {
    let lines: Vec<&str> = SHIPPED.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let key = line.strip_prefix("# ").unwrap_or(line);
        if key.split_once(" = ").is_some_and(|(key, _)| is_key(key)) {
            let above = index.checked_sub(1).map_or("", |above| lines[above]);
            assert!(above.starts_with("# ") || line.contains(" # "), "no line of why: {line}");
        }
    }
}

#[test]
fn a_mistake_is_told_where_it_stands_and_what_helps() {
    for (text, told) in [
        ("reigon = \"us-east-1\"", "unknown field `reigon`"),
        ("region = \"US East\"", "is no region"),
        ("account_id = \"12\"", "is no account id"),
        (
            "[deliver.backoff]\nbase = \"10m\"\ncap = \"5m\"",
            "backoff base 600s must be positive and at most cap 300s",
        ),
        ("[deliver]\nconcurrency = 0", "nonzero"),
        ("[events]\nbody_limit = \"lots\"", "lots"),
        ("[rules]\nkey_match = \"glob\"", "`aws`"),
        (
            "[log]\nfilter = \"fanfare=loud\"",
            "`fanfare=loud` is no filter of the log; write \"info\"",
        ),
        ("[aws]\nendpoint_url = \"moto:4566\"", "`moto:4566` is no endpoint; write a URL"),
        ("[aws.sqs]\nendpoint_url = \"http://\"", "`http://` is no endpoint"),
        ("[payload]\nevent_version = \"3.0\"", "classic"),
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
