//! Reads counters from an instance's `/metrics` page (Prometheus text format 0.0.4). Knows no metric by name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an instance may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of one page.
const PAGE_BYTES_MAX: u64 = 4 << 20;

/// Totals by metric name: the sum over all label sets.
pub type Totals = BTreeMap<String, f64>;

/// Fetches and sums the page of one instance; `None` when it does not answer in time or not well.
pub async fn totals(address: SocketAddr, path: &str) -> Option<Totals> {
    let page = tokio::time::timeout(ANSWER_TIMEOUT, fetch(address, path))
        .await
        .ok()?
        .ok()?;
    let (head, body) = page.split_once("\r\n\r\n")?;
    head.split_whitespace().nth(1).filter(|status| *status == "200")?;
    Some(sum(body))
}

/// HTTP/1.0, so that the body ends with the connection and never comes in chunks.
async fn fetch(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut page = Vec::new();
    stream.take(PAGE_BYTES_MAX).read_to_end(&mut page).await?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn sum(page: &str) -> Totals {
    let mut totals = Totals::new();
    for line in page
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let Some((name, value)) = sample(line) else {
            continue;
        };
        *totals.entry(name.to_owned()).or_default() += value;
    }
    totals
}

/// `name{labels} value [timestamp]`; a label's value may hold spaces and braces inside its quotes.
fn sample(line: &str) -> Option<(&str, f64)> {
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let rest = if rest.starts_with('{') {
        rest.get(labels_end(rest)?..)?
    } else {
        rest
    };
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    value.is_finite().then_some((name, value))
}

fn labels_end(labels: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in labels.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn label_sets_are_summed_and_odd_lines_are_skipped() {
        let page = "# HELP a b\n# TYPE a counter\na{x=\"1\"} 2\na{x=\"} 7\",y=\"\\\"\"} 3 1700000000\nb 0.5\nc NaN\nbroken{\n\n";
        let totals = sum(page);
        assert_eq!(totals.get("a"), Some(&5.0));
        assert_eq!(totals.get("b"), Some(&0.5));
        assert_eq!(totals.len(), 2);
    }
}
