//! Test cards: the number says what happens.

use service_kit::Problem;

/// What a card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Approves,
    Declines,
    /// Approves, and the answer comes after two seconds.
    Slow,
    /// Approves, and the connection is cut before the answer.
    Cut,
    /// Approves, and notifies three times.
    NotifiesThrice,
    /// Approves, and notifies before it answers.
    NotifiesFirst,
    /// Never answers, and charges nothing.
    Silent,
}

/// The behaviour of a number, which may be written with spaces.
pub(crate) fn behaviour(card: &str) -> Result<Behaviour, Problem> {
    let digits: String = card.chars().filter(|c| *c != ' ').collect();
    if !(12..=19).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::invalid("card", "A card number has 12 to 19 digits."));
    }
    Ok(match digits.as_str() {
        "4000000000000002" => Behaviour::Declines,
        "4000000000000259" => Behaviour::Slow,
        "4000000000000267" => Behaviour::Cut,
        "4000000000000275" => Behaviour::NotifiesThrice,
        "4000000000000283" => Behaviour::NotifiesFirst,
        "4000000000000291" => Behaviour::Silent,
        _ => Behaviour::Approves,
    })
}
