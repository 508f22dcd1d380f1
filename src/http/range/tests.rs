//! Ranges, honest and hostile (rows T5 and T6).

use super::*;

const TOTAL: u64 = 1000;

fn part(first: u64, length: u64) -> Result<Selection, NotSatisfiable> {
    Ok(Selection::Part { first, length })
}

#[test]
fn one_range_selects_its_bytes() {
    for (value, expected) in [
        ("bytes=0-0", part(0, 1)),
        ("bytes=0-999", part(0, 1000)),
        ("bytes=0-1000", part(0, 1000)),
        ("bytes=0-", part(0, 1000)),
        ("bytes=999-", part(999, 1)),
        ("bytes=500-599", part(500, 100)),
        ("bytes=-1", part(999, 1)),
        ("bytes=-1000", part(0, 1000)),
        ("bytes=-1001", part(0, 1000)),
        ("BYTES=1-2", part(1, 2)),
        ("bytes=0-2147483648", part(0, 1000)),
        ("bytes=0-4294967296", part(0, 1000)),
        ("bytes=0-9007199254740991", part(0, 1000)),
        ("pages=1-2", Ok(Selection::Whole)),
    ] {
        assert_eq!(parse(value.as_bytes(), TOTAL), expected, "{value}");
    }
}

/// Every way to write a number wrongly, in every place of a range.
fn hostile() -> Vec<String> {
    let numbers = [
        "00",
        "01",
        "+1",
        "-1",
        "--1",
        "0x10",
        "0X1",
        "1e3",
        "1.0",
        "1_000",
        "1,000",
        " 1",
        "1 ",
        "\t1",
        "1\t",
        "１",
        "٣",
        "1\u{a0}",
        "a",
        "NaN",
        "null",
        "1;2",
        "1/2",
        "0b1",
        "0o7",
        "9007199254740992",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999999999999999",
        "\"1\"",
        "1-",
        "-",
    ];
    let mut all = Vec::new();
    for number in numbers {
        all.push(format!("bytes={number}-"));
        all.push(format!("bytes={number}-1000"));
        all.push(format!("bytes=0-{number}"));
        all.push(format!("bytes=-{number}"));
        all.push(format!("bytes=0-0,{number}-{number}"));
    }
    let others = [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes= 0-1",
        "bytes =0-1",
        "bytes=0 - 1",
        "bytes:0-1",
        "=0-1",
        "bytes=0-1,",
        ",bytes=0-1",
        "bytes=0-1,2-3",
        "bytes=0-1, 2-3",
        "bytes=0-0,-1",
        "bytes=0-,0-,0-",
        "bytes=5-2",
        "bytes=1000-",
        "bytes=1000-1000",
        "bytes=1001-2000",
        "bytes=-0",
        "bytes=0",
        "bytes=--",
        "bytes=0--1",
        "bytes==0-1",
        "by tes=0-1",
        "bytes=0-1;q=1",
        "bytes=0-1\0",
        "bytes=0-1/1000",
        "bytes=*",
        "bytes=*-1",
        "bytes=0-*",
    ];
    all.extend(others.map(str::to_owned));
    all.push(format!("bytes={}", vec!["0-"; 1000].join(",")));
    all.push(format!("bytes=0-{}", "9".repeat(8000)));
    all.push(format!("bytes={}1-2", "0".repeat(8000)));
    all
}

#[test]
fn whatever_is_not_one_range_is_refused() {
    let vectors = hostile();
    assert!(vectors.len() >= 200, "{}", vectors.len());
    for value in vectors {
        // `bytes=-1-` with the number `1-` and so on must not slip through as another form.
        assert_eq!(parse(value.as_bytes(), TOTAL), Err(NotSatisfiable), "{value}");
    }
    assert_eq!(parse(b"bytes=\xff-", TOTAL), Err(NotSatisfiable));
    for value in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
        assert_eq!(parse(value.as_bytes(), 0), Err(NotSatisfiable), "of nothing: {value}");
    }
}

proptest::proptest! {
    #[test]
    fn a_part_lies_inside(value in "bytes=[0-9]{0,4}-[0-9]{0,4}", total in 0_u64..2000) {
        if let Ok(Selection::Part { first, length }) = parse(value.as_bytes(), total) {
            assert!(length > 0 && first + length <= total);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(value: Vec<u8>, total: u64) {
        let _ = parse(&value, total);
    }
}

#[test]
fn a_stale_condition_selects_the_whole() {
    let headers = |list: &[(&str, &str)]| -> HeaderMap {
        list.iter()
            .map(|(k, v)| (k.parse().expect("a name"), v.parse().expect("a value")))
            .collect()
    };
    let of = |list: &[(&str, &str)]| Selection::of(&headers(list), "\"e\"", TOTAL).ok();
    let one = Some(Selection::Part { first: 1, length: 1 });
    assert_eq!(of(&[("range", "bytes=1-1")]), one);
    assert_eq!(of(&[("range", "bytes=1-1"), ("if-range", "\"e\"")]), one);
    for stale in ["\"f\"", "W/\"e\"", "Wed, 21 Oct 2026 07:28:00 GMT", "e"] {
        let selected = of(&[("range", "bytes=1-1"), ("if-range", stale)]);
        assert_eq!(selected, Some(Selection::Whole), "{stale}");
    }
    let twice = [("range", "bytes=1-1"), ("if-range", "\"e\""), ("if-range", "\"e\"")];
    let twice: HeaderMap = twice.iter().fold(HeaderMap::new(), |mut all, (k, v)| {
        all.append(k.parse::<http::HeaderName>().expect("name"), v.parse().expect("value"));
        all
    });
    assert_eq!(Selection::of(&twice, "\"e\"", TOTAL).ok(), Some(Selection::Whole));
    let refused = Selection::of(&headers(&[("range", "bytes=1000-")]), "\"e\"", TOTAL);
    assert_eq!(refused.expect_err("416").status().as_u16(), 416);
    assert_eq!(of(&[]), Some(Selection::Whole));
    let part = Selection::Part { first: 1, length: 2 };
    assert_eq!(part.content_range(9).expect("a part"), "bytes 1-2/9");
    assert_eq!((part.bounds(9), Selection::Whole.bounds(9)), ((1, 2), (0, 9)));
}
