//! Every message of an error, in both languages, with its code and exit status. A table: it is
//! long because there is much to say, and each entry says the next step.

use super::error::Exit;
use super::lang::Lang;

macro_rules! words {
    ($($name:ident $exit:ident $code:literal $en:literal $zh:literal;)*) => {
        /// What can be said about a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Word {
            $(#[doc = $en] $name,)*
        }

        impl Word {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The exit status.
            pub const fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit,)* }
            }

            /// The message; `{0}`, `{1}` stand for what it is about.
            pub const fn text(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::En) => $en, (Self::$name, Lang::Zh) => $zh,)*
                }
            }
        }
    };
}

impl Word {
    /// Whether the gateway's own detail says more than the word.
    pub(super) fn is_general(self) -> bool {
        matches!(self, Self::BadRequest | Self::StatementRefused | Self::WrongState)
    }

    /// The word with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.code() == code)
    }
}

words! {
    // The command line.
    Usage Usage "usage"
        "{0}"
        "{0}";
    ClientNeeded Usage "client_needed"
        "you see more than one client: say which with --client ID (strongroom whoami lists them)"
        "您可见不止一个客户：请用 --client ID 指明（strongroom whoami 会列出）";
    NoClient Refused "no_client"
        "you see no client yet: ask your accounting firm to invite or assign you"
        "您目前没有可见的客户：请联系会计机构邀请或分户";
    NothingToPull Usage "nothing_chosen"
        "say what to pull: document ids, --client with --period, --new or --all"
        "请说明要取哪些文档：文档编号、--client 加 --period、--new 或 --all";
    NothingToSend Usage "nothing_to_send"
        "name at least one file to send; - stands for standard input"
        "请至少给出一个要发送的文件；- 表示标准输入";
    NameNeedsOneFile Usage "name_needs_one_file"
        "--name can rename one file only: send the files one by one"
        "--name 只能用于一个文件：请逐个发送";
    NoTerminal Usage "no_terminal"
        "there is no terminal to ask on: give {0}"
        "没有可供输入的终端：请给出 {0}";
    BadLink Usage "bad_link"
        "the link is not complete: copy the whole of it, with everything after the #"
        "链接不完整：请复制整条链接，包括 # 之后的全部内容";
    BadUrl Usage "bad_url"
        "{0} is not the address of a gateway: it begins with https:// and has a host"
        "{0} 不是网关地址：应以 https:// 开头并带主机名";
    GatewayNeeded Usage "gateway_needed"
        "{0} does not say which gateway and firm it is of: use the profile it was made with (--profile DIR), or give --gateway URL and --root KEY"
        "{0} 未说明来自哪个网关和机构：请使用当时的用户档案（--profile 文件夹），或给出 --gateway 网址和 --root 根密钥";
    BadDuration Usage "bad_duration"
        "{0} is not a length of time such as 12h or 7d"
        "{0} 不是时长，例如 12h 或 7d";
    ClientForRole Usage "client_for_role"
        "a principal or clerk belongs to one client: add --client ID; other roles have none"
        "负责人和经办人属于某一客户：请加 --client ID；其他角色不带客户";
    FromNeeded Usage "from_needed"
        "say who you are, in up to 200 bytes on one line: --from NAME"
        "请说明您是谁（一行，不超过 200 字节）：--from 姓名";
    TooManyRotations Failed "too_many_rotations"
        "this keyring has been rotated {0} times and holds no more old keys: have yourself suspended and join anew"
        "此密钥环已轮换 {0} 次，无法再保存旧密钥：请由主管停用后重新加入";
    NothingToChange Usage "nothing_to_change"
        "say what to change: --on-arrival, --post-quantum or --clerk-reads"
        "请说明要更改什么：--on-arrival、--post-quantum 或 --clerk-reads";
    Ambiguous Usage "ambiguous"
        "more than one id begins with {0}: give more digits ({1})"
        "不止一个编号以 {0} 开头：请多给几位（{1}）";
    BadSince Usage "bad_since"
        "{0} is no point in time: give a month (2026-11), a day (2026-11-24), a time (2026-11-24T16:40:00Z) or a length back from now (7d, 12h)"
        "{0} 不是时间：请给出月份（2026-11）、日期（2026-11-24）、时刻（2026-11-24T16:40:00Z）或倒推时长（7d、12h）";
    BadLogin Usage "bad_login"
        "{0} is no login name: up to 128 bytes of letters, digits and . _ - @ +, without spaces, e.g. wang.li"
        "{0} 不能作为登录名：不超过 128 字节，只含字母、数字和 . _ - @ +，不含空格，例如 wang.li";
    BadName Usage "bad_name"
        "{0} must be a name of 1 to 200 bytes on one line, without spaces at its ends"
        "{0} 必须是一行 1 到 200 字节的名称，首尾无空格";
    TooLong Usage "too_long"
        "--expires {0} is longer than {1} days, the most that is allowed: choose a shorter time"
        "--expires {0} 超过上限 {1} 天：请缩短有效期";
    OutOfRange Usage "out_of_range"
        "{0} is out of range: {1}"
        "{0} 超出范围：{1}";
    NdaDates Usage "nda_dates"
        "the confidentiality agreement would end before it begins: --nda-until must lie after --nda-from"
        "保密协议的截止日早于起始日：--nda-until 须晚于 --nda-from";
    BadJurisdiction Usage "bad_jurisdiction"
        "--jurisdiction {0} is not a country or region in two letters, e.g. CN, HK, SG"
        "--jurisdiction {0} 不是两个字母的国家或地区代码，例如 CN、HK、SG";
    SamePerson Usage "same_person"
        "the successor is the leaver: name somebody else with --to"
        "接任人与移交人是同一人：请用 --to 指定他人";
    IsInvitation Usage "is_invitation"
        "this is an invitation; it is for: strongroom join 'LINK'"
        "这是邀请链接，请运行：strongroom join '链接'";
    IsRequestLink Usage "is_request_link"
        "this is a request link, for sending files; it is for: strongroom send FILE --link 'LINK' --from NAME"
        "这是上传链接，用于发送文件，请运行：strongroom send 文件 --link '链接' --from 姓名";
    IsShareLink Usage "is_share_link"
        "this is a share link, for receiving documents; it is for: strongroom receive 'LINK' --code CODE --to DIR"
        "这是分享链接，用于接收文档，请运行：strongroom receive '链接' --code 提取码 --to 文件夹";
    IsArrival Usage "is_arrival"
        "this is an address for curl; it is for: curl -T FILE 'ADDRESS/'"
        "这是 curl 地址，请运行：curl -T 文件 '地址/'";
    LinkTooSmall Refused "link_limit"
        "{0} is larger than the whole link takes ({1} bytes), so nothing of it was sent: ask whoever sent you the link for a larger one"
        "{0} 超过链接允许的总大小（{1} 字节），未发送任何内容：请向提供链接的人索取更大的链接";
    NotTheirBooks Refused "not_an_accountant"
        "{0} is no active accountant or lead of the firm, and clients are assigned to those alone (strongroom member list shows who is)"
        "{0} 不是在职会计或主管会计，客户只能分给他们（strongroom member list 可查看）";
    NotALead Refused "not_a_lead"
        "{0} is no active lead of the firm, and the root key goes to leads alone: invite a second one with strongroom invite --role lead"
        "{0} 不是机构的在职主管会计，根密钥只交给主管会计：请先用 strongroom invite --role lead 邀请第二位";
    ArrivalOff Refused "arrival_off"
        "the client's policy does not let the gateway seal what arrives: a lead runs strongroom policy --client {0} --on-arrival yes"
        "该客户的策略不允许网关代为封存：请主管会计运行 strongroom policy --client {0} --on-arrival yes";
    PolicyWider Refused "policy_wider"
        "a principal can narrow what the gateway may do, not widen it: ask a lead of the firm to run strongroom policy --client {0} {1}"
        "负责人只能收紧而不能放宽网关的权限：请机构的主管会计运行 strongroom policy --client {0} {1}";
    PolicyPayroll Refused "policy_payroll"
        "whether clerks read payroll is for the client's principal alone to say: they run strongroom policy --client {0} --clerk-reads …,payroll"
        "经办人能否查看工资表只能由客户的负责人决定：请负责人运行 strongroom policy --client {0} --clerk-reads …,payroll";
    BadCategories Usage "bad_categories"
        "{0} is not a list of receipts, bank, payroll, tax, contract, report, other"
        "{0} 不是由 receipts、bank、payroll、tax、contract、report、other 组成的列表";

    HandoverPending Failed "handover_pending"
        "the successor is assigned, but of one client {0} documents still lack a header: the leaver runs strongroom rewrap, then run this again"
        "接任人已分户，但某客户仍有 {0} 份文档待补封：请移交人先运行 strongroom rewrap，再运行本命令";
    HandoverUnsigned Failed "handover_unsigned"
        "the list is drawn up and nothing has ended yet; still to sign: {1}: each runs strongroom handover sign {0}, then run this again"
        "清册已生成，尚未结束任何权限；尚未签署：{1}：请各自运行 strongroom handover sign {0}，再运行本命令";
    NothingToHandOver Refused "nothing_to_hand_over"
        "{0} looks after no client"
        "{0} 未负责任何客户";
    HandoverChanged Unverified "handover_changed"
        "the list signed in {0} does not match the gateway, so nothing was signed or ended: draw it up anew into another file"
        "{0} 所签清册与网关不符，未签署也未结束任何权限：请另存新文件重新生成";
    BadHandover Unverified "bad_handover"
        "{0} is not a hand-over of this firm between these two people"
        "{0} 不是本机构这两人之间的移交声明";

    ReasonRequired Refused "reason_required"
        "the books of that period are closed: say why you open it with --reason TEXT; the client reads it"
        "该期间已结账：请用 --reason 说明打开事由，客户可见";
    // Files on this machine.
    NoSuchMember Refused "no_such_member"
        "{0} is no active member of the firm with a key of their own (strongroom member list shows who is)"
        "{0} 不是机构中持有密钥的在职成员（strongroom member list 可查看）";
    NoSuchFile Failed "no_such_file"
        "there is no file {0}: check the name"
        "找不到文件 {0}：请检查文件名";
    IsFolder Failed "is_folder"
        "{0} is a folder: name the files in it"
        "{0} 是文件夹：请给出其中的文件";
    NotAFile Failed "not_a_file"
        "{0} is neither a file nor standard input: send its content through -"
        "{0} 既不是文件也不是标准输入：请用 - 从管道发送其内容";
    CannotRead Failed "cannot_read"
        "{0} cannot be read: check that it is there and that you may read it"
        "无法读取 {0}：请确认文件存在且您有读取权限";
    CannotWrite Failed "cannot_write"
        "{0} cannot be written: check the folder and its permissions"
        "无法写入 {0}：请检查文件夹及其权限";
    DiskFull Failed "disk_full"
        "no room left on the disk for {0}: free some and run the same command again"
        "磁盘空间不足，无法写入 {0}：请腾出空间后重新运行同一命令";
    FileExists Failed "file_exists"
        "{0} is there already: name another file"
        "{0} 已存在：请换一个文件名";
    FileChanged Failed "file_changed"
        "{0} changed while it was being sent; nothing of it was kept: send it again once nobody writes to it"
        "{0} 在发送过程中发生变化，未保留任何内容：请在无人写入后重新发送";
    TooLargeHere Failed "file_too_large"
        "{0} is larger than the gateway takes: split it or ask the firm for a higher limit"
        "{0} 超过网关允许的大小：请拆分文件或联系机构提高上限";
    NameTooLong Failed "name_too_long"
        "the name or note of {0} is too long to be sealed: shorten it"
        "{0} 的名称或备注过长，无法封存：请缩短";
    Interrupted Failed "interrupted"
        "stopped; what was not finished can be sent with the same command again"
        "已停止；未完成的部分可用同一命令继续发送";
    Output Failed "output"
        "the result cannot be written to standard output"
        "结果无法写到标准输出";
    Internal Failed "internal"
        "something went wrong inside: {0}; please report it"
        "内部错误：{0}；请报告此问题";

    // The profile.
    NoProfile Failed "no_profile"
        "there is no profile in {0}: join with the invitation you were sent, or log in, or name another folder with --profile"
        "{0} 中没有用户档案：请用收到的邀请链接执行 join，或执行 login，或用 --profile 指定其他文件夹";
    ProfileExists Failed "profile_exists"
        "{0} holds a profile already: name another folder with --profile"
        "{0} 已有用户档案：请用 --profile 指定其他文件夹";
    ProfileDamaged Failed "profile_damaged"
        "{0} is damaged or was changed by hand: restore it from a copy, or log in again into another folder (strongroom --profile NEW login …)"
        "{0} 已损坏或被改动：请从备份恢复，或在另一文件夹重新登录（strongroom --profile 新文件夹 login …）";
    ProfileOther Failed "profile_other"
        "the profile in {0} belongs to somebody else or to another gateway: name another folder with --profile"
        "{0} 中的档案属于他人或其他网关：请用 --profile 指定其他文件夹";
    PartnerNdaExpired Refused "partner_nda_expired"
        "the partner has no confidentiality agreement that is valid now: record its dates first (strongroom partner update ID --nda-from … --nda-until …)"
        "该合作机构没有当前有效的保密协议：请先登记协议起止日期（strongroom partner update ID --nda-from … --nda-until …）";
    PartnerSuspended Refused "partner_suspended"
        "the partner is suspended: nothing is shared with it until the privacy officer resumes it"
        "该合作机构已停用：隐私专员恢复之前不能向其分享";
    PartnerExportBlocked Refused "partner_export_blocked"
        "the partner is in another jurisdiction: record route, assessment number and authorisation first (strongroom partner update ID --export-route … --assessment … --export-authorisation …)"
        "该合作机构位于境外：请先登记出境路径、影响评估编号和授权（strongroom partner update ID --export-route … --assessment … --export-authorisation …）";
    BadCode Usage "bad_code"
        "an access code has 8 letters and digits, without 0, 1, I, L and O: check what you were told"
        "提取码由 8 位字母和数字组成，不含 0、1、I、L、O：请核对";
    BadDate Usage "bad_date"
        "{0} is not a date such as 2026-12-31"
        "{0} 不是日期，例如 2026-12-31";
    BadText Usage "bad_text"
        "{0} must be one line of up to 500 bytes, without spaces at its ends"
        "{0} 必须是一行文字，不超过 500 字节，首尾无空格";
    OneClientOnly Usage "one_client_only"
        "the documents belong to more than one client: share them one client at a time"
        "这些文档属于不同客户：请按客户分别分享";
    BasisNeeded Usage "basis_needed"
        "say on what ground personal data may be passed on: --basis consent, legal_duty, de_identified or no_personal_data"
        "请说明传递个人信息的依据：--basis consent（单独同意）、legal_duty（法定义务）、de_identified（已脱敏）或 no_personal_data（无个人信息）";
    ShareNotOpen Refused "share_not_open"
        "the share does not open: the link or the code is not right, the client has not authorised it yet, or it is used up, locked or over; ask whoever sent it"
        "分享无法打开：链接或提取码不正确、客户尚未授权，或已用完、锁定、结束；请联系发送人";
    ShareUnverified Unverified "share_unverified"
        "what the gateway serves is not what the sharer signed ({0}); nothing of it was kept: tell whoever sent you the link"
        "网关提供的内容与分享人签署的不一致（{0}），未保留任何内容：请告知发送链接的人";
    LoggedOut Refused "unauthorized"
        "this device is not logged in any more, or the login, passphrase or kit is not right: check them and log in again (strongroom login …)"
        "此设备已退出登录，或登录名、口令、恢复套件不正确：请核对后重新登录（strongroom login …）";
    BadPassphraseFile Failed "bad_passphrase_file"
        "{0} holds no passphrase in its first line"
        "{0} 的第一行没有口令";
    PassphrasesDiffer Usage "passphrases_differ"
        "the two passphrases are not the same: try again"
        "两次输入的口令不一致：请重试";
    PassphraseShort Usage "passphrase_short"
        "the passphrase is shorter than 8 characters: choose a longer one"
        "口令少于 8 个字符：请换更长的口令";
    BadKit Failed "bad_kit"
        "{0} is not a recovery kit, or a character of it is wrong: compare it with the printed one"
        "{0} 不是恢复套件，或其中有字符错误：请与打印件核对";
    SecretNeeded Usage "secret_needed"
        "give --passphrase-file FILE or --kit FILE, or run on a terminal to be asked"
        "请给出 --passphrase-file 文件 或 --kit 文件，或在终端上运行以便输入";

    // The gateway refuses.
    Refused Refused "refused"
        "the gateway refused: {0}"
        "网关拒绝：{0}";
    BadRequest Refused "bad_request"
        "the gateway does not take what was given: check the values of the command"
        "网关不接受所给内容：请检查命令中的各项取值";
    NotAllowed Refused "not_allowed"
        "your role does not allow this: ask a lead of the firm"
        "您的角色不允许此操作：请联系机构的主管会计";
    KeyRevoked Refused "key_revoked"
        "your key was revoked: make another with strongroom key rotate, and read its words to a lead"
        "您的密钥已被吊销：请运行 strongroom key rotate 更换，并向主管会计念出新的核对词";
    NotFound Refused "not_found"
        "there is no such thing here for you: it is unknown, not yours, expired, used or withdrawn"
        "没有可供您使用的此项内容：可能不存在、不属于您、已过期、已使用或已撤回";
    LoginTaken Refused "login_taken"
        "somebody else has this login name: choose another with --login"
        "该登录名已被使用：请用 --login 换一个";
    ChainMoved Refused "chain_moved"
        "somebody else has changed the same thing just now: run the command again"
        "同一事项刚被他人更改：请重新运行命令";
    TooEarly Refused "too_early"
        "it would end before something that was signed with it: set this device's clock and run the command again"
        "终止时间早于其已签署的内容：请校准本机时钟后重新运行命令";
    ChecksumMismatch Unreachable "checksum_mismatch"
        "the bytes were changed on their way: run the same command again"
        "数据在传输途中被改动：请重新运行同一命令";
    DocumentExists Refused "document_exists"
        "a document with this number is there already: run the command again"
        "该编号的文档已存在：请重新运行命令";
    OffsetMismatch Refused "offset_mismatch"
        "the upload stands elsewhere than expected: run the same command again"
        "上传位置与预期不符：请重新运行同一命令";
    WrongState Refused "wrong_state"
        "this cannot be done as things stand, e.g. a document that somebody has opened is not taken back"
        "当前状态下无法执行，例如已被打开的文档不能撤回";
    TooLarge Refused "too_large"
        "this is larger than the gateway takes: split it or ask the firm for a higher limit"
        "超过网关允许的大小：请拆分或联系机构提高上限";
    Unsupported Refused "unsupported_media_type"
        "the gateway takes sealed documents only and did not recognise this as one: run the same command again"
        "网关只接收已封存的文档，未能识别此内容：请重新运行同一命令";
    StatementRefused Refused "statement_refused"
        "the gateway does not take what this device signed: check the ids and limits, and that your role may say this (strongroom whoami); log in again if your key has changed"
        "网关不接受本机签署的内容：请核对编号和限制，并确认您的角色有此权限（strongroom whoami）；若密钥已变更，请重新登录";
    WrongProof Refused "wrong_proof"
        "the gateway has another canary than this device opened: fetch the firm anew and rehearse again"
        "网关的演练密文与本机打开的不同：请重新获取机构信息后再演练";
    ManifestMismatch Refused "manifest_mismatch"
        "the gateway received something else than was signed: run the same command again"
        "网关收到的内容与签名不符：请重新运行同一命令";
    RecipientsMissing Refused "recipients_missing"
        "who may read has changed just now: run the same command again"
        "可阅读人员刚发生变更：请重新运行同一命令";
    NoAccountant Refused "no_accountant"
        "no accountant is assigned to this client, so nothing was sent: ask the firm to assign one"
        "该客户尚未分配会计，未发送任何内容：请联系机构分户";
    NotAssigned Refused "not_assigned"
        "the successor is not assigned to this client, so nothing was opened: strongroom assign --client … --to … first"
        "接任者尚未分配到该客户，未打开任何内容：请先运行 strongroom assign --client … --to …";
    NoRecovery Unverified "no_recovery_key"
        "the gateway shows no recovery key, and every firm has one, so nothing was sent: call the firm"
        "网关未出示恢复密钥，而每家机构都有恢复密钥，未发送任何内容：请致电机构核实";
    NoReadingKey Refused "no_reading_key"
        "nobody at this client can read yet, so nothing was sent: invite its principal first"
        "该客户暂无人可以阅读，未发送任何内容：请先邀请其负责人";
    NoPostQuantumKey Refused "no_post_quantum_key"
        "a reader has no post-quantum key, so nothing was sent: that member must join again"
        "某位读者没有抗量子密钥，未发送任何内容：该成员需要重新加入";
    Locked Refused "locked"
        "another command is sending the same document just now: wait for it"
        "另一命令正在发送同一文档：请等待其完成";
    TooMany Refused "too_many_requests"
        "too many tries: wait a few minutes and try again"
        "尝试次数过多：请等几分钟再试";
    NoRoom Unreachable "insufficient_storage"
        "the gateway has no room and took nothing: run the same command again later"
        "网关空间不足，未接收任何内容：请稍后重新运行同一命令";

    MethodNotAllowed Refused "method_not_allowed"
        "the gateway does not offer this: update strongroom on this device, or ask for a newer gateway"
        "网关不提供此操作：请更新本机的 strongroom，或要求升级网关";
    TusVersion Refused "tus_version"
        "the gateway speaks another version of the upload protocol: update strongroom on this device"
        "网关使用的上传协议版本不同：请更新本机的 strongroom";
    RangeNotSatisfiable Refused "range_not_satisfiable"
        "the document is shorter than expected: fetch it again from its beginning"
        "文档比预期短：请从头重新取回";

    // The gateway is away.
    BodyBroken Unreachable "body_broken"
        "the connection broke while sending: run the same command again"
        "发送时连接中断：请重新运行同一命令";
    TooSlow Unreachable "too_slow"
        "the connection is too slow and was closed: run the same command again, it goes on where it stopped"
        "连接过慢，已被关闭：请重新运行同一命令，将从中断处继续";
    Misdirected Unreachable "misdirected"
        "this gateway is not known by that name: use the address that the firm gave you"
        "该网关不使用此名称：请使用机构提供的地址";
    Unreachable Unreachable "unreachable"
        "the gateway cannot be reached: check the network and run the same command again"
        "无法连接网关：请检查网络后重新运行同一命令";
    Unavailable Unreachable "unavailable"
        "the gateway cannot do this just now: run the same command again in a minute"
        "网关暂时无法处理：请稍后重新运行同一命令";
    NotRehearsed Unreachable "not_rehearsed"
        "the firm has not rehearsed its recovery shares yet: a lead runs strongroom recover --rehearse first"
        "机构尚未演练恢复份额：请主管会计先运行 strongroom recover --rehearse";
    Certificate Unreachable "certificate"
        "the gateway's certificate is not trusted: give the firm's CA with --ca FILE, and check the address"
        "网关证书不受信任：请用 --ca 文件 指定机构的 CA，并核对地址";
    BadAnswer Unreachable "bad_answer"
        "what answered is not a gateway this program understands: check the address, or update strongroom"
        "对方不是本程序能理解的网关：请核对地址，或更新 strongroom";
    GatewayFailed Unreachable "gateway_failed"
        "the gateway failed inside: run the same command again later, or tell its administrator"
        "网关内部故障：请稍后重新运行同一命令，或告知管理员";

    // Something does not verify.
    ForeignRoot Unverified "foreign_root"
        "this is not the firm you know: its root key is another than the pinned one; do not go on, call the firm"
        "这不是您认识的机构：根密钥与已固定的不同；请勿继续，致电机构核实";
    BadInvitation Unverified "bad_invitation"
        "the invitation does not lead back to the firm's root key; do not go on, ask for a new one"
        "邀请无法追溯到机构的根密钥；请勿继续，索取新的邀请";
    BadRequestLink Unverified "bad_request_link"
        "the link does not lead back to the firm's root key, so nothing was sent: ask the firm for a new one"
        "链接无法追溯到机构的根密钥，未发送任何内容：请向机构索取新链接";
    BadDirectory Unverified "bad_directory"
        "the firm's statements do not verify against its root key, so nothing was sent or opened: call the firm"
        "机构的声明无法通过根密钥验证，未发送或打开任何内容：请致电机构核实";
    DirectoryRolledBack Unverified "directory_rolled_back"
        "the gateway shows older statements than this device has seen before, so nothing was sent or opened: call the firm"
        "网关给出的声明比本机见过的更旧，未发送或打开任何内容：请致电机构核实";
    KeyChanged Unverified "key_changed"
        "the key of member {0} has changed and nobody has confirmed it, so nothing was sealed to it. It was: {1} - it is now: {2} - call them on a number you know and let them read the words that strongroom whoami shows them; if they are the new ones: strongroom recipients confirm {0} --fingerprint 'WORDS'"
        "成员 {0} 的密钥已更换，尚无人确认，因此未向其封存任何内容。原核对词：{1}；现核对词：{2}。请拨打您已知的电话，请对方念出 strongroom whoami 显示的核对词；如与新的一致：strongroom recipients confirm {0} --fingerprint '核对词'";
    LinkKeyChanged Unverified "link_key_changed"
        "somebody at the firm has another key than when you last sent through this link, so nothing was sent. It was: {0} - it is now: {1} - call the firm, and ask for a new link if they say that it is right"
        "机构中有人的密钥与您上次通过此链接发送时不同，未发送任何内容。原核对词：{0}；现核对词：{1}。请致电机构核实，确认无误后索取新链接"
        ;
    WordsDiffer Unverified "words_differ"
        "these are not the words of the key that the gateway shows for member {0} ({1}), so nothing was confirmed: if they read the others aloud, do not go on, call the firm"
        "这不是网关所示成员 {0} 的密钥的核对词（{1}），未确认任何内容：如对方念的确是另一组，请勿继续，致电机构核实";
    BadKeyring Unverified "bad_keyring"
        "the keyring does not belong to this member's card: do not go on, call the firm"
        "密钥环与该成员的名片不符：请勿继续，致电机构核实";
    BadReceipt Unverified "bad_receipt"
        "the gateway's receipt for {0} does not verify: keep the file and call the firm"
        "网关对 {0} 的回执无法验证：请保留文件并致电机构";
    NotAReceipt Unverified "not_a_receipt"
        "{0} is not a receipt, or is damaged: get it again from where it was kept"
        "{0} 不是回执，或已损坏：请从保存处重新取得";
    BadProof Unverified "bad_proof"
        "the gateway's log does not show what the receipt {0} promises: keep the file and call the firm"
        "网关的日志未能证明回执 {0} 的承诺：请保留文件并致电机构";
    BadLog Unverified "bad_log"
        "the gateway's log is not signed by a key of the firm: call the firm"
        "网关的日志未由机构的密钥签署：请致电机构";
    PromiseBroken Unverified "promise_broken"
        "the gateway does not know the entry that the receipt {0} promises: keep the file and call the firm"
        "网关没有回执 {0} 所承诺的记录：请保留文件并致电机构";
    LogRolledBack Unverified "log_rolled_back"
        "the gateway's log is shorter than this device has seen before: part of it was cut off; keep the profile and call the firm"
        "网关的日志比本机见过的更短，部分记录已被截断：请保留档案并致电机构";
    LogForked Unverified "log_forked"
        "the gateway's log is not the one this device has seen before: it was rewritten; keep the profile and call the firm"
        "网关的日志与本机见过的不是同一份，已被改写：请保留档案并致电机构";
    BadHead Unverified "bad_head"
        "the gateway shows a chain of your documents that this device does not know, so nothing was signed: call the firm"
        "网关给出的文档链与本机记录不符，未签名：请致电机构核实";
    BadSignature Unverified "bad_signature"
        "the signature of document {0} does not verify: it was not written; ask the sender"
        "文档 {0} 的签名无法验证，未写出：请联系发送人";
    Swapped Unverified "swapped"
        "the gateway answered with another document than {0}, which was asked for: nothing was written; call the firm"
        "网关返回的不是所请求的文档 {0}，未写出：请致电机构核实";
    Missing Unverified "missing"
        "document {0} was sent and the gateway does not show it: call the firm"
        "文档 {0} 已发送，但网关未显示：请致电机构核实";
    ChainGap Unverified "chain_gap"
        "the gateway holds back what its sender signed before document {0}: it was not written; call the firm"
        "网关隐瞒了发送人在文档 {0} 之前签署的内容，未写出：请致电机构核实";
    ChainForked Unverified "chain_forked"
        "document {0} has the number of another document of the same sender: it was not written; ask the sender"
        "文档 {0} 与同一发送人的另一份文档编号相同，未写出：请联系发送人";
    ChainRolledBack Unverified "chain_rolled_back"
        "this device has seen document {0} before and the gateway shows an older state without it: call the firm"
        "本机见过文档 {0}，网关给出的是不含它的旧状态：请致电机构核实";
    ChainBroken Unverified "chain_broken"
        "the gateway holds back or has changed what was sent for client {0}: call the firm"
        "网关隐瞒或更改了客户 {0} 的来件记录：请致电机构核实";
    RowDiffers Unverified "row_differs"
        "what the gateway says of {0} is not what was signed or logged: do not rely on it, and call the firm"
        "网关关于 {0} 的说法与签署或日志内容不符：请勿采信，并致电机构核实";
    NotCosigned Unverified "not_cosigned"
        "no checkpoint that shows this is cosigned by the witness {0}: do not rely on it; ask the firm and the witness"
        "没有经见证方 {0} 联署的检查点可证明此事：请勿采信，并询问机构与见证方";
    BadWitnessKey Usage "bad_witness_key"
        "{0} is not a witness's verifier key (NAME+HASH+KEY, as strongroom witness prints it)"
        "{0} 不是见证方公钥（NAME+HASH+KEY，见 strongroom witness 的输出）";
    NotOpened Unverified "not_opened"
        "document {0} is sealed to none of your keys: ask a colleague who can open it to re-wrap it"
        "文档 {0} 未封存给您的任何密钥：请能打开的同事执行 rewrap";
    Commitment Unverified "commitment"
        "document {0} opens to something else than was signed: it was not written; ask the sender"
        "文档 {0} 打开后与签名内容不符，未写出：请联系发送人";
    Damaged Unverified "damaged"
        "document {0} was damaged or changed after it was signed: it was not written; ask the sender"
        "文档 {0} 在签名后损坏或被改动，未写出：请联系发送人";
    SealedPartBad Unverified "sealed_part"
        "the sealed part of document {0} does not belong to it: it was not written; ask the sender"
        "文档 {0} 的封存部分与其不符，未写出：请联系发送人";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_said_in_both_languages_about_the_same() {
        for word in Word::ALL {
            let (en, zh) = (word.text(Lang::En), word.text(Lang::Zh));
            for place in ["{0}", "{1}"] {
                assert_eq!(en.contains(place), zh.contains(place), "{word:?} {place}");
            }
            assert!(zh == "{0}" || zh.chars().any(|c| ('一'..='龥').contains(&c)), "{word:?}");
            assert!(en.is_ascii() || en.contains('…'), "{word:?}");
        }
    }

    #[test]
    fn codes_are_apart_and_stable_in_form() {
        let mut codes: Vec<_> = Word::ALL.iter().map(|w| w.code()).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(
            codes.iter().all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')),
            "{codes:?}"
        );
    }

    #[test]
    fn every_refusal_of_the_gateway_has_words() {
        for code in crate::api::codes::ALL {
            assert!(Word::from_code(code).is_some(), "{code}");
        }
    }
}
