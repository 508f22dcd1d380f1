//! Which language people are spoken to in: Chinese where `LC_ALL` or `LANG` begins with `zh`,
//! English otherwise, unless `--lang` says so. Codes are in neither and never change.

/// A language that every message exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// 简体中文.
    Zh,
}

impl Lang {
    /// What the environment asks for: the first of `LC_ALL` and `LANG` that is set and not empty.
    pub fn from_environment() -> Self {
        Self::from_locales(["LC_ALL", "LANG"].map(|name| std::env::var(name).ok()))
    }

    fn from_locales(locales: impl IntoIterator<Item = Option<String>>) -> Self {
        let first = locales.into_iter().flatten().find(|locale| !locale.is_empty());
        if first.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh")) {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// The text of this language.
    pub fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let lang = |locales: [Option<&str>; 2]| {
            Lang::from_locales(locales.map(|locale| locale.map(String::from)))
        };
        assert_eq!(lang([None, Some("zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(lang([Some("zh_TW"), Some("en_US")]), Lang::Zh);
        assert_eq!(lang([Some("C"), Some("zh_CN.UTF-8")]), Lang::En);
        assert_eq!(lang([Some(""), Some("zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(lang([None, None]), Lang::En);
    }
}
