//! Settings: the example is the default, and every refusal names its place.

use std::path::Path;

use super::{Config, Error};

const EXAMPLE: &str = include_str!("../../config/example.toml");

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, Error> {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::from_toml(text, Path::new("s.toml"), environment)
}

fn refusal(text: &str, environment: &[(&str, &str)]) -> String {
    read(text, environment).expect_err("refused").to_string()
}

#[test]
fn the_example_is_the_default() {
    assert_eq!(read(EXAMPLE, &[]).expect("the example loads"), Config::default());
    assert_eq!(read("", &[]).expect("nothing is needed"), Config::default());
}

#[test]
fn the_example_names_every_setting() {
    let all = toml::Table::try_from(Config::default()).expect("a table");
    let example: toml::Table = toml::from_str(EXAMPLE).expect("TOML");
    assert_eq!(all, example);
    for optional in [
        "# certificate = ",
        "# key = ",
        "# development_ca = ",
        "# file = ",
        "# webhook_url = ",
        "# webhook_secret = ",
        "# webhook_ca = ",
        "# smtp_host = ",
        "# smtp_from = ",
        "# smtp_user = ",
        "# smtp_password = ",
        "# smtp_ca = ",
    ] {
        assert!(EXAMPLE.contains(optional), "{optional}");
    }
}

#[test]
fn what_was_written_is_read_back() {
    let mut config = Config::default();
    config.tls.development_ca = Some("certs".into());
    assert_eq!(read(&config.to_toml(), &[]).expect("reads"), config);
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let text = "[gateway]\n\nlistne = \"127.0.0.1:1\"\n";
    let told = refusal(text, &[]);
    assert!(told.starts_with("s.toml:3: unknown field `listne`"), "{told}");
    assert!(refusal("[gatway]\n", &[]).starts_with("s.toml:1:"));
    assert!(refusal("[log]\nlevel = \"loud\"\n", &[]).starts_with("s.toml:2:"));
    assert!(refusal("[log\n", &[]).starts_with("s.toml:1:"));
}

#[test]
fn a_value_that_cannot_be_meant_is_refused_with_its_line_and_advice() {
    for (text, place, advice) in [
        ("[limits]\nidle_seconds = 0\n", "s.toml:2: limits.idle_seconds", "from 1 to 3600"),
        ("[limits]\nmax_concurrent_streams = 101\n", "s.toml:2:", "from 1 to 100"),
        ("[gateway]\npublic_url = \"http://a\"\n", "s.toml:2: gateway.public_url", "https://"),
        ("[gateway]\npublic_url = \"https://a/b\"\n", "s.toml:2:", "no path"),
        ("[gateway]\npublic_url = \"https://u@a\"\n", "s.toml:2:", "no path"),
        ("[gateway]\nalso_hosts = [\"a/b\"]\n", "s.toml:2:", "host or host:port"),
        ("[gateway]\nsecurity_contact = \"me\"\n", "s.toml:2:", "mailto:"),
        ("[tls]\ncertificate = \"c\"\n", "s.toml:2: tls.certificate", "tls.key"),
        ("[tls]\nkey = \"k\"\n", "s.toml:2: tls.key", "tls.certificate"),
        ("\n[storage]\nfolder = \"\"\n", "s.toml:3: storage.folder", "objects"),
        ("[database]\npath = \"\"\n", "s.toml:2: database.path", "strongroom.db"),
        ("[notices]\nwebhook_url = \"http://a\"\n", "s.toml:2: notices.webhook_url", "https://"),
        ("[notices]\nwebhook_url = \"https://a\"\n", "s.toml:2:", "webhook_secret"),
        ("[notices]\nsmtp_host = \"a\"\n", "s.toml:2: notices.smtp_host", "smtp_to"),
        ("[notices]\nsmtp_user = \"a\"\n", "s.toml:2: notices.smtp_user", "smtp_password"),
    ] {
        let told = refusal(text, &[]);
        assert!(told.starts_with(place), "{told}");
        assert!(told.contains(advice), "{told}");
    }
}

#[test]
fn the_environment_replaces_single_settings() {
    let config = read(
        "[limits]\nidle_seconds = 5\n",
        &[
            ("STRONGROOM_LIMITS__IDLE_SECONDS", "7"),
            ("STRONGROOM_GATEWAY__ALSO_HOSTS", "a.example, b.example:8443"),
            ("STRONGROOM_TLS__DEVELOPMENT_CA", "8443"),
            ("STRONGROOM_PROFILE", "belongs to the command line"),
            ("OTHER__THING", "x"),
        ],
    )
    .expect("accepted");
    assert_eq!(config.limits.idle_seconds, 7);
    assert_eq!(config.gateway.also_hosts, ["a.example", "b.example:8443"]);
    assert_eq!(config.tls.development_ca.as_deref(), Some(Path::new("8443")));
}

#[test]
fn a_wrong_variable_is_named() {
    for (variable, value) in [
        ("STRONGROOM_LIMITS__IDLE", "1"),
        ("STRONGROOM_LIMITS__IDLE_SECONDS", "soon"),
        ("STRONGROOM_LIMITS__IDLE_SECONDS", "0"),
        ("STRONGROOM_LOG__LEVEL", "loud"),
        ("STRONGROOM_NOTHING__AT_ALL", "1"),
    ] {
        let told = refusal("", &[(variable, value)]);
        assert!(told.contains(variable), "{told}");
    }
}

#[test]
fn relative_paths_start_at_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("strongroom.toml");
    std::fs::write(&path, "[storage]\nfolder = \"/elsewhere\"\n").expect("written");
    let config = Config::load(&path, []).expect("loads");
    assert_eq!(config.database.path, folder.path().join("strongroom.db"));
    assert_eq!(config.storage.folder, Path::new("/elsewhere"));
    let missing = Config::load(&folder.path().join("none.toml"), []).expect_err("missing");
    assert!(missing.to_string().contains("config/example.toml"), "{missing}");
}

#[test]
fn the_public_host_is_read_from_the_url() {
    for (url, authority, host) in [
        ("https://Files.Example.cn", "files.example.cn", "files.example.cn"),
        ("https://a.example:443/", "a.example", "a.example"),
        ("https://a.example:8443", "a.example:8443", "a.example"),
        ("https://[::1]:8443", "[::1]:8443", "::1"),
    ] {
        let config = read(&format!("[gateway]\npublic_url = \"{url}\"\n"), &[]).expect(url);
        assert_eq!(config.gateway.authority(), authority);
        assert_eq!(config.gateway.host(), host);
    }
}
