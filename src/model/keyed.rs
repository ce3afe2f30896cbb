//! JSON as it is meant. Serde alone also takes an array for an object, field by field, and `null`
//! for a member that is not there; and it takes no `1.0` for a whole number, which it is.

use std::{
    fmt::{self, Display},
    marker::PhantomData,
    str::FromStr,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keyed<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for KeyedVisitor<T> {
            type Value = Keyed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Keyed<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Keyed)
            }
        }

        deserializer.deserialize_map(KeyedVisitor(PhantomData))
    }
}

/// A whole number that is not negative, however it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole<T>(pub T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeVisitor<T>(PhantomData<T>);

        impl<T: FromStr<Err: Display>> Visitor<'_> for WholeVisitor<T> {
            type Value = Whole<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Whole<T>, E> {
                number.to_string().parse().map(Whole).map_err(E::custom)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Whole<T>, E> {
                // Digits and nothing else, if it is one; the sum has no -0.
                (number + 0.0).to_string().parse().map(Whole).map_err(E::custom)
            }
        }

        deserializer.deserialize_u64(WholeVisitor(PhantomData))
    }
}

/// Reads a whole number that has a default.
pub fn whole<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    Whole::deserialize(deserializer).map(|Whole(number)| number)
}

/// Reads a whole number that may be left out, but is not `null`.
pub fn given_whole<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    whole(deserializer).map(Some)
}

/// Reads a member that may be left out, but is not `null`; for `deserialize_with` beside `default`.
pub fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// The same, for a member that is an object.
pub fn given_object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Keyed::deserialize(deserializer).map(|Keyed(value)| Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Outer {
        #[serde(deserialize_with = "given")]
        text: Option<String>,
        #[serde(deserialize_with = "given_object")]
        inner: Option<Box<Outer>>,
        #[serde(deserialize_with = "given_whole")]
        number: Option<u64>,
    }

    #[test]
    fn what_is_left_out_is_not_there_and_null_or_an_array_is_wrong() {
        let read = |json| serde_json::from_str::<Keyed<Outer>>(json).map(|Keyed(outer)| outer);
        let text = |text: &str| Outer { text: Some(text.into()), ..Outer::default() };
        assert_eq!(read("{}").unwrap(), Outer::default());
        let inner = Some(Box::new(text("b")));
        assert_eq!(
            read(r#"{"text":"a","inner":{"text":"b"}}"#).unwrap(),
            Outer { inner, ..text("a") }
        );
        for wrong in [r#"["a"]"#, "[]", r#"{"text":null}"#, r#"{"inner":null}"#, r#"{"inner":[]}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn a_number_is_whole_however_it_is_written() {
        let read = |text: &str| serde_json::from_str::<Outer>(&format!(r#"{{"number":{text}}}"#));
        for (text, number) in [("7", 7), ("7.0", 7), ("0", 0), ("-0.0", 0), ("1e3", 1000)] {
            assert_eq!(read(text).unwrap().number, Some(number), "{text}");
        }
        assert_eq!(read("18446744073709551615").unwrap().number, Some(u64::MAX));
        for wrong in ["7.5", "-1", "-1.0", "1e20", "null", "\"7\"", "[7]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
