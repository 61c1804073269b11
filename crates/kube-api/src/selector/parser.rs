//! The grammar of label selectors.

use super::lexer::{Token, tokens};
use super::requirement::wrong_key;
use super::{Operator, Requirement, SelectorError};

/// The requirements of a selector, in the order they are written.
///
/// # Errors
/// A text that is no selector, in Kubernetes' words.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    Parser { tokens: tokens(text), at: 0 }.requirements()
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    /// The token at hand. Where a key or value may stand, `in` and `notin` are words like others.
    fn peek(&self, words_only: bool) -> Token {
        let token = self.tokens[self.at].clone();
        match token {
            Token::In | Token::NotIn if words_only => Token::Word(token.text().to_owned()),
            other => other,
        }
    }

    fn next(&mut self, words_only: bool) -> Token {
        let token = self.peek(words_only);
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, SelectorError> {
        let mut requirements = Vec::new();
        if self.peek(true) == Token::End {
            return Ok(requirements);
        }
        loop {
            match self.peek(true) {
                Token::Word(_) | Token::Bang => {
                    let parsed = self.requirement();
                    requirements.push(parsed.map_err(|e| SelectorError(format!("unable to parse requirement: {e}")))?);
                    match self.next(false) {
                        Token::End => return Ok(requirements),
                        Token::Comma => {
                            let next = self.peek(true);
                            if !matches!(next, Token::Word(_) | Token::Bang) {
                                return Err(SelectorError(format!(
                                    "found '{}', expected: identifier after ','",
                                    next.text()
                                )));
                            }
                        }
                        other => {
                            return Err(SelectorError(format!(
                                "found '{}', expected: ',' or 'end of string'",
                                other.text()
                            )));
                        }
                    }
                }
                Token::End => return Ok(requirements),
                other => {
                    let text = other.text();
                    return Err(SelectorError(format!("found '{text}', expected: !, identifier, or 'end of string'")));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        let negated = self.peek(true) == Token::Bang;
        if negated {
            self.next(true);
        }
        let at = self.at;
        let Token::Word(key) = self.next(true) else {
            return Err(SelectorError(format!("found '{}', expected: identifier", self.tokens[at].text())));
        };
        // Kubernetes checks the key before it has a field's name for it
        if let Some(wrong) = wrong_key("<nil>", &key) {
            return Err(SelectorError(wrong));
        }
        if negated {
            return Requirement::new(&key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek(false), Token::End | Token::Comma) {
            return Requirement::new(&key, Operator::Exists, Vec::new());
        }
        let operator = match self.next(false) {
            Token::In => Operator::In,
            Token::NotIn => Operator::NotIn,
            Token::Equals => Operator::Equals,
            Token::DoubleEquals => Operator::DoubleEquals,
            Token::NotEquals => Operator::NotEquals,
            Token::Greater => Operator::GreaterThan,
            Token::Less => Operator::LessThan,
            other => {
                let text = other.text();
                return Err(SelectorError(format!("found '{text}', expected: '=', '!=', '==', 'in', notin'")));
            }
        };
        let mut values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => vec![self.exact_value()?],
        };
        values.sort_unstable();
        values.dedup();
        Requirement::new(&key, operator, values)
    }

    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        let open = self.next(true);
        if open != Token::Open {
            return Err(SelectorError(format!("found '{}' expected: '('", open.text())));
        }
        let mut values = Vec::new();
        match self.peek(true) {
            Token::Word(_) | Token::Comma => {}
            Token::Close => {
                self.next(true);
                return Ok(vec![String::new()]);
            }
            other => return Err(SelectorError(format!("found '{}', expected: ',', ')' or identifier", other.text()))),
        }
        loop {
            match self.next(true) {
                Token::Word(value) => {
                    values.push(value);
                    match self.next(true) {
                        Token::Comma if self.peek(true) == Token::Close => values.push(String::new()),
                        Token::Comma => continue,
                        Token::Close => return Ok(values),
                        other => return Err(SelectorError(format!("found '{}', expected: ',' or ')'", other.text()))),
                    }
                }
                // An empty value stands before, between or after commas.
                Token::Comma => values.push(String::new()),
                Token::Close => return Ok(values),
                other => return Err(SelectorError(format!("found '{}', expected: ',', or identifier", other.text()))),
            }
        }
    }

    fn exact_value(&mut self) -> Result<String, SelectorError> {
        if matches!(self.peek(true), Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.next(true) {
            Token::Word(value) => Ok(value),
            other => Err(SelectorError(format!("found '{}', expected: identifier", other.text()))),
        }
    }
}
