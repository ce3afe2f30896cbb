//! The shipped file and the code say the same.

use std::io::ErrorKind;

use super::{Config, LoadError, Override};
use crate::{deliver, model::Destination};

const SHIPPED: &str = include_str!("../../config/fanfare.toml");

/// The shipped file with its optional keys, which stand there as comments, switched on.
fn with_optional_keys() -> String {
    let lines = SHIPPED.lines().map(|line| {
        line.strip_prefix("# ")
            .filter(|rest| {
                rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| is_key(key))
            })
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
    assert!(!config.credentials.is_empty());
    assert!(config.aws.sts.endpoint_url.is_some());
    assert_eq!(config.destination.len(), 1);
    assert!(config.s3.domain.is_some());
    let owner = config.owners().of(&"photos".parse().unwrap()).clone();
    assert_ne!(owner, config.account_id);
}

#[test]
fn the_shipped_credentials_spell_out_the_defaults() {
    let written: Config = toml::from_str(&with_optional_keys()).unwrap();
    let short = "[[credentials]]\naccess_key_id = \"fanfare\"\n\
                 secret_access_key_file = \"/etc/fanfare/s3.secret\"";
    let short: Config = toml::from_str(short).unwrap();
    assert_eq!(written.credentials, short.credentials);
}

#[test]
fn a_secret_is_neither_printed_nor_serialised() {
    let text = "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s3cr3t\"";
    let config: Config = toml::from_str(text).unwrap();
    let serialised = toml::to_string(&config).unwrap();
    assert!(serialised.contains("access_key_id = \"AK\""), "{serialised}");
    assert!(!serialised.contains("s3cr3t"), "{serialised}");
    assert!(!format!("{config:?}").contains("s3cr3t"), "{config:?}");
}

/// What `check` and `serve` say of settings that cannot be used.
#[track_caller]
fn told(text: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let error = Config::load(file.path()).unwrap_err();
    assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    format!("{:#}", anyhow::Error::from(error))
}

#[test]
fn settings_that_cannot_be_read_are_somewhere_else_or_somebody_else_s() {
    let path = || "/f.toml".into();
    for (kind, remedy) in [
        (ErrorKind::NotFound, "cannot read the settings /f.toml; name the file with --config"),
        (ErrorKind::PermissionDenied, "cannot read the settings /f.toml; ask as a user who may"),
    ] {
        let told = LoadError::Read { path: path(), source: kind.into() }.to_string();
        assert!(told.starts_with(remedy), "{told}");
    }
}

#[test]
fn how_to_write_a_time_a_size_and_an_address_is_told() {
    for (text, help) in [
        ("shutdown_grace = \"15\"", "; write a time such as \"30s\" or \"1h30m\": TOML parse"),
        ("[journal]\nretention = 3", "; write a time such as \"30s\" or \"1h30m\": TOML parse"),
        ("[events]\ndedupe_window = \"1\"", "; write a time such as \"30s\" or \"1h30m\": TOML"),
        ("[journal]\nsize_limit = \"10 gigs\"", "; write a size such as \"64MiB\": TOML parse"),
        ("[deliver]\nquota = \"many\"", "; write a size such as \"64MiB\": TOML parse"),
        ("[listen]\nevents = \":9710\"", "; write an IP address and a port, such as \"127.0.0.1"),
        ("region = \"\"", ": TOML parse"),
    ] {
        let told = told(text);
        let (_, after) = told.split_once("cannot use the settings ").unwrap();
        let after = after.find([';', ':']).and_then(|at| after.get(at..)).unwrap();
        assert!(after.starts_with(help), "{text}: {told}");
    }
}

#[test]
fn a_mistake_in_the_credentials_is_told_without_the_secret() {
    for (text, expected) in [
        ("[[credentials]]\naccess_key_id = \"AK\"\nsecret_key = \"s3cr3t\"", "unknown field"),
        ("[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s3cr3t", "line 3"),
        ("[[credentials]]\nsecret_access_key = s3cr3t\n", "line 2"),
        ("[[credentials]]\nkey = \"s3cr3t\"", "unknown field `key`"),
        ("credentials = [{ secret_access_key = \"s3cr3t\" }]", "access_key_id"),
        ("credentials = \"s3cr3t\"", "expected a sequence"),
        ("credentials = [\"s3cr3t\"]", "line 1"),
        ("[[credentials]]\naccess_key_id = \"AK\"\nbuckets = \"s3cr3t\"", "line 3"),
        ("[[credentials]]\nsecret_access_key = \"\"\"\ntop\\ps3cr3t\n\"\"\"", "line 3"),
        ("[[credentials]]\nsecret_access_key = \"\"\"\n[top]\ns3cr3t\n", "line "),
        ("[[credentials]]\nsecret_access_key = '''\n[top]\n\u{1}s3cr3t'''\n", "line 4"),
        ("  [[credentials]]\n  secret_access_key = s3cr3t\n", "line 2"),
        ("[[credentials]]\naccess_key_id = \"AK/s3cr3t\"", "is it the secret?"),
        ("[credentials]\naccess_key_id = \"s3cr3t\" x", "line 2"),
        ("[events]\nauth_token = \"s3cr3t\"", "unknown field `auth_token`"),
        ("# secret_access_key = \"s3cr3t\" \u{1}\n", "line 1"),
    ] {
        let told = told(text);
        assert!(told.contains(expected), "{text}: {told}");
        assert!(!told.contains("s3cr3t"), "{told}");
    }
}

#[test]
fn a_secret_or_an_access_key_that_is_no_text_is_not_repeated() {
    for value in ["81927", "-81927", "8.1927", "819278192781927819278", "true"] {
        for key in ["access_key_id", "secret_access_key"] {
            let text = format!("[[credentials]]\n{key} = {value}\n");
            let told = [told(&text), toml::from_str::<Config>(&text).unwrap_err().message().into()];
            for told in told {
                assert!(!told.contains("8192") && !told.contains("true"), "{told}");
                assert!(
                    told.contains("text between quotes") || told.contains("overflow"),
                    "{told}"
                );
            }
        }
    }
}

#[test]
fn a_mistake_away_from_the_credentials_is_shown() {
    let secret = "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s3cr3t\"\n";
    for (text, expected) in [
        (format!("{secret}[log]\nformatting = \"text\""), "5 | formatting = \"text\""),
        (format!("reigon = \"x\"\n{secret}"), "1 | reigon = \"x\""),
        (format!("{secret}actions = [\"s3:Get\"]"), "unknown variant `s3:Get`"),
        (format!("{secret}buckets = [\"a?\"]"), "`a?` is no pattern"),
    ] {
        let told = told(&text);
        assert!(told.contains(expected), "{text}: {told}");
        assert!(!told.contains("s3cr3t"), "{told}");
    }
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
        ("[deliver]\nconcurrency_max = 0", "0 is none; write 1 or more"),
        ("[events]\nbody_limit = \"lots\"", "lots"),
        ("[events]\nbody_limit = \"0B\"", "nothing fits into no bytes; write a size such as"),
        ("[s3]\nvalidation_timeout = \"0s\"", "a wait of zero is none; write a time such as"),
        ("[aws]\nattempt_timeout = \"0ms\"", "a wait of zero"),
        ("[aws]\nconnect_timeout = \"0s\"", "a wait of zero"),
        ("[rules]\nkey_match = \"glob\"", "`aws`"),
        (
            "[log]\nfilter = \"fanfare=loud\"",
            "`fanfare=loud` is no filter of the log; write \"info\"",
        ),
        ("[aws]\nendpoint_url = \"moto:4566\"", "`moto:4566` is no endpoint; write a URL"),
        ("[aws.sqs]\nendpoint_url = \"http://\"", "`http://` is no endpoint"),
        (
            "[[credentials]]\naccess_key_id = \"AK\"",
            "access key AK needs its secret once: set either secret_access_key or",
        ),
        (
            "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s\"\n\
             secret_access_key_file = \"/s\"",
            "access key AK needs its secret once",
        ),
        (
            "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"\"",
            "the secret_access_key of access key AK is empty",
        ),
        (
            "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s\"\n\
             [[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"t\"",
            "access key AK has two [[credentials]]",
        ),
        (
            "[[credentials]]\naccess_key_id = \"A/K\"\nsecret_access_key = \"s\"",
            "that is no access_key_id (is it the secret?)",
        ),
        (
            "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s\"\n\
             buckets = [\"a?\"]",
            "`a?` is no pattern of bucket names",
        ),
        (
            "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s\"\nbuckets = []",
            "access key AK may do nothing, because its `buckets` are none; leave them out",
        ),
        (
            "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s\"\nactions = []",
            "access key AK may do nothing, because its `actions` are none; leave them out",
        ),
        ("[buckets]\nunknowns = \"reject\"", "the settings are `unknown` and `known`"),
        ("[buckets]\nunknown = 1", "\"accept\", \"reject\", or a table for the bucket `unknown`"),
        ("[buckets]\nknown = \"a\"", "a list of bucket names, or a table for the bucket `known`"),
        (
            "[[credentials]]\naccess_key_id = \"AK\"\nsecret_access_key = \"s\"\n\
             actions = [\"s3:GetObject\"]",
            "unknown variant `s3:GetObject`, expected `s3:GetBucketNotification`",
        ),
        ("[payload]\nevent_version = \"3.0\"", "classic"),
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn nothing_too_large_and_too_little_are_told_and_what_helps() {
    for (text, told) in [
        ("[events]\nbody_limit = \"2GiB\"", "no request may have more than 1GiB"),
        (
            "[events]\ndedupe_window = \"0s\"",
            "a wait of zero is none; write a time such as \"5s\", or leave",
        ),
        ("[deliver]\nquota = \"0\"", "such as \"1GiB\", or leave the key out for no limit"),
        ("[deliver]\nin_flight_bytes = \"0B\"", "nothing fits into no bytes"),
        ("[deliver]\nmax_attempts = 0", "0 is none; write 1 or more, or leave the key out"),
        ("[deliver]\nunknown_attempts = 0", "0 is none; write 1 or more"),
        ("[deliver]\nunknown_attempts = 5000000000", "5000000000 is too many; write less"),
        (
            "[deliver]\nprobe_interval = \"100y\"",
            "that is more than ten years; write 3650d or less",
        ),
        ("[deliver.backoff]\ncap = \"100y\"", "that is more than ten years"),
        ("shutdown_grace = \"100y\"", "that is more than ten years"),
        ("[rules]\nper_bucket_max = 0", "0 is none; write 1 or more"),
        ("[event_bridge]\nsource = \"\"", "a source has 1 to 256 characters"),
        ("[journal]\nsize_limit = \"1B\"", "journal.size_limit 1 B is too little to work with"),
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn a_mistake_in_a_destination_is_told_and_what_helps() {
    for (text, told) in [
        ("[[destination]]\npaused = true", "missing field `match`"),
        ("[[destination]]\nmatch = \"*\"\nregion = \"x\"", "unknown field `region`"),
        ("[[destination]]\nmatch = \"slow-*\"", "no ARN of a destination fits `slow-*`; write it"),
        ("[[destination]]\nmatch = \"arn:aws:s3:::b\"", "`s3` is no service that notifications"),
        ("[[destination]]\nmatch = \"*\"\nrole_arn = \"sender\"", "`sender` is no role; write its"),
        ("[[destination]]\nmatch = \"*\"\nendpoint_url = \"moto\"", "`moto` is no endpoint"),
        (
            "[[destination]]\nmatch = \"*\"\nrequest_bytes = \"0B\"",
            "0 B is no size of a request: a message has about 1 KiB",
        ),
        (
            "[[destination]]\nmatch = \"*\"\nrequest_bytes = \"2MiB\"",
            "takes more than 1 MiB; write",
        ),
        ("[[destination]]\nmatch = \"*\"\nquota = \"0\"", "or leave the key out for no limit"),
        ("[[destination]]\nmatch = \"*\"\nmax_attempts = 0", "0 is none; write 1 or more, or"),
        ("[[destination]]\nmatch = \"*\"\nlinger = \"11y\"", "that is more than ten years"),
        ("[[destination]]\nmatch = \"*\"\nprobe_interval = \"0s\"", "a wait of zero is none"),
        ("[[destination]]\nmatch = \"*\"\nmax_age = \"0s\"", "a wait of zero is none"),
        ("[deliver]\nmax_age = \"0s\"", "a wait of zero is none"),
        ("[[destination]]\nmatch = \"*\"\nordering = \"fifo\"", "unknown variant `fifo`, expected"),
        ("[[destination]]\nmatch = \"*\"\n[destination.backoff]\ncap = \"0s\"", "a wait of zero"),
        (
            "[[destination]]\nmatch = \"*\"\n[destination.backoff]\nmax = \"1s\"",
            "unknown field `max`",
        ),
        ("[destination]\nmatch = \"*\"", "expected a sequence"),
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

fn destination(name: &str) -> Destination {
    format!("arn:aws:sqs:us-east-1:123456789012:{name}").parse().unwrap()
}

/// Each key of `[deliver]`, optional ones included, with the value of the shipped file.
fn deliver_keys() -> toml::Table {
    let shipped: toml::Table = toml::from_str(&with_optional_keys()).unwrap();
    shipped["deliver"].as_table().unwrap().clone()
}

#[test]
fn every_key_of_deliver_may_stand_in_a_destination() {
    let keys = deliver_keys();
    for (key, value) in &keys {
        let mut table = toml::Table::new();
        table.insert("match".into(), "*".into());
        table.insert(key.clone(), value.clone());
        table.try_into::<Override>().unwrap_or_else(|wrong| panic!("{key}: {wrong}"));
    }
}

/// With values that are no default, so that a key which is read and then forgotten shows.
#[test]
fn every_key_of_a_destination_has_its_effect_on_that_destination_alone() {
    let keys = "concurrency_max = 7\nconcurrency_min = 3\nin_flight_bytes = \"1MiB\"\n\
                linger = \"5ms\"\nmax_attempts = 9\nmax_age = \"1h\"\nunknown_attempts = 2\n\
                ordering = \"per_key\"\nremoval = \"discard\"\nquota = \"2GiB\"\n\
                over_quota = \"dead_letter_oldest\"\n\
                when_full = \"dead_letter_oldest\"\nprobe_interval = \"9s\"\npaused = true\n";
    let backoff = "base = \"2ms\"\nthrottled = \"3ms\"\ncap = \"4ms\"\n";
    let deliver: deliver::Config = toml::from_str(&format!("{keys}[backoff]\n{backoff}")).unwrap();
    let written = toml::Table::try_from(&deliver).unwrap();
    let default = toml::Table::try_from(deliver::Config::default()).unwrap();
    assert_eq!(written.keys().collect::<Vec<_>>(), deliver_keys().keys().collect::<Vec<_>>());
    assert!(written.iter().all(|(key, value)| default.get(key) != Some(value)), "{written}");

    let text = format!(
        "[[destination]]\nmatch = \"*:slow\"\nendpoint_url = \"http://slow\"\n\
         role_arn = \"arn:aws:iam::123456789012:role/r\"\nrequest_bytes = \"1KiB\"\n{keys}\
         [destination.backoff]\n{backoff}"
    );
    let config: Config = toml::from_str(&text).unwrap();
    let destinations = config.destinations();
    assert_eq!(destinations.deliver(&destination("slow")), deliver);
    assert_eq!(destinations.deliver(&destination("fast")), config.deliver);
    let slow = destinations.publish(&destination("slow"));
    assert_eq!(slow.endpoint_url.as_ref().unwrap().as_str(), "http://slow");
    assert_eq!(slow.request_bytes.unwrap().get(), 1024);
    assert_eq!(destinations.roles().collect::<Vec<_>>(), [slow.role_arn.unwrap()]);
    assert_eq!(
        destinations.publish(&destination("fast")),
        crate::publish::DestinationConfig::default()
    );
    let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(again, config);
}

#[test]
fn all_tables_that_fit_apply_and_a_later_one_wins_key_by_key() {
    let config: Config = toml::from_str(
        "[deliver]\nmax_attempts = 1\nunknown_attempts = 1\n[deliver.backoff]\nbase = \"1s\"\n\
         [[destination]]\nmatch = \"*:slow-*\"\nmax_attempts = 2\npaused = true\n\
         [destination.backoff]\ncap = \"5s\"\n\
         [[destination]]\nmatch = \"*:slow-a\"\nmax_attempts = 3\n\
         [destination.backoff]\nbase = \"9s\"\n",
    )
    .unwrap();
    let of = |name| config.destinations().deliver(&destination(name));
    let (one, other, none) = (of("slow-a"), of("slow-b"), of("fast"));
    let attempts = |config: &deliver::Config| config.max_attempts.map(std::num::NonZero::get);
    assert_eq!([&one, &other, &none].map(attempts), [Some(3), Some(2), Some(1)]);
    assert_eq!([&one, &other, &none].map(|config| config.paused), [true, true, false]);
    assert!([&one, &other, &none].iter().all(|config| config.unknown_attempts.get() == 1));
    let bounds = |config: &deliver::Config| {
        let deliver::Bounds { base, cap, .. } = config.backoff.clone().into();
        (base.as_secs(), cap.as_secs())
    };
    assert_eq!(bounds(&one), (5, 5), "no wait is longer than the cap");
    assert_eq!([bounds(&other), bounds(&none)], [(1, 5), (1, 60)]);
}

#[test]
fn a_fifo_destination_keeps_the_order_of_each_key_whatever_the_settings() {
    let none = "[[destination]]\nmatch = \"*\"\nordering = \"none\"";
    for text in ["", none] {
        let destinations = toml::from_str::<Config>(text).unwrap().destinations();
        let ordering = |name| destinations.deliver(&destination(name)).ordering;
        assert_eq!(ordering("q.fifo"), deliver::Ordering::PerKey);
        assert_eq!(ordering("q"), deliver::Ordering::None);
    }
}

#[test]
fn a_destination_s_waits_that_contradict_the_others_are_told_with_its_name() {
    let told = told("[[destination]]\nmatch = \"*:slow\"\n[destination.backoff]\nbase = \"10m\"");
    assert!(
        told.contains("the [[destination]] `*:slow` cannot be used: backoff base 600s"),
        "{told}"
    );
}

const GUIDE: &str = include_str!("../../docs/settings.md");

/// The keys that the guide has in the first column of its tables.
fn explained() -> Vec<String> {
    let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| `"));
    let firsts = rows.filter_map(|row| row.split_once(" | ").map(|(first, _)| first));
    firsts.flat_map(|keys| keys.split(", ")).map(|key| key.replace('`', "")).collect()
}

/// The keys that there are. A bucket has any name; `[[destination]]` has those of `[deliver]`, too.
fn there_are() -> Vec<String> {
    let shipped: toml::Table = toml::from_str(&with_optional_keys()).unwrap();
    let mut all = keys("", &shipped);
    all.retain(|key| !matches!(key.as_str(), "credentials" | "destination"));
    for key in &mut all {
        *key = key.replace("buckets.photos.", "buckets.\"NAME\".");
    }
    let tables = [("credentials", "credentials."), ("destination", "destination.")];
    let deliver = deliver_keys();
    for (array, prefix) in tables {
        let table = shipped[array][0].as_table().unwrap();
        let own = table.keys().filter(|key| array == "credentials" || !deliver.contains_key(*key));
        all.extend(own.map(|key| format!("{prefix}{key}")));
    }
    all.push("credentials.secret_access_key".into());
    all
}

#[test]
fn the_guide_explains_every_setting_once_and_no_other() {
    let (mut explained, mut all) = (explained(), there_are());
    explained.sort();
    all.sort();
    let missing: Vec<_> = all.iter().filter(|key| !explained.contains(key)).collect();
    assert!(missing.is_empty(), "not in docs/settings.md: {missing:?}");
    assert_eq!(explained, all, "docs/settings.md has a key twice, or one that is none");
}

#[test]
fn the_guide_tells_the_defaults() {
    let shipped = toml::Value::Table(toml::from_str(SHIPPED).unwrap());
    for row in GUIDE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let key = cells[0].trim_start_matches("| ").trim_matches('`');
        let default = key.split('.').try_fold(&shipped, |value, part| value.get(part));
        let Some(default) = default else { continue };
        let spelled = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let told = cells[2].trim_matches('`');
        assert!(told == spelled || (told, &*spelled) == ("none", "[]"), "{row}: {spelled}");
    }
}
