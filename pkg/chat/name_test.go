package chat_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"devinbox/pkg/chat"
)

func TestANameIsKeptAsItCanBeSeen(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                                "",
		"Grace":                           "Grace",
		"O'Neill <b>&":                    "O'Neill <b>&",
		" \t\u00a0Grace Hopper\u3000\r\n": "Grace Hopper",
		"Grace \u2003\u2028 Hopper":       "Grace Hopper",
		"Grace\nHopper":                   "Grace Hopper",
		"Grace\u0085Hopper":               "Grace Hopper", // a control character that is white space
		"Zoë, Zoe\u0308":                  "Zoë, Zoe\u0308",
		"名前 이름 नाम":                       "名前 이름 नाम",

		// What cannot be seen is taken out.
		"Grace\x00":                  "Grace",
		"Gra\x1b[31mce":              "Gra[31mce",
		"Gra\u009bce\x7f":            "Grace",
		"Gra\xffce":                  "Grace",
		"\u202eecarG":                "ecarG",
		"\u2066\u202dGrace\u2069":    "Grace",
		"\u200eGrace\u200f\u061c":    "Grace",
		"Gr\u00adace":                "Grace",
		"\ufeffGra\u200bce\u2060":    "Grace",
		"Gra\u034fce":                "Grace",
		"Gra\U000e0041\U000e007fce":  "Grace",
		"Grace\u180b\U000e0100":      "Grace",
		"Gr\u115f\u1160\u3164\uffa0": "Gr",
		"Gra\u200d\u200cce":          "Grace", // Latin needs no joiner
		"Grace\ufe0f":                "Grace",
		"Гра\u200cце":                "Граце",
		"Grace \u200d\u200b Hopper":  "Grace Hopper",

		// Nothing of it can be seen.
		" \t":                            "",
		"\u200b":                         "",
		"\u200b\u2060 \ufeff\u3164":      "",
		"\u202e\u202c":                   "",
		"\u200d":                         "",
		"\ufe0f":                         "",
		"\u2800":                         "",
		"\u2800 \u2800":                  "",
		"\U0001d159":                     "",
		"\u0301\u20e3":                   "",
		"\x00\x01":                       "",
		"\U000e0067\U000e0062":           "",
		"\u00a0\u1680\u2000\u202f\u205f": "",

		// Joiners where letters need them.
		"می\u200cخواهم":                 "می\u200cخواهم",
		"می\u200c\u200cخواهم":           "می\u200cخواهم",
		"می\u200b\u200cخواهم":           "می\u200cخواهم",
		"\u200cمی\u200c \u200cخواهم":    "می خواهم",
		"می\u200cX":                     "میX",
		"شر\u064e\u200cکت":              "شر\u064e\u200cکت", // behind a mark of any script
		"ශ\u0dca\u200dරී":               "ශ\u0dca\u200dරී",
		"র\u200d\u09cdয":                "র\u200d\u09cdয",
		"മോഹന\u0d4d\u200d":              "മോഹന\u0d4d\u200d", // at the end, behind a virama
		"മോഹന\u0d4d\u200d\u200d K":      "മോഹന\u0d4d\u200d K",
		"മോഹന\u200d":                    "മോഹന",
		"क\u094d\u200cष क\u094d\u200dष": "क\u094d\u200cष क\u094d\u200dष",

		// And where emoji do.
		"Ada 👩\u200d💻":                    "Ada 👩\u200d💻",
		"👩🏽\u200d🚀":                       "👩🏽\u200d🚀",
		"❤\ufe0f\u200d🔥":                  "❤\ufe0f\u200d🔥",
		"🏳\ufe0f\u200d🌈 ☺\ufe0f ☺\ufe0e":  "🏳\ufe0f\u200d🌈 ☺\ufe0f ☺\ufe0e",
		"🙂\u200d↔\ufe0f":                  "🙂\u200d↔\ufe0f",
		"1\ufe0f\u20e3 #\ufe0f\u20e3":     "1\ufe0f\u20e3 #\ufe0f\u20e3",
		"1\ufe0f2":                        "12",
		"👩\u200d":                         "👩",
		"👩\u200d Ada":                     "👩 Ada",
		"👩\u200d\u200d💻":                  "👩\u200d💻",
		"👩\u200dA":                        "👩A",
		"👩\ufe0f\ufe0f":                   "👩\ufe0f",
		"👩\u200d\ufe0f💻":                  "👩\u200d💻",
		"\u2800\u200d\u2800a":             "\u2800\u2800a",
		"🇳🇱":                              "🇳🇱",
		"🏴\U000e0067\U000e0062\U000e007f": "🏴", // a tag could say anything

		// It is cut at 120 code points, or before what would be cut in two.
		strings.Repeat("é", 120):                                       strings.Repeat("é", 120),
		strings.Repeat("é", 121):                                       strings.Repeat("é", 120),
		strings.Repeat("😀", 500):                                       strings.Repeat("😀", 120),
		strings.Repeat("a", 119) + " bcd":                              strings.Repeat("a", 119),
		" " + strings.Repeat("a", 120):                                 strings.Repeat("a", 120),
		strings.Repeat("\u200ba", 121):                                 strings.Repeat("a", 120),
		strings.Repeat("e\u0301", 61):                                  strings.Repeat("e\u0301", 60),
		"a" + strings.Repeat("e\u0301", 60):                            "a" + strings.Repeat("e\u0301", 59),
		"a" + strings.Repeat("🇳🇱", 60):                                 "a" + strings.Repeat("🇳🇱", 59),
		strings.Repeat("a", 118) + "👩\u200d💻":                          strings.Repeat("a", 118),
		strings.Repeat("a", 119) + "👩\u200d💻":                          strings.Repeat("a", 119),
		strings.Repeat("a", 119) + "👍🏽":                                strings.Repeat("a", 119),
		strings.Repeat("a", 119) + "☺\ufe0f":                           strings.Repeat("a", 119),
		strings.Repeat("a", 118) + "ක\u0dca\u200dෂ":                    strings.Repeat("a", 118),
		strings.Repeat("a", 119) + "क\u093f":                           strings.Repeat("a", 119),
		strings.Repeat("a", 119) + "\u1112\u1161":                      strings.Repeat("a", 119),
		strings.Repeat("a", 119) + "e" + strings.Repeat("\u0301", 500): strings.Repeat("a", 119),
		"e" + strings.Repeat("\u0301", 500):                            "e" + strings.Repeat("\u0301", 119), // nothing else is left
		strings.Repeat("👩\u200d", 60) + "👩":                            strings.Repeat("👩\u200d", 59) + "👩", // likewise
	} {
		if got := chat.CleanName(name); got != want {
			t.Errorf("%+q is kept as %+q, want %+q", name, got, want)
		}
	}
}

func TestAnEmailIsKeptAsItCanBeSeenOrDropped(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"":                                     "",
		"grace@example.com":                    "grace@example.com",
		" grace@example.com\n":                 "grace@example.com",
		"gra\u200bce@exam\u202eple.com":        "grace@example.com",
		"grace\x00@example.com":                "grace@example.com",
		"\u200b":                               "",
		strings.Repeat("e", 254):               strings.Repeat("e", 254),
		strings.Repeat("e", 255):               "",
		strings.Repeat("é", 127):               strings.Repeat("é", 127),
		strings.Repeat("é", 127) + "e":         "",
		strings.Repeat("e", 254) + " \u200b\t": strings.Repeat("e", 254),
	} {
		if got := chat.CleanEmail(email); got != want {
			t.Errorf("%+q is kept as %+q, want %+q", email, got, want)
		}
	}
}

// defaultIgnorable is Default_Ignorable_Code_Point as DerivedCoreProperties.txt lists it, which Go has no table of.
var defaultIgnorable = [][2]rune{
	{0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x202a, 0x202e},
	{0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfff8}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
}

func mustNotBeSeen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf) || slices.ContainsFunc(defaultIgnorable, func(of [2]rune) bool { return of[0] <= r && r <= of[1] })
}

// Every code point, alone and in a name.
func TestNoCodePointThatCannotBeSeenIsKept(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		alone, within := string(r), "a"+string(r)+"b"
		switch {
		case unicode.Is(unicode.White_Space, r):
			alone, within = "", "a b"
		case mustNotBeSeen(r):
			alone, within = "", "ab"
		case unicode.IsMark(r), r == 0x2800, r == 0x13441, r == 0x13442, r == 0x1d159:
			alone = ""
		}
		if got := chat.CleanName("a" + string(r) + "b"); got != within {
			t.Errorf("%U in a name leaves %+q, want %+q", r, got, within)
		}
		if got := chat.CleanName(string(r)); got != alone {
			t.Errorf("%U alone leaves %+q, want %+q", r, got, alone)
		}
	}
}

// pieces are what names that mislead are made of.
var pieces = []string{
	"a", "e\u0301", "م", "ی", "\u064e", "क", "\u094d", "ന", "\u0d4d", "ᠠ", "한", "\u1112\u1161", "👩", "🏽", "❤", "🇳", "1", "\u20e3", "\u2800", " ", "\n", "\u0085", "\u00a0",
	"\u200b", "\u200c", "\u200d", "\u200d", "\ufe0e", "\ufe0f", "\u180e", "\u202e", "\u2069", "\ufeff", "\u00ad", "\u034f", "\u3164", "\x00", "\x1b", "\xff", "\xed\xa0\x80", "\U000e0041", "\U000e0100", "�",
}

func misleading() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()), 0, 150).Draw(t, "pieces"), "")
	})
}

func TestWhateverComesInANameIsClean(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { mustBeClean(t, misleading().Draw(t, "name")) })
}

func FuzzAName(f *testing.F) {
	f.Add(strings.Join(pieces, ""))
	for _, piece := range pieces {
		f.Add(strings.Repeat(piece, 130))
	}
	f.Fuzz(func(t *testing.T, name string) { mustBeClean(t, name) })
}

func mustBeClean(t interface{ Errorf(string, ...any) }, given string) {
	name := chat.CleanName(given)
	if again := chat.CleanName(name); again != name {
		t.Errorf("%+q is cleaned to %+q, and that to %+q", given, name, again)
	}
	if n := utf8.RuneCountInString(name); !utf8.ValidString(name) || n > 120 {
		t.Errorf("%+q has %d code points", name, n)
	}
	if name != strings.Join(strings.Fields(name), " ") {
		t.Errorf("%+q has white space", name)
	}
	before := ' '
	for _, r := range name {
		joiner := r == '\u200c' || r == '\u200d' || r == '\ufe0e' || r == '\ufe0f'
		if mustNotBeSeen(r) && !joiner {
			t.Errorf("%+q holds %U", name, r)
		}
		if joiner && (before < 0x80 && !strings.ContainsRune("0123456789#*", before) || mustNotBeSeen(before) && !(before == '\ufe0f' && r == '\u200d')) {
			t.Errorf("%+q has %U behind %U", name, r, before)
		}
		before = r
	}
	if email := chat.CleanEmail(given); len(email) > 254 || chat.CleanEmail(email) != email || utf8.RuneCountInString(email) <= 120 && email != chat.CleanName(email) {
		t.Errorf("%+q is kept as the e-mail %+q", given, email)
	}
}
