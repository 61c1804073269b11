//! The words of a label selector.

/// One word of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    Bang,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    In,
    NotIn,
    /// A key or a value.
    Word(String),
    /// Operator characters that make no operator.
    Unknown(String),
    End,
}

impl Token {
    /// The text as it stood in the selector.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::Comma => ",",
            Self::Bang => "!",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::In => "in",
            Self::NotIn => "notin",
            Self::Word(text) | Self::Unknown(text) => text,
            Self::End => "",
        }
    }
}

/// Splits a selector into its words, ending with [`Token::End`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let (token, length) = if is_special(first) { symbol(rest) } else { word(rest) };
        tokens.push(token);
        rest = rest[length..].trim_start_matches(is_space);
    }
    tokens.push(Token::End);
    tokens
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_special(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn word(text: &str) -> (Token, usize) {
    let end = text.find(|c| is_space(c) || is_special(c)).unwrap_or(text.len());
    let token = match &text[..end] {
        "in" => Token::In,
        "notin" => Token::NotIn,
        other => Token::Word(other.to_owned()),
    };
    (token, end)
}

/// The longest operator at the beginning.
fn symbol(text: &str) -> (Token, usize) {
    for (symbol, token) in [
        ("==", Token::DoubleEquals),
        ("!=", Token::NotEquals),
        ("=", Token::Equals),
        ("!", Token::Bang),
        ("(", Token::Open),
        (")", Token::Close),
        (",", Token::Comma),
        (">", Token::Greater),
        ("<", Token::Less),
    ] {
        if text.starts_with(symbol) {
            return (token, symbol.len());
        }
    }
    (Token::Unknown(text.to_owned()), text.len())
}
