"""Texts that have broken programs before: to be carried through unchanged, and never to be more than text."""

SCRIPTS = [
    '<img src=x onerror="window.caught = 1">',
    "<script>window.caught = 1</script>",
    "</textarea><svg onload=window.caught=1>",
    "javascript:window.caught=1",
    '"><iframe srcdoc="<script>parent.window.caught=1</script>">',
    "&lt;b&gt; &amp; &#60;i&#62; &nbsp;",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> {% raw %}",
    "[a link](javascript:window.caught=1) ![x](x) **bold** _it_ `code` :red[no] :material/home: $x^2$",
]
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", '=HYPERLINK("http://x","y")', "'=1+1", "＝1+1"]
SCRIPT_FREE = [
    "'; DROP TABLE labels; --",
    "a\\b\\\\c \\n \\u0000",
    "NULL", "None", "nan", "NaN", "-1", "1e309", "0x1F", "true", "undefined", "[object Object]",
    "../../etc/passwd", "C:\\con\\nul", "%00%0a", "file:///etc/passwd",
    "مرحبا بالعالم", "‏right‮to left", "שלום 123 abc", "می‌خواهم",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 ✍🏿", "Z̸̢̛͔͙̈́a̷̧l̶̨g̴̢o", "ﬀ ﷽ ℃ Å Å", "İıſß", "日本語　テキスト", "ｆｕｌｌ　ｗｉｄｔｈ",
    "a\u00a0b\u200bc\u2028d\u2029e\ufeff", "\u0001\u0008\u001b[31mred\u007f", "nul \0 inside", "\ufffe\uffff",
    "a,b;c|d\te", '"quoted" \'single\' “curly”', "line one\nline two\r\nline three\rline four", "  spaces round  ",
]  # fmt: skip
LONG = ["word " * 200_000, "x" * 1_000_000]  # 1 MB each
TEXTS = [*SCRIPTS, *FORMULAS, *SCRIPT_FREE, *LONG]
# Label names are of one line, of at most 80 characters, without control characters.
NAMES = [
    *(text.strip() for text in [*SCRIPTS[:4], *FORMULAS[:4], *FORMULAS[6:], *SCRIPT_FREE[:26]] if len(text) <= 80),
]
