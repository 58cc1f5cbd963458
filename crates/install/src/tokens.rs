//! What a file of tokens may hold: the guard reads it by this, and an installation refuses what the guard would.

/// Bytes of the file that are looked at.
pub const LONGEST_FILE: usize = 64 * 1024;
/// Tokens in it.
const MOST_TOKENS: usize = 16;
/// Characters below which a token can be guessed.
pub const SHORTEST_TOKEN: usize = 16;

/// The tokens of a file, or why it is refused: words that follow its path.
///
/// What is no token opens nothing: a word of a note would be a lock that everybody can pick.
pub fn tokens(file: &[u8]) -> Result<Vec<&str>, String> {
    let file = &file[..file.len().min(LONGEST_FILE)];
    let text = str::from_utf8(file).map_err(|_| "holds what is no text".to_owned())?;
    let is_between = |letter: char| letter == ',' || letter.is_whitespace();
    let words = text.lines().flat_map(|line| without_note(line).split(is_between));
    let tokens: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    match tokens.len() {
        0 => return Err("holds no tokens".to_owned()),
        1..=MOST_TOKENS => {}
        _ => return Err(format!("holds more than {MOST_TOKENS} tokens")),
    }
    if tokens.iter().any(|token| token.len() < SHORTEST_TOKEN) {
        return Err(format!("holds a token of less than {SHORTEST_TOKEN} characters; a note begins with #"));
    }
    Ok(tokens)
}

/// `#` begins a note, at the beginning of a line or behind white space.
fn without_note(line: &str) -> &str {
    let is_note = |at: &usize| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    let note = line.match_indices('#').map(|(at, _)| at).find(is_note);
    &line[..note.unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let check = |file: &[u8], expect: Result<&[&str], &str>| {
            let expect = expect.map(<[_]>::to_vec).map_err(str::to_owned);
            assert_eq!(tokens(file), expect, "{}", String::from_utf8_lossy(file));
        };
        let (old, new) = ("the-old-token-of-16", "the-new#token-of-16");
        check(format!("# the old one\n{old} # for the edge\n").as_bytes(), Ok(&[old]));
        check(format!("{old},\t{new}\r\n\n").as_bytes(), Ok(&[old, new]));
        let short = "holds a token of less than 16 characters; a note begins with #";
        check(b"short", Err(short));
        check(format!("{old} for the edge").as_bytes(), Err(short));
        for empty in ["", "\n", " # a note\n"] {
            check(empty.as_bytes(), Err("holds no tokens"));
        }
        check(format!("{old}\n").repeat(16).as_bytes(), Ok(&[old; 16]));
        check(format!("{old}\n").repeat(17).as_bytes(), Err("holds more than 16 tokens"));
        check(b"the-old-token-of-\xff", Err("holds what is no text"));
        check(format!("{old}{}{new}", "\n".repeat(LONGEST_FILE)).as_bytes(), Ok(&[old]));
    }
}
