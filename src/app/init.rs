//! `init`: founds a firm on the device of its first lead.
//!
//! Order matters: settings and secrets are on the disk before the database names them, and
//! the command ends only when the lead has joined by the front door and holds the root key
//! and the three recovery shares. What failed half-way is removed again; nothing of somebody
//! else's is ever overwritten.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::Error;
use super::founding::{self, Founding};
use super::gateway::Gateway;
use super::person::{Person, text};
use crate::cli::profile::{Profile, write_new_private};
use crate::cli::{Context, Exit};
use crate::clock::Clock;
use crate::config::Config;
use crate::firm::Foundation;
use crate::identity::GatewaySecrets;
use crate::store::Store;

/// The settings' file in a data folder.
pub(super) const CONFIG: &str = "strongroom.toml";
/// The gateway's secrets in a data folder.
pub(super) const SECRETS: &str = "secrets.json";
/// The database in a data folder.
pub(super) const DATABASE: &str = "strongroom.db";
/// The payloads in a data folder.
const OBJECTS: &str = "objects";
/// The development CA in a data folder.
pub(super) const CERTS: &str = "certs";

/// Found a firm: root key, recovery shares, first lead · 创建机构
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom init --data /srv/strongroom --firm 申城代理记账 \\
    --url https://files.example.cn:8443 --profile ~/lead
  strongroom serve --config /srv/strongroom/strongroom.toml")]
pub struct InitArgs {
    /// The gateway's data folder, made new · 新建的网关数据文件夹
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The firm's name · 机构名称
    #[arg(long, value_name = "NAME")]
    pub firm: String,
    /// The address people will type, e.g. `https://files.example.cn:8443` · 对外网址
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The first lead's login name · 首位主管会计的登录名
    #[arg(long, value_name = "LOGIN", default_value = "lead")]
    pub login: String,
    /// The first lead's name as others see it · 首位主管会计的姓名
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Take the lead's passphrase from the first line of this file · 从文件首行读取主管会计的口令
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// What `init` prints.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The root key's fingerprint.
    pub root: String,
    /// The settings' file.
    pub config: PathBuf,
    /// The three recovery shares.
    pub shares: Vec<PathBuf>,
    /// The first lead.
    pub member: String,
    /// Their login name.
    pub login: String,
    /// Their recovery kit.
    pub kit: String,
    /// The CA to hand out, where the program made one.
    pub ca: Option<PathBuf>,
}

/// Runs the command: `--profile` names the lead's new profile folder.
pub(super) async fn run(context: &Context, args: &InitArgs) -> Result<(), Error> {
    let profile = context.profile_dir().map_err(|e| Error::from_person(&e))?;
    let asked = match &args.passphrase_file {
        Some(_) => None,
        None => crate::cli::people::new_passphrase(None, &context.terminal)
            .map_err(|e| Error::from_person(&e))?,
    };
    let mut args = args.clone();
    if asked.is_some() {
        args.passphrase_file = Some("-".into());
    }
    let asked = asked.as_ref().map(|passphrase| passphrase.as_str());
    let outcome = init(&args, &profile, &Clock::System, asked).await?;
    let terminal = context.terminal;
    terminal
        .result(&outcome, || {
            let shares: Vec<_> = outcome.shares.iter().map(|s| format!("    {}", s.display())).collect();
            let shares = shares.join("\n");
            let config = outcome.config.display();
            let profile = profile.display();
            terminal
                .pick(
                    &format!(
                        "The firm is founded. Root key {}\n\n1. Give these three shares to three officers and delete them here:\n{shares}\n2. Print the recovery kit {} and keep it locked away.\n3. Start the gateway:  strongroom serve --config {config}\n4. Rehearse the recovery with two officers; documents are served only after that:\n   strongroom --profile {profile} recover --rehearse --shares SHARE SHARE",
                        outcome.root, outcome.kit
                    ),
                    &format!(
                        "机构已创建。根密钥 {}\n\n1. 把以下三份恢复份额交给三位管理人员保管，并从本机删除：\n{shares}\n2. 打印恢复套件 {} 并锁好。\n3. 启动网关：  strongroom serve --config {config}\n4. 由两位管理人员演练恢复；演练之前网关不提供文档服务：\n   strongroom --profile {profile} recover --rehearse --shares 份额 份额",
                        outcome.root, outcome.kit
                    ),
                )
                .to_owned()
        })
        .map_err(|e| Error::from_person(&e))
}

/// Founds a firm in `args.data`, with the lead's profile in `profile`.
/// `passphrase` is for `--passphrase-file -`.
pub(super) async fn init(
    args: &InitArgs,
    profile: &Path,
    clock: &Clock,
    passphrase: Option<&str>,
) -> Result<Outcome, Error> {
    let url = args.url.trim_end_matches('/');
    if Profile::exists(profile) {
        return Err(Error::new(
            "profile_exists",
            format!("{} 已有一个身份；请换一个 --profile 目录", profile.display()),
            format!("{} holds a profile already; choose another --profile", profile.display()),
        ));
    }
    let data = NewFolder::make(&args.data)?;
    let done = found(args, url, data.path(), profile, clock, passphrase).await;
    match done {
        Ok(outcome) => {
            data.keep();
            Ok(outcome)
        }
        Err(error) => {
            data.remove();
            Err(error)
        }
    }
}

/// Founds a firm in the empty folder `data`. `passphrase` is for `--passphrase-file -`.
pub(super) async fn found(
    args: &InitArgs,
    url: &str,
    data: &Path,
    profile: &Path,
    clock: &Clock,
    passphrase: Option<&str>,
) -> Result<Outcome, Error> {
    let config_path = data.join(CONFIG);
    let mut config = settings(url, &config_path)?;
    write(&config_path, config.to_toml().as_bytes())?;
    config.resolve(data);
    let secrets = GatewaySecrets::random();
    secrets.create(&config.gateway.secrets).map_err(|e| {
        Error::because("cannot_write", ("无法写入密钥文件", "cannot write the secrets"), &e)
    })?;
    let founding = founding::found(&secrets, clock.now());
    store_foundation(args, url, &config, &founding, clock).await?;

    // The lead joins by the front door of a gateway that only this machine reaches.
    config.gateway.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.gateway.metrics_listen = config.gateway.listen;
    let gateway = Gateway::start(&config, clock.clone()).await?;
    let ca = data.join(CERTS).join("ca.pem");
    let lead = Person::new(profile, &ca);
    let link = format!(
        "https://{}/i/{}#{}",
        gateway.local_addr(),
        founding.invitation,
        founding.fragment.encode().as_str()
    );
    let joined = join(&lead, args, url, &link, passphrase).await;
    gateway.stop().await;
    let joined = joined?;
    settle(args, url, &founding, &config_path, &ca, profile, &joined)
}

/// The settings of a new firm: everything in the data folder, a development CA, and the port
/// that people will type.
fn settings(url: &str, path: &Path) -> Result<Config, Error> {
    let mut config = Config::default();
    url.clone_into(&mut config.gateway.public_url);
    config.gateway.secrets = SECRETS.into();
    config.tls.development_ca = Some(CERTS.into());
    config.storage.folder = OBJECTS.into();
    config.database.path = DATABASE.into();
    let refused = |e: crate::config::Error| {
        Error::because("bad_settings", ("设置无效", "the settings are not valid"), &e)
            .exiting(Exit::Usage)
    };
    Config::from_toml(&config.to_toml(), path, []).map_err(refused)?;
    let authority = config.gateway.authority();
    let port = authority.rsplit(':').next().and_then(|p| p.parse().ok()).unwrap_or(443);
    let host: IpAddr = match config.gateway.host().as_str() {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
    };
    // An address of this machine's is listened on; a name may lead through a router.
    let host = if host.is_loopback() { host } else { Ipv4Addr::UNSPECIFIED.into() };
    config.gateway.listen = SocketAddr::from((host, port));
    Ok(config)
}

async fn store_foundation(
    args: &InitArgs,
    url: &str,
    config: &Config,
    founding: &Founding,
    clock: &Clock,
) -> Result<(), Error> {
    let what = ("无法建立数据库", "the database cannot be made");
    let store = Store::open(&config.database.path)
        .await
        .map_err(|e| Error::because("database", what, &e))?;
    let foundation = Foundation {
        root: founding.root.public(),
        name: args.firm.clone(),
        url: url.to_owned(),
        statements: founding.statements.clone(),
        token_hash: founding.token_hash,
        canary: founding.canary.clone(),
        canary_proof: founding.canary_proof,
    };
    let filed = async {
        let mut tx = store.write().await?;
        crate::firm::found(&mut tx, foundation, clock.now()).await?;
        tx.commit().await?;
        Ok::<_, crate::firm::Error>(())
    };
    filed.await.map_err(|e| Error::because("database", what, &e))?;
    store.close().await;
    Ok(())
}

async fn join(
    lead: &Person,
    args: &InitArgs,
    url: &str,
    link: &str,
    passphrase: Option<&str>,
) -> Result<serde_json::Value, Error> {
    let name = args.name.clone().unwrap_or_else(|| args.login.clone());
    let mut words: Vec<&OsStr> =
        ["join", "-", "--login", &args.login, "--name", &name, "--kit-gateway", url]
            .map(OsStr::new)
            .to_vec();
    if let Some(file) = &args.passphrase_file {
        words.push(OsStr::new("--passphrase-file"));
        words.push(file.as_os_str());
    }
    let input = zeroize::Zeroizing::new(format!("{link}\n{}\n", passphrase.unwrap_or_default()));
    lead.run(&words, Some(&input)).await
}

/// What stays with the lead: the root key, the shares, the gateway's real address.
fn settle(
    args: &InitArgs,
    url: &str,
    founding: &Founding,
    config: &Path,
    ca: &Path,
    profile: &Path,
    joined: &serde_json::Value,
) -> Result<Outcome, Error> {
    let person = |e: crate::cli::Error| Error::from_person(&e);
    let lead = Profile::open(profile).map_err(person)?;
    let keys = lead.keys().map_err(person)?;
    let root =
        crate::cli::firm::seal_root(&founding.root_seed, &keys.recipient()).map_err(person)?;
    write(&profile.join("root.age"), &root)?;
    let mut shares = Vec::new();
    for share in &founding.shares {
        let path = profile.join(format!("recovery-share-{}.txt", share.number()));
        let page = format!(
            "# 恢复份额：任意两份可打开机构的全部文档。请单独保管，不要与另一份放在一起。\n# A recovery share: any two open every document of the firm. Keep it apart from the others.\n# {}\n\n{share}",
            args.firm.replace(char::is_control, " "),
        );
        write(&path, zeroize::Zeroizing::new(page).as_bytes())?;
        shares.push(path);
    }
    lead.relocate(url).map_err(person)?;
    Ok(Outcome {
        root: founding.root.key_id().to_string(),
        config: config.to_owned(),
        shares,
        member: text(joined, "member")?,
        login: args.login.clone(),
        kit: text(joined, "kit")?,
        ca: Some(ca.to_owned()),
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_new_private(path, bytes).map_err(|e| {
        let shown = path.display();
        Error::because(
            "cannot_write",
            (&format!("无法写入 {shown}"), &format!("cannot write {shown}")),
            &e,
        )
    })
}

/// A folder that was not there, or was empty, and is emptied again unless kept.
pub(super) struct NewFolder {
    path: PathBuf,
    made: bool,
}

impl NewFolder {
    /// Makes it, absolute; refuses one that holds anything.
    pub(super) fn make(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let cannot = |e: std::io::Error| {
            Error::because(
                "cannot_write",
                (&format!("无法建立 {shown}"), &format!("cannot make {shown}")),
                &e,
            )
        };
        let made = !path.exists();
        std::fs::create_dir_all(path).map_err(cannot)?;
        let path = path.canonicalize().map_err(cannot)?;
        if std::fs::read_dir(&path).map_err(cannot)?.next().is_some() {
            return Err(Error::new(
                "folder_not_empty",
                format!("{shown} 不是空目录；请换一个 --data 目录"),
                format!("{shown} is not empty; choose another --data folder"),
            )
            .exiting(Exit::Failed));
        }
        set_private(&path).map_err(cannot)?;
        Ok(Self { path, made })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn keep(self) {}

    /// Removes what was put there, and the folder where this made it. Best effort: whoever
    /// called is about to report something worse.
    pub(super) fn remove(self) {
        for entry in std::fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
        }
        if self.made {
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

fn set_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}
