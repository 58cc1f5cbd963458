//! CPU time of a token as bars.

use std::fmt::Write;

use crate::bench::stats::Range;
use crate::bench::table::tenths;

const WIDTH: u64 = 640;
/// Of the names at the left.
const LEFT: u64 = 70;
/// Of the figures at the right.
const RIGHT: u64 = 70;
const ROW: u64 = 34;
const TOP: u64 = 44;

/// One bar a lane, as long as the middle round; its whiskers reach from the best round to the worst.
pub(super) fn svg(title: &str, bars: &[(&str, Range)]) -> String {
    let most = bars.iter().map(|(_, range)| range.most).max().unwrap_or(0).max(1);
    let x = |value: u64| LEFT + value * (WIDTH - LEFT - RIGHT) / most;
    let height = TOP + ROW * bars.len() as u64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"8\" y=\"22\" font-weight=\"bold\">{title}</text>\n"
    );
    for (nth, (name, range)) in (0..).zip(bars) {
        let (top, middle) = (TOP + ROW * nth, TOP + ROW * nth + 11);
        let (from, to) = (x(range.least), x(range.most));
        let color = if *name == "ours" { "#d9480f" } else { "#868e96" };
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\n\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"22\" fill=\"{color}\"/>\n\
             <path d=\"M{from} {middle}H{to}M{from} {}v10M{to} {}v10\" stroke=\"black\" fill=\"none\"/>\n\
             <text x=\"{}\" y=\"{}\">{} µs</text>",
            LEFT - 8,
            middle + 5,
            x(range.middle) - LEFT,
            middle - 5,
            middle - 5,
            to + 6,
            middle + 5,
            tenths(range.middle),
        );
    }
    text + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_they_cost() {
        let range = |least, middle, most| Range { least, middle, most };
        let text =
            svg("CPU", &[("js", range(40_000, 50_000, 100_000)), ("ours", range(10_000, 20_000, 25_000))]);
        for expect in [
            "viewBox=\"0 0 640 112\"",
            "<rect x=\"70\" y=\"44\" width=\"250\" height=\"22\" fill=\"#868e96\"/>",
            "M270 55H570M270 50v10M570 50v10",
            ">50.0 µs<",
            "<rect x=\"70\" y=\"78\" width=\"100\" height=\"22\" fill=\"#d9480f\"/>",
        ] {
            assert!(text.contains(expect), "{expect} is not in\n{text}");
        }
        assert!(svg("nothing", &[]).ends_with("</svg>\n"));
    }
}
