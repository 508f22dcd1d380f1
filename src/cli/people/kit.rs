//! The recovery kit: 32 random bytes that unlock the keyring when device and passphrase are
//! lost, written to be printed, with a check so that a wrong character is noticed.
//!
//! 35 bytes (the kit and three of a check) are 56 letters of Crockford's base 32 in groups of
//! four; `O` reads as `0`, `I` and `L` as `1`.

use zeroize::Zeroizing;

use crate::envelope::statement::Hash;
use crate::ids::{KeyId, MemberId};
use crate::secrets::Secret;
use crate::trust::Spoken;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECK_LABEL: &[u8] = b"strongroom/v1/kit/check";
const LETTERS: usize = 56;

/// What stands around the kit on the page.
#[derive(Clone, Debug)]
pub struct KitPage<'a> {
    /// The firm's name.
    pub firm: &'a str,
    /// The gateway's address.
    pub gateway: &'a str,
    /// The login name.
    pub login: &'a str,
    /// Whose kit it is.
    pub member: MemberId,
    /// The root key's fingerprint: a new device takes no other.
    pub root: KeyId,
    /// The words of the member's recipient.
    pub words: Spoken,
}

/// A kit as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kit {
    /// The 32 bytes.
    pub secret: Secret<32>,
    /// Whose it is, where the page was read and not its letters alone.
    pub member: Option<MemberId>,
    /// The root key's fingerprint, where the page was read.
    pub root: Option<KeyId>,
}

const MEMBER: &str = "member 成员     ";
const ROOT: &str = "root 根密钥     ";

fn check(kit: &Secret<32>) -> [u8; 3] {
    let bytes = Zeroizing::new([CHECK_LABEL, kit.expose()].concat());
    let [a, b, c, ..] = Hash::of(&bytes).0;
    [a, b, c]
}

/// The kit as letters in groups, two lines of seven.
fn letters(kit: &Secret<32>) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 35]);
    bytes[..32].copy_from_slice(kit.expose());
    bytes[32..].copy_from_slice(&check(kit));
    let mut text = Zeroizing::new(String::with_capacity(80));
    for (at, five) in bytes.chunks_exact(5).enumerate() {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for letter in 0..8 {
            let value = (bits >> (35 - 5 * letter)) & 31;
            text.push(char::from(ALPHABET[value as usize]));
            let count = at * 8 + letter + 1;
            match count {
                28 => text.push('\n'),
                LETTERS => {}
                _ if count.is_multiple_of(4) => text.push('-'),
                _ => {}
            }
        }
    }
    text
}

/// The page to print.
pub fn page(kit: &Secret<32>, page: KitPage<'_>) -> Zeroizing<String> {
    let KitPage { firm, gateway, login, member, root, words } = page;
    let letters = letters(kit);
    let mut text = Zeroizing::new(String::with_capacity(2048));
    text.push_str(
        "Strongroom recovery kit · Strongroom 恢复套件\n\
         \n\
         Print this page, keep the paper where only you can reach it, and delete the file.\n\
         Whoever holds it can log in as you and open every document that you can open.\n\
         With a new device:  strongroom login --gateway URL --login LOGIN --kit FILE\n\
         \n\
         请打印本页并妥善保管，然后删除此文件。持有本页者可以您的身份登录并打开您能打开的所有文档。\n\
         更换设备时运行：strongroom login --gateway 网关地址 --login 登录名 --kit 文件\n\
         \n",
    );
    for (name, value) in [
        ("firm 机构       ", crate::cli::terminal::printable(firm)),
        ("gateway 网关    ", gateway.to_owned()),
        ("login 登录名    ", crate::cli::terminal::printable(login)),
        (MEMBER, member.to_string()),
        (ROOT, root.to_string()),
        ("words 核对词    ", format!("{}\n                {}", words.zh, words.en)),
    ] {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push_str("\nkit 套件\n");
    text.push_str(&letters);
    text.push('\n');
    text
}

/// Reads a kit from a page, from a file with nothing but its letters, or from what somebody
/// typed. `None` when a character is wrong.
pub fn read(text: &str) -> Option<Kit> {
    let line =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    Some(Kit {
        secret: read_letters(text)?,
        member: line(MEMBER).and_then(|id| id.trim().parse().ok()),
        root: line(ROOT).and_then(|id| id.trim().parse().ok()),
    })
}

fn read_letters(text: &str) -> Option<Secret<32>> {
    let is_group_line =
        |line: &&str| line.split('-').count() == 7 && line.split('-').all(|group| group.len() == 4);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(is_group_line).collect();
    let joined = if lines.len() == 2 { lines.concat() } else { text.to_owned() };
    let joined = Zeroizing::new(joined);
    let mut bytes = Zeroizing::new(Vec::with_capacity(35));
    let (mut bits, mut count) = (0_u64, 0);
    for c in joined.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let value = match c.to_ascii_uppercase() {
            'O' => 0,
            'I' | 'L' => 1,
            c => ALPHABET.iter().position(|a| char::from(*a) == c)?,
        };
        bits = bits << 5 | value as u64;
        count += 1;
        if count % 8 == 0 {
            bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
            bits = 0;
        }
        if count > LETTERS {
            return None;
        }
    }
    let (kit, found) = bytes.split_at_checked(32)?;
    let kit = Secret::from_slice(kit)?;
    (count == LETTERS && check(&kit) == found).then_some(kit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::spoken;

    fn printed(kit: &Secret<32>) -> Zeroizing<String> {
        let around = KitPage {
            firm: "云杉代账-记账",
            gateway: "https://files.example:8443",
            login: "wang-li",
            member: MemberId::from_bytes([7; 16]),
            root: KeyId::from_bytes([9; 16]),
            words: spoken(&Hash::of(b"a key")),
        };
        page(kit, around)
    }

    #[test]
    fn a_printed_kit_is_read_back_however_it_is_typed() {
        let kit = Secret::random();
        let bare = letters(&kit);
        let alone = Kit { secret: kit.clone(), member: None, root: None };
        let whole = Kit {
            member: Some(MemberId::from_bytes([7; 16])),
            root: Some(KeyId::from_bytes([9; 16])),
            ..alone.clone()
        };
        assert_eq!(read(&printed(&kit)), Some(whole));
        assert_eq!(read(&bare), Some(alone.clone()));
        assert_eq!(read(&bare.to_lowercase().replace('-', " ")), Some(alone.clone()));
        assert_eq!(read(&bare.replace('0', "O").replace('1', "l")), Some(alone));
    }

    #[test]
    fn a_wrong_character_is_noticed() {
        let kit = Secret::random();
        let bare = letters(&kit);
        for (at, c) in bare.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()) {
            let other = if c == 'Z' { 'Y' } else { 'Z' };
            let mut wrong = bare.to_string();
            wrong.replace_range(at..=at, &other.to_string());
            assert_eq!(read(&wrong), None, "{at}");
        }
        assert_eq!(read(""), None);
        assert_eq!(read(&bare[..bare.len() - 1]), None);
        assert_eq!(read(&format!("{}A", *bare)), None);
    }
}
