//! JSON Schemas of the formats for programs, generated from the types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::explain::Explanation;
use super::model::Report;
use super::ndjson::{PhaseLine, SessionLine, SummaryLine, UnlistedLine};

/// A line of the format with one session a line.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code)]
enum Line {
    Session(SessionLine<'static>),
    Summary(SummaryLine<'static>),
    Phase(PhaseLine),
    Unlisted(UnlistedLine<'static>),
}

fn schema_of<T: JsonSchema>(id: &str, title: &str) -> Schema {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), format!("urn:{id}").into());
    schema.insert("title".to_owned(), title.into());
    schema
}

/// Of `--format json`.
pub fn document() -> Schema {
    schema_of::<Report>("rdpwhy:1", "rdpwhy report")
}

/// Of a line of `--format ndjson`.
pub fn line() -> Schema {
    schema_of::<Line>("rdpwhy:1:line", "rdpwhy report, one line")
}

/// Of `explain --format json`.
pub fn explanation() -> Schema {
    schema_of::<Explanation>("rdpwhy:1:explain", "rdpwhy explanation")
}
