//! Lines of several columns for people: Chinese characters take two places of a terminal.

/// How many places `text` takes.
pub(super) fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' |
        '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' |
        '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// Rows under a header, each column as wide as it needs; the last one ends where it ends.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(width);
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = width(cell).max(*most);
        }
    }
    let mut out = String::new();
    let mut line = |cells: &[&str]| {
        let mut text = String::new();
        for (at, (cell, most)) in cells.iter().zip(widths).enumerate() {
            text.push_str(cell);
            if at + 1 < N {
                text.push_str(&" ".repeat(most - width(cell) + 2));
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&header);
    for row in rows {
        line(&row.each_ref().map(String::as_str));
    }
    out
}

/// How many digits tell `ids` apart: eight, or more where they have to be.
pub(super) fn short_id_len(ids: &[String]) -> usize {
    let apart = |len: usize| {
        let mut short: Vec<&str> = ids.iter().filter_map(|id| id.get(..len)).collect();
        short.sort_unstable();
        short.windows(2).all(|pair| pair[0] != pair[1])
    };
    (8..32).find(|len| apart(*len)).unwrap_or(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_in_both_scripts() {
        let rows = [["对账单".to_owned(), "x".to_owned()], ["a".to_owned(), "y".to_owned()]];
        assert_eq!(table(["名", "z"], &rows), "名      z\n对账单  x\na       y\n");
    }

    #[test]
    fn short_ids_are_as_long_as_they_must_be() {
        let id = |text: &str| format!("{text:0<32}");
        assert_eq!(short_id_len(&[id("0123456789"), id("ff")]), 8);
        assert_eq!(short_id_len(&[id("0123456789a"), id("0123456789b")]), 11);
        assert_eq!(short_id_len(&[]), 8);
    }
}
