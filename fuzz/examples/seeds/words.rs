//! Words and first inputs that no table of the crate has: attacks, odd spellings, other people's formats.

/// Sources, signatures, and what intermediaries do to them.
pub(crate) const URL: [&str; 16] = [
    "/unsafe/",
    "/plain/",
    "/_/",
    ":",
    "@",
    "%3A",
    "%2F",
    "%",
    "http:/",
    "https://",
    "s3://",
    "local:///",
    "@webp",
    "?",
    "sha256",
    "thumb",
];

pub(crate) const TRANSFORM: [&str; 14] = [
    "\"width\":",
    "\"height\":",
    "\"dpr\":",
    "\"zoom_x\":",
    "\"crop\":",
    "\"gravity\":",
    "\"padding\":",
    "\"quality\":",
    "\"skip_processing\":",
    "\"format\":",
    "1e308",
    "0.1",
    "4294967295",
    "null",
];

pub(crate) const DRAWING: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 40 40\" width=\"40\" \
    height=\"40\"><rect width=\"20\" height=\"40\" fill=\"red\"/><circle cx=\"30\" cy=\"20\" r=\"9\"/></svg>";

/// First inputs by target.
pub(crate) const TEXTS: &[(&str, &[&str])] = &[
    (
        "accept",
        &[
            "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
            "image/jxl;q=0.5, IMAGE/WEBP ; q=1.000 , text/html;level=1;q=0.001, \"a,b\"",
            "application/problem+json;q=0, application/json, */*;q=0.1",
        ],
    ),
    (
        "range",
        &[
            "bytes=0-499\nbytes 0-499/1000\n\"a\"\n\"a\", W/\"b\"\nSun, 06 Nov 1994 08:49:37 GMT\n\
            1000 1794700800 784111777 5 9",
            "bytes=-5\nbytes 5-9/*\nW/\"a\"\n*\nSunday, 06-Nov-94 08:49:37 GMT\n10 1794700800 784111777 0 10",
            "bytes=5-,7-\nbytes */10\n\"\"\n\"\",\nSun Nov  6 08:49:37 1994\n10 1 1 1 1",
        ],
    ),
    (
        "cache_control",
        &[
            "max-age=3600, stale-while-revalidate=60, public\nno-cache=\"a, b\", s-maxage=\"5\"",
            "max-age=60, private, stale-if-error=5;a=?1, no-store=?0\nSun, 06 Nov 1994 08:49:37 GMT",
            "a=(1 \"b\" c;d);e, max-age=1, f=:YQ==:, g=@1, h=%\"%c3%a9\", i=1.5\n17",
        ],
    ),
    (
        "fields",
        &[
            "holiday photo.jpg\n\n/a?b#c\n\nConnection: close, x-a, host\nX-A: 1\nVary: accept-language, x-b\n\n\
            Accept-Language: de;q=0.5, en\nX-B: 1\nETag: \"a\"",
            "..\\..//é\"%\u{202e}\n\n//other.example/a\n\nVary: *\nTransfer-Encoding: chunked\nDate: x\n\n\
            Age: 1\nETag: W/\"a\"",
        ],
    ),
    (
        "svg",
        &[
            DRAWING,
            "<style><![CDATA[.a{fill:url(#g)} @import 'x';]]></style><rect class=\"a\" style=\"fill:red\"/>",
            "<a xlink:href=\"#b\"><text x=\"1\">a<tspan>b</tspan></text></a><use href=\"#c\"/>\
            <image href=\"http://a\"/>",
            "<g onload='a()'><script>a</script><foreignObject/><animate attributeName='href' to='javascript:a'/></g>",
            "<!DOCTYPE svg [<!ENTITY e 'x'>]><svg>&e;</svg>",
            "<filter id='f'><feImage href='x'/></filter><rect filter=\"url('#f')\" fill='u\\72l(x)'/>",
        ],
    ),
    (
        "marks",
        &[
            "\u{1}{\"selector\":{\"tag\":\"t\"},\"stamp\":1794700800000002,\"soft\":false}",
            "\u{1}{\"selector\":{\"prefix\":\"http://a/\"},\"stamp\":5,\"soft\":true}\n\
            {\"selector\":{\"prefix\":\"\"},\"stamp\":9,\"soft\":false}",
            "\0d9231f8d {\"tintype\":\"marks\",\"version\":1,\"hard\":null,\"soft\":1794700800000001}\n",
        ],
    ),
    (
        "client",
        &[
            "for=192.0.2.60;proto=http;by=203.0.113.43, for=\"[2001:db8::1]:4711\"\n10.0.0.2, 198.51.100.7:80",
            "PROXY TCP4 198.51.100.7 10.0.0.1 4711 443\r\nGET / HTTP/1.1\r\n",
            "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{c}abcdefghijklGET",
        ],
    ),
];

/// Words by target.
pub(crate) const DICTIONARIES: &[(&str, &[&str])] = &[
    ("accept", &["image/avif", "image/webp", "image/jxl", "application/json", "application/*", "*/*", ";q=0.", ";q=1"]),
    ("range", &["bytes=", "bytes ", "W/\"", "\"", "*", "-", "/", " GMT", "Sun, ", "Nov", "18446744073709551615"]),
    (
        "cache_control",
        &[
            "max-age=",
            "s-maxage=",
            "stale-while-revalidate=",
            "stale-if-error=",
            "no-store",
            "no-cache",
            "private",
            "must-understand",
            "max-stale",
            "min-fresh=",
            "only-if-cached",
            "?0",
            "?1",
            "%\"",
            ":YQ==:",
            "2147483648",
        ],
    ),
    (
        "fields",
        &[
            "\n\n",
            "Connection:",
            "Vary:",
            "Keep-Alive",
            "Accept-Language:",
            "Content-Location:",
            "Age:",
            "Date:",
            "ETag:",
            "Set-Cookie:",
            "%2f",
            "..",
            "*",
        ],
    ),
    (
        "svg",
        &[
            "<svg",
            "</svg>",
            "<g>",
            "</g>",
            "<style>",
            "</style>",
            "<script>",
            "<text>",
            "<image ",
            "<use ",
            "<a ",
            "<set ",
            "<animate ",
            "<foreignObject>",
            "<![CDATA[",
            "]]>",
            "<!--",
            "-->",
            "<?",
            "?>",
            " href=\"",
            " xlink:href=\"",
            " xmlns:x=\"http://www.w3.org/2000/svg\"",
            " xmlns=\"",
            " onload=\"",
            " style=\"",
            " fill=\"",
            " attributeName=\"",
            " values=\"",
            "url(",
            "javascript:",
            "data:image/png;base64,",
            "@import",
            "\\75 ",
            "&lt;",
            "&#106;",
            "&amp;",
            "/*",
            "*/",
            "{",
            "}",
            "expression(",
            "src(",
            "image-set(",
            "var(",
            "env(",
            "http://www.w3.org/1999/xlink",
        ],
    ),
    (
        "client",
        &[
            "for=",
            "by=",
            ";proto=https",
            "\"[2001:db8::1]:4711\"",
            "_hidden",
            "unknown",
            "10.0.0.2",
            "PROXY TCP4 ",
            "PROXY UNKNOWN",
            "\r\n",
            "\r\n\r\n\0\r\nQUIT\n",
            "fd00::1",
            "10.1.1.1:80",
        ],
    ),
    (
        "header",
        &[
            "IHDR",
            "acTL",
            "iTXt",
            "zTXt",
            "iCCP",
            "IEND",
            "\u{89}PNG",
            "VP8X",
            "VP8L",
            "ANMF",
            "ftyp",
            "meta",
            "iprp",
            "ispe",
            "jxlc",
        ],
    ),
    ("marks", &["\"selector\":", "{\"tag\":\"", "{\"prefix\":\"", "\"stamp\":", "\"soft\":", "true", "null", "\n"]),
    (
        "credits",
        &[
            "8BIM",
            "Photoshop 3.0\0",
            "Exif\0\0",
            "II*\0",
            "MM\0*",
            "<rdf:RDF",
            "<rdf:Description",
            "<dc:rights>",
            "<dc:creator>",
            "<rdf:Seq>",
            "<rdf:li",
            "xml:lang=\"",
            "rdf:resource=\"",
            "rdf:parseType=\"",
            "</",
            "/>",
            "&amp;",
            "http://purl.org/dc/elements/1.1/",
            "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        ],
    ),
];

/// Blocks of metadata, each with the number of its standard in the target.
pub(crate) const BLOCKS: &[(u8, &[u8])] = &[
    (
        0,
        b"MM\0*\0\0\0\x08\0\x03\x01\x0f\0\x02\0\0\0\x04abc\0\x01\x3b\0\x02\0\0\0\x03Jo\0\0\
        \x82\x98\0\x02\0\0\0\x09\0\0\0\x32\0\0\0\0A\xe9\0 B \0\0\0",
    ),
    (1, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x12\x1c\x01\x5a\0\x03\x1b%G\x1c\x02\x50\0\x05Jo \xc3\xa9"),
    (1, b"\x1c\x02\x74\0\x03(c)\x1c\x02\x6e\0\x02by"),
    (
        2,
        b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
        <rdf:Description xmlns:dc=\"http://purl.org/dc/elements/1.1/\" dc:publisher=\"P\"><dc:rights><rdf:Alt>\
        <rdf:li xml:lang=\"x-default\">(c) A</rdf:li></rdf:Alt></dc:rights><dc:creator><rdf:Seq><rdf:li>B</rdf:li>\
        </rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>",
    ),
];
