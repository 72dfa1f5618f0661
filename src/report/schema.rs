//! The JSON Schema of `portproof.report.v1`, made from the types themselves.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Report;

/// JSON Schema (draft 2020-12) that every report validates against.
pub fn schema() -> Value {
    // for_serialize: a report is only ever written, so a field that is null when unknown is still always there.
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>().to_value()
}

#[cfg(test)]
mod tests {
    use super::schema;

    /// Other programs read `docs/report.schema.json`. `UPDATE_SCHEMA=1 cargo test --lib report::schema` writes it.
    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
        let current = format!("{:#}\n", schema());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &current).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == current,
            "docs/report.schema.json differs from the types in src/report: if the change is meant (add, never rename), \
             write it with UPDATE_SCHEMA=1 cargo test --lib report::schema"
        );
    }

    #[test]
    fn enums_and_nulls_are_said() {
        let schema = schema();
        let defs = &schema["$defs"];
        assert!(defs["Outcome"].to_string().contains("non-compliant"));
        assert!(defs["Cause"].to_string().contains("nat-t-no-reply"));
        assert_eq!(defs["Pair"]["properties"]["rtt_ms"]["type"], serde_json::json!(["number", "null"]));
        assert!(defs["Pair"]["required"].to_string().contains("rtt_ms"));
    }
}
