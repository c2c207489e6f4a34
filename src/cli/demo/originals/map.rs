//! A town's map as SVG: gradients, shapes, paths and letters, written by hand and by dice.

use super::noise::Dice;

/// A tram's line with its stops.
struct Rail {
    colour: &'static str,
    points: &'static [(u16, u16)],
}

const HOUSES: [&str; 5] = ["#e8d3bd", "#dfc4ab", "#ecdcc6", "#d8b79c", "#e6c9b8"];
const AVENUES: [&str; 4] = [
    "M-10 330 C200 300 420 360 620 300 S980 120 1220 100",
    "M330 -10 C350 200 330 380 420 560 S480 800 470 910",
    "M790 -10 C780 160 800 330 850 460 S840 760 800 910",
    "M-10 850 C240 800 560 760 760 790 S1060 640 1220 600",
];
const RAILS: [Rail; 2] = [
    Rail { colour: "#e04f5f", points: &[(60, 470), (260, 430), (560, 250), (820, 230), (1140, 420)] },
    Rail { colour: "#5b2a86", points: &[(180, 60), (400, 210), (560, 250), (700, 640), (640, 840)] },
];
/// Left and top of each name's middle, its size, its colour, and the name.
const LABELS: [(u16, u16, u8, &str, &str); 7] = [
    (600, 226, 26, "#3a2f4a", "Shutter Square"),
    (165, 215, 24, "#2f6b35", "Silver Park"),
    (985, 690, 24, "#2f6b35", "Plate Gardens"),
    (620, 478, 28, "#1d5a86", "River Halide"),
    (905, 300, 30, "#7a5a44", "HARBOUR"),
    (190, 560, 30, "#7a5a44", "OLD TOWN"),
    (560, 700, 30, "#7a5a44", "MILLS"),
];

/// The map's text; its size is 1200 by 900 units.
pub(super) fn svg() -> String {
    let mut out = String::from(HEAD);
    blocks(&mut out);
    out.push_str(WATER);
    out.push_str(PARKS);
    streets(&mut out);
    rails(&mut out);
    labels(&mut out);
    out.push_str(FOOT);
    out
}

const HEAD: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="900" viewBox="0 0 1200 900">
<title>Town map</title>
<defs>
<linearGradient id="land" x1="0" y1="0" x2="1" y2="1">
<stop offset="0" stop-color="#fbf4e6"/><stop offset="1" stop-color="#f1e3d0"/>
</linearGradient>
<linearGradient id="water" x1="0" y1="0" x2="1" y2="1">
<stop offset="0" stop-color="#8fd0e8"/><stop offset="1" stop-color="#4a94c9"/>
</linearGradient>
<radialGradient id="park" cx="0.4" cy="0.35" r="0.8">
<stop offset="0" stop-color="#bfe3a0"/><stop offset="1" stop-color="#86c07a"/>
</radialGradient>
<linearGradient id="dusk" x1="0" y1="0" x2="0" y2="1">
<stop offset="0" stop-color="#5b2a86" stop-opacity="0.07"/><stop offset="1" stop-color="#f47c48" stop-opacity="0.06"/>
</linearGradient>
</defs>
<rect width="1200" height="900" fill="url(#land)"/>
"##;

const WATER: &str = r##"<path d="M-20 640 C140 560 250 610 360 560 S560 380 700 400 S930 480 1010 400 S1130 190 1220 200
 L1220 330 C1150 330 1120 470 1040 530 S830 560 720 520 S560 560 450 650 S180 690 -20 780 Z"
 fill="url(#water)" stroke="#3d7fb0" stroke-width="3"/>
<path d="M40 690 C180 620 280 650 400 600 M760 450 C860 470 960 500 1030 460 M520 520 C580 480 640 450 690 450"
 fill="none" stroke="#d8f1fb" stroke-width="3" stroke-linecap="round" opacity="0.7"/>
<ellipse cx="250" cy="655" rx="46" ry="16" fill="#e9dcc0" stroke="#3d7fb0" stroke-width="2"/>
"##;

const PARKS: &str = r##"<path d="M80 120 h170 q30 0 30 30 v110 q0 30 -30 30 h-150 q-50 0 -50 -50 v-90 q0 -30 30 -30z"
 fill="url(#park)" stroke="#5f9a58" stroke-width="2"/>
<circle cx="985" cy="720" r="112" fill="url(#park)" stroke="#5f9a58" stroke-width="2"/>
<circle cx="1010" cy="740" r="36" fill="url(#water)" stroke="#3d7fb0" stroke-width="2"/>
<path d="M100 260 Q170 190 260 160 M900 660 Q990 690 1070 790" fill="none" stroke="#f8f1df" stroke-width="5"/>
"##;

const FOOT: &str = r##"<g transform="translate(1105 95)">
<circle r="52" fill="#fffaf0" stroke="#5b2a86" stroke-width="3"/>
<path d="M0 -42 L11 0 L0 8 L-11 0Z" fill="#e04f5f"/><path d="M0 42 L11 0 L0 -8 L-11 0Z" fill="#5b2a86"/>
<text y="-56" text-anchor="middle" font-family="sans-serif" font-size="20" font-weight="bold" fill="#5b2a86">N</text>
</g>
<g transform="translate(40 850)" stroke="#3a2f4a" stroke-width="3" fill="none">
<path d="M0 -8 V0 H200 V-8 M100 -6 V0"/>
<text x="214" y="3" font-family="sans-serif" font-size="18" fill="#3a2f4a" stroke="none">500 m</text>
</g>
<rect width="1200" height="900" fill="url(#dusk)"/>
<rect x="6" y="6" width="1188" height="888" fill="none" stroke="#5b2a86" stroke-width="6" rx="14"/>
</svg>
"##;

/// Houses along streets that are nearly a grid.
fn blocks(out: &mut String) {
    let mut dice = Dice::new(31);
    for place in 0_u16..165 {
        let (column, row) = (f32::from(place % 15), f32::from(place / 15));
        let (x, y) = (22.0 + column * 78.0, 24.0 + row * 80.0);
        let (mut left, end) = (x + dice.between(0.0, 6.0), x + 60.0);
        while left < end - 12.0 {
            let width = dice.between(12.0, 34.0).min(end - left);
            let height = dice.between(34.0, 58.0);
            let fill = HOUSES[(dice.roll() * HOUSES.len() as f32) as usize];
            let place = format!(r#"x="{left:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}""#);
            line(out, &format!(r#"<rect {place} rx="3" fill="{fill}"/>"#));
            left += width + 3.0;
        }
    }
}

fn streets(out: &mut String) {
    for (width, colour) in [(22, "#c9a88a"), (16, "#fff6dc")] {
        for avenue in AVENUES {
            let stroke = format!(r#"stroke="{colour}" stroke-width="{width}" stroke-linecap="round""#);
            line(out, &format!(r#"<path d="{avenue}" fill="none" {stroke}/>"#));
        }
    }
}

/// Two lines with their stops, as passengers see them.
fn rails(out: &mut String) {
    for rail in &RAILS {
        let colour = rail.colour;
        let points: Vec<String> = rail.points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let stroke = format!(r#"stroke="{colour}" stroke-width="9" stroke-linejoin="round""#);
        line(out, &format!(r#"<polyline points="{}" fill="none" {stroke} opacity="0.9"/>"#, points.join(" ")));
        for (x, y) in rail.points {
            let dot = format!(r#"<circle cx="{x}" cy="{y}" r="9" fill="white" stroke="{colour}" stroke-width="5"/>"#);
            line(out, &dot);
        }
    }
    let shape = r#"x="544" y="234" width="32" height="32" rx="8""#;
    line(out, &format!(r##"<rect {shape} fill="white" stroke="#3a2f4a" stroke-width="5"/>"##));
}

fn labels(out: &mut String) {
    for (x, y, size, colour, text) in LABELS {
        let letters = format!(r#"font-family="sans-serif" font-size="{size}" font-weight="bold" fill="{colour}""#);
        let rim = r##"stroke="#fff8ea" stroke-width="5" paint-order="stroke" text-anchor="middle""##;
        line(out, &format!(r#"<text x="{x}" y="{y}" {letters} {rim}>{text}</text>"#));
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_the_same_each_time_and_closes_what_it_opens() {
        let map = svg();
        assert_eq!(map, svg());
        assert!(map.ends_with("</svg>\n"));
        for name in ["g", "text", "defs", "svg"] {
            let opened = map.matches(&format!("<{name} ")).count() + map.matches(&format!("<{name}>")).count();
            assert_eq!(opened, map.matches(&format!("</{name}>")).count(), "{name}");
        }
    }
}
