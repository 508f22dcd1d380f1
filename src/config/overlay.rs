//! The environment's say: `STRONGROOM_SECTION__KEY=value` replaces one setting.
//!
//! Refuses a variable that names no setting; variables without `__` belong to others.
//! Invariant: a value takes the type of the setting it replaces, so `"8443"` stays text
//! where text is wanted.

use toml::{Table, Value};

use super::{Config, Error};

const PREFIX: &str = "STRONGROOM_";

/// Settings that have no default and so no example of their type.
const OPTIONAL: &[&str] = &[
    "tls.certificate",
    "tls.key",
    "tls.development_ca",
    "notices.file",
    "notices.webhook_url",
    "notices.webhook_secret",
    "notices.webhook_ca",
    "notices.smtp_host",
    "notices.smtp_from",
    "notices.smtp_user",
    "notices.smtp_password",
    "notices.smtp_ca",
];

/// Overlays `table`; answers which `section.key` was set by which variable.
pub(super) fn apply(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<(String, String)>, Error> {
    let known = Table::try_from(Config::default()).expect("settings are tables of plain values");
    let mut set = Vec::new();
    for (variable, text) in environment {
        let Some((section, key)) =
            variable.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__"))
        else {
            continue;
        };
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let name = format!("{section}.{key}");
        let like = known.get(&section).and_then(|s| s.get(&key));
        if like.is_none() && !OPTIONAL.contains(&name.as_str()) {
            return Err(Error::Variable {
                variable,
                reason: format!(
                    "there is no setting {name}. Remove it, or see config/example.toml"
                ),
            });
        }
        let value = typed(like, &text).map_err(|wanted| Error::Variable {
            variable: variable.clone(),
            reason: format!("{name} is {wanted}. Write one, or remove the variable"),
        })?;
        let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = entry {
            section.insert(key, value);
        }
        set.push((name, variable));
    }
    Ok(set)
}

fn typed(like: Option<&Value>, text: &str) -> Result<Value, &'static str> {
    Ok(match like {
        Some(Value::Integer(_)) => {
            Value::Integer(text.parse().map_err(|_| "a whole number in decimal digits")?)
        }
        Some(Value::Boolean(_)) => {
            Value::Boolean(text.parse().map_err(|_| "either true or false")?)
        }
        Some(Value::Array(_)) => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        ),
        _ => Value::String(text.to_owned()),
    })
}
