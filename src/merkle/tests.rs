//! Published vectors (the Certificate Transparency reference tree that goes with RFC 6962, C2SP
//! signed-note and tlog-tiles), and laws over trees of any size.

use proptest::prelude::*;

use super::*;

const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const INCLUSION: &[(u64, u64, &[&str])] = &[
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

const CONSISTENCY: &[(u64, u64, &[&str])] = &[
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn digest(text: &str) -> Digest {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).expect("32 bytes in hex");
    digest
}

/// The leaves of the reference tree.
fn reference() -> Vec<Digest> {
    LEAVES.iter().map(|text| leaf_hash(&hex::decode(text).expect("hex"))).collect()
}

/// As many leaves as one likes.
fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// MTH as RFC 6962, section 2.1 writes it down.
fn mth(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
        }
    }
}

/// A complete subtree, by definition.
fn subtree(leaves: &[Digest]) -> impl FnMut(Node) -> Option<Digest> {
    |node| {
        let (first, end) = (node.index << node.level, (node.index + 1) << node.level);
        leaves.get(usize::try_from(first).ok()?..usize::try_from(end).ok()?).map(mth)
    }
}

/// All tiles of a tree, made as a log makes them.
fn tiles(leaves: &[Digest]) -> TileSet {
    let mut set = TileSet::default();
    let mut row = leaves.to_vec();
    for level in 0..=7 {
        let mut above = Vec::new();
        for (index, tile) in row.chunks(256).enumerate() {
            assert!(set.insert(level, index as u64, tile.as_flattened()));
            if tile.len() == 256 {
                above.push(mth(tile));
            }
        }
        row = above;
    }
    set
}

fn keep(kept: &mut TileSet, edge: &mut Edge) {
    for (level, index, row) in edge.take_tiles() {
        assert!(kept.insert(level, index, row.as_flattened()));
    }
}

#[test]
fn the_reference_tree_has_its_published_roots() {
    let leaves = reference();
    let mut frontier = Frontier::default();
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(frontier.root(), digest(root), "{size}");
        let range = Range { first: 0, end: size as u64 };
        assert_eq!(range.hash(subtree(&leaves)), Some(digest(root)), "{size}");
        if let Some(leaf) = leaves.get(size) {
            frontier.push(*leaf, |_, _| {});
        }
    }
}

#[test]
fn the_reference_tree_has_its_published_proofs() {
    let leaves = reference();
    for (index, size, proof) in INCLUSION {
        let proof: Vec<_> = proof.iter().map(|text| digest(text)).collect();
        let ranges = inclusion_ranges(*index, *size).expect("in the tree");
        assert_eq!(resolve(&ranges, subtree(&leaves)), Some(proof.clone()), "{index} {size}");
        let (leaf, root) = (leaves[*index as usize], digest(ROOTS[*size as usize]));
        assert!(verify_inclusion(&leaf, *index, *size, &proof, &root), "{index} {size}");
    }
    for (old, new, proof) in CONSISTENCY {
        let proof: Vec<_> = proof.iter().map(|text| digest(text)).collect();
        let ranges = consistency_ranges(*old, *new).expect("not shrinking");
        assert_eq!(resolve(&ranges, subtree(&leaves)), Some(proof.clone()), "{old} {new}");
        let roots = (digest(ROOTS[*old as usize]), digest(ROOTS[*new as usize]));
        assert!(verify_consistency(*old, &roots.0, *new, &roots.1, &proof), "{old} {new}");
    }
}

#[test]
fn tiles_are_those_of_the_specification() {
    // tlog-tiles: a tree of size 70,000, and one of 256.
    let width = |level, index, size| Tile::in_tree(level, index, size).map(|tile| tile.width);
    assert_eq!(width(0, 272, 70_000), Some(256));
    assert_eq!(width(0, 273, 70_000), Some(112));
    assert_eq!(width(0, 274, 70_000), None);
    assert_eq!(width(1, 0, 70_000), Some(256));
    assert_eq!(width(1, 1, 70_000), Some(17));
    assert_eq!(width(2, 0, 70_000), Some(1));
    assert_eq!(width(3, 0, 70_000), None);
    assert_eq!((width(0, 0, 256), width(1, 0, 256)), (Some(256), Some(1)));
    let tile = Tile { level: 0, index: 1_234_067, width: 256 };
    assert_eq!(tile.to_string(), "0/x001/x234/067");
    assert_eq!(Tile::parse("0/x001/x234/067"), Ok(tile));
    let partial = Tile { level: 1, index: 5, width: 17 };
    assert_eq!(partial.to_string(), "1/005.p/17");
    assert_eq!(Tile::parse("1/005.p/17"), Ok(partial));
    for bad in [
        "0/5",
        "0/0005",
        "00/005",
        "64/005",
        "0/x000/005",
        "0/001/005",
        "0/x001",
        "0/005.p/0",
        "0/005.p/256",
        "0/005.p/07",
        "0/005.p/",
        "0/+05",
        "0/",
        "-1/005",
        "",
        "0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(Tile::parse(bad), Err(Error::Malformed), "{bad}");
    }
}

#[test]
fn the_published_note_verifies_and_no_other() {
    // The example of signed-note's reference implementation.
    let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        .parse()
        .expect("a verifier key");
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\
                \n\
                — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let note = SignedNote::parse(text).expect("a note");
    assert!(note.signed_by(&key));
    assert_eq!(note.to_string(), text);
    let changed = SignedNote::parse(&text.replace("answer", "Answer")).expect("a note");
    assert!(!changed.signed_by(&key));
    // The key of the example in the specification: not the one that signed.
    let other: VerifierKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
            .parse()
            .expect("a verifier key");
    assert_eq!(other.name(), "example.com/foo");
    assert!(!note.signed_by(&other));
    for bad in [
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpC",
        "PeterNeumann",
    ] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
    }
    for bad in ["", "a\n", "a\n\n", "a\n\nb\n", "a\n\n— b c\n", "a\r\n\n— b AAAAAAAA\n"] {
        assert!(SignedNote::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_checkpoint_has_one_text() {
    // The example of tlog-checkpoint.
    let text =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::from_text(text).expect("a checkpoint");
    assert_eq!(
        (checkpoint.origin.as_str(), checkpoint.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(checkpoint.text(), text);
    for bad in [
        text.replace("20852163", "020852163"),
        text.replace("20852163", "+20852163"),
        text.replace("20852163", "18446744073709551616"),
        text.replace("example.com/behind-the-sofa", ""),
        text.trim_end().to_owned(),
        format!("{text}more\n"),
        format!("{text}\n"),
        text.replace("q2I=", "q2J="),
    ] {
        assert!(Checkpoint::from_text(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_proof_stands_by_itself() {
    let leaves = leaves(300);
    let set = tiles(&leaves);
    let key = VerifierKey::new("log", [7; 32]).expect("a key");
    let head = Checkpoint { origin: "log".into(), size: 300, root: mth(&leaves) };
    for index in [0, 1, 255, 256, 299] {
        let hashes = resolve(&inclusion_ranges(index, 300).expect("there"), |node| set.hash(node))
            .expect("known");
        let proof = LoggedProof { index, hashes, checkpoint: head.sign(&key, |_| [1; 64]) };
        assert_eq!(LoggedProof::parse(&proof.to_string()), Ok(proof.clone()));
        assert_eq!(proof.includes(&leaves[index as usize]), Ok(true));
        assert_eq!(proof.includes(&leaves[(index as usize + 1) % 300]), Ok(false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_leaf_of_every_tree_is_shown_and_nothing_else(size in 1_u64..1200, pick in any::<u64>(), other in any::<u64>()) {
        let leaves = leaves(size);
        let (root, index, other) = (mth(&leaves), pick % size, other % size);
        let proof = resolve(&inclusion_ranges(index, size).expect("there"), subtree(&leaves)).expect("known");
        let leaf = leaves[index as usize];
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root));
        prop_assert_eq!(other == index, verify_inclusion(&leaf, other, size, &proof, &root));
        prop_assert!(!verify_inclusion(&node_hash(&leaf, &leaf), index, size, &proof, &root));
        let mut longer = proof.clone();
        longer.push(root);
        prop_assert!(!verify_inclusion(&leaf, index, size, &longer, &root));
        if !proof.is_empty() {
            prop_assert!(!verify_inclusion(&leaf, index, size, &proof[1..], &root));
            let mut changed = proof;
            let at = (pick as usize) % changed.len();
            changed[at][(pick % 32) as usize] ^= 1 << (pick % 8);
            prop_assert!(!verify_inclusion(&leaf, index, size, &changed, &root));
        }
    }

    #[test]
    fn a_tree_grows_out_of_its_beginnings_alone(new in 1_u64..1200, pick in any::<u64>(), bit in any::<usize>()) {
        let leaves = leaves(new);
        let old = pick % (new + 1);
        let roots = (mth(&leaves[..old as usize]), mth(&leaves));
        let proof = resolve(&consistency_ranges(old, new).expect("grows"), subtree(&leaves)).expect("known");
        prop_assert!(verify_consistency(old, &roots.0, new, &roots.1, &proof));
        let mut forked = leaves.clone();
        if old > 0 {
            forked[bit % old as usize][0] ^= 1;
            let root = mth(&forked[..old as usize]);
            prop_assert!(!verify_consistency(old, &root, new, &roots.1, &proof));
        }
        if !proof.is_empty() {
            let mut changed = proof.clone();
            let at = bit % changed.len();
            changed[at][bit % 32] ^= 1 << (bit % 8);
            prop_assert!(!verify_consistency(old, &roots.0, new, &roots.1, &changed));
            prop_assert!(!verify_consistency(old, &roots.0, new, &roots.1, &proof[1..]));
        }
        prop_assert!(old == new || !verify_consistency(new, &roots.1, old, &roots.0, &proof));
    }

    #[test]
    fn tiles_know_every_subtree_and_the_right_edge(size in 0_u64..3000, pick in any::<u64>()) {
        let leaves = leaves(size);
        let set = tiles(&leaves);
        let whole = Range { first: 0, end: size };
        prop_assert_eq!(whole.hash(|node| set.hash(node)), Some(mth(&leaves)));
        let mut grown = Frontier::default();
        let mut completed = Vec::new();
        for leaf in &leaves {
            grown.push(*leaf, |node, hash| completed.push((node, *hash)));
        }
        for (node, hash) in &completed {
            prop_assert_eq!(set.hash(*node), Some(*hash));
        }
        prop_assert_eq!(Frontier::of(size, |node| set.hash(node)), Some(grown));
        if size > 0 {
            let ranges = inclusion_ranges(pick % size, size).expect("there");
            let held: Vec<_> = TileSet::needed(&ranges);
            prop_assert!(held.len() <= 24);
            prop_assert_eq!(resolve(&ranges, |node| set.hash(node)), resolve(&ranges, subtree(&leaves)));
        }
    }

    #[test]
    fn an_edge_goes_on_where_it_was_put_down(first in 0_u64..700, more in 0_u64..700) {
        let leaves = leaves(first + more);
        let mut kept = TileSet::default();
        let mut edge = Edge::default();
        for (at, leaf) in leaves.iter().enumerate() {
            if at as u64 == first {
                keep(&mut kept, &mut edge);
                let mut held = TileSet::default();
                for (level, index) in Edge::places(first) {
                    let row = kept.row(level, index).expect("kept").to_vec();
                    prop_assert!(held.insert(level, index, row.as_flattened()));
                }
                edge = Edge::load(first, &held).expect("the whole edge");
            }
            edge.push(*leaf, |_, _, _| {});
        }
        keep(&mut kept, &mut edge);
        prop_assert_eq!((edge.size(), edge.root()), (first + more, mth(&leaves)));
        let whole = tiles(&leaves);
        for level in 0..8 {
            for index in 0..6 {
                prop_assert_eq!(kept.row(level, index), whole.row(level, index), "{} {}", level, index);
            }
        }
    }

    #[test]
    fn tiles_have_one_path(level in 0_u8..64, index in any::<u64>(), width in 1_u16..=256) {
        let tile = Tile { level, index, width };
        prop_assert_eq!(Tile::parse(&tile.to_string()), Ok(tile));
        let bundle = Tile { level: 0, ..tile };
        prop_assert_eq!(Tile::parse_bundle(&tile.index_path()), Ok(bundle));
    }
}
