package chat_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"devinbox/pkg/chat"
)

// texts are made of what the rules treat differently from letters.
func texts() *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{
		"a", "é", "😀", "word", strings.Repeat("x", 70), " ", "  ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\x00", "\x1f", "\x7f",
		"\u0085", "\u009f", "\u00a0", "\u1680", "\u2003", "\u2028", "\u3000", "\u200b", "\ufeff", "\xff", "\xc3",
	})
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(pieces, 0, 12).Draw(t, "pieces"), "") })
}

func TestWhiteSpaceIsWhatUnicodeCallsSo(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		trimmed := chat.NormalizeBody(string(r)+"\na"+string(r)) == "a"
		folded := chat.Preview(string(r)+"a"+string(r)+string(r)+"b"+string(r)) == "a b"
		if white := unicode.Is(unicode.White_Space, r); trimmed != white || folded != white {
			t.Errorf("%U: trimmed %v, folded %v, want %v", r, trimmed, folded, white)
		}
	}
}

// The client package normalizes a body before it shows and sends it. Its tests go by the same file.
func TestABodyIsNormalizedAsTheClientDoesIt(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/bodies.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, Given, Body string }
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, test := range cases {
		t.Run(test.Name, func(t *testing.T) {
			t.Parallel()
			if got := chat.NormalizeBody(test.Given); got != test.Body {
				t.Errorf("%q is stored as %q, want %q", test.Given, got, test.Body)
			}
		})
	}
}

func TestAPreviewIsFoldedAndCut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, want string }{
		"an indented body":             {"    if x:\n        y", "if x: y"},
		"next line and no-break space": {"a\u0085\u00a0b", "a b"},
		"zero-width characters":        {"a\u200b\ufeffb", "a\u200b\ufeffb"},
		"140 code points":              {strings.Repeat("😀", 140), strings.Repeat("😀", 140)},
		"141 code points":              {strings.Repeat("😀", 141), strings.Repeat("😀", 140)},
		"140 after white space":        {" \n " + strings.Repeat("a", 141), strings.Repeat("a", 140)},
	} {
		mustBe(t, name, chat.Preview(test.body), test.want)
	}
}

func TestABodyKeepsItsRules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want string // the fields to blame, each as often as it breaks a rule
	}{
		"one letter":                     {"a", ""},
		"8000 letters":                   {strings.Repeat("a", 8000), ""},
		"8000 emoji":                     {strings.Repeat("😀", 8000), ""},
		"8000 between white space":       {"\n" + strings.Repeat("é", 8000) + "\r\n", ""},
		"4000 lines that end in CRLF":    {strings.Repeat("a\r\n", 4000), ""},
		"tab and newline":                {"a\tb\nc", ""},
		"DEL and the C1 controls":        {"a\x7f\u0080\u0085\u009fb", ""},
		"a zero-width space alone":       {"\u200b", ""},
		"no letter":                      {"", "body"},
		"white space alone":              {" \t\r\n\u00a0\u0085\u2028\u3000", "body"},
		"8001 letters":                   {strings.Repeat("a", 8001), "body"},
		"8001 emoji":                     {strings.Repeat("😀", 8001), "body"},
		"8001 code points of combinings": {"a" + strings.Repeat("\u0301", 8000), "body"},
		"NUL":                            {"a\x00b", "body"},
		"NUL alone":                      {"\x00", "body"},
		"escape":                         {"a\x1b[0mb", "body"},
		"the last C0 control":            {"a\x1fb", "body"},
		"a lone carriage return":         {"a\rb", "body"},
		"a carriage return before CRLF":  {"a\r\r\nb", "body"},
		"a vertical tab":                 {"a\vb", "body"},
		"a form feed":                    {"a\fb", "body"},
		"not UTF-8":                      {"a\xffb", "body"},
		"half a surrogate pair":          {"a\xed\xa0\x80b", "body"},
		"two rules":                      {strings.Repeat("\x01", 8001), "body body"},
		"three rules":                    {strings.Repeat("\xff", 8000) + "\x01", "body body body"},
	} {
		w := newWorld()
		_, err := w.Send(t.Context(), grace, chat.Draft{Body: test.body})
		if got := blamed(err); got != test.want || (err == nil) != (test.want == "") || len(w.store.sends) > 0 != (err == nil) {
			t.Errorf("%s: %v, saved %d times", name, err, len(w.store.sends))
		}
		if err != nil && chat.KindOf(err) != chat.Unprocessable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryC0ControlButTabAndNewlineIsRefused(t *testing.T) {
	t.Parallel()
	for r := range rune(0x100) {
		_, err := newWorld().Send(t.Context(), grace, chat.Draft{Body: "a" + string(r) + "b"})
		mustBe(t, fmt.Sprintf("%U is refused", r), err != nil, r <= 0x1f && r != '\t' && r != '\n')
	}
}

func TestAPreviewIsTheBeginningOfTheFoldedBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                                  "",
		"Hello":                             "Hello",
		"a\n\n  b\t\u00a0c\u2028d":          "a b c d",
		strings.Repeat("é", 140):            strings.Repeat("é", 140),
		strings.Repeat("é", 141):            strings.Repeat("é", 140),
		strings.Repeat("😀\n\n", 100):        strings.Repeat("😀 ", 70),
		strings.Repeat("a", 139) + "\n\nbc": strings.Repeat("a", 139) + " ",
	} {
		mustBe(t, "the preview", chat.Preview(body), want)
	}
}

func TestAPreviewHasNoLineAndNoMoreThan140CodePoints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := chat.NormalizeBody(texts().Draw(t, "body"))
		preview := chat.Preview(body)
		if utf8.RuneCountInString(preview) > 140 || strings.Contains(preview, "  ") {
			t.Errorf("%q", preview)
		}
		for _, r := range preview {
			if r != ' ' && unicode.IsSpace(r) {
				t.Errorf("%q holds %U", preview, r)
			}
		}
		if rest, found := strings.CutPrefix(strings.Join(strings.Fields(body), " "), preview); !found || rest != "" && utf8.RuneCountInString(preview) != 140 {
			t.Errorf("%q is not the beginning of %q", preview, body)
		}
		mustBe(t, "there is one", preview != "", body != "")
	})
}

func TestAnIdempotencyKeyIsPrintableASCII(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"8c": true, " ": true, "~": true, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a\tb": false, "a\n": false, "\x00": false, "\x1f": false, "\x7f": false,
		"é": false, "\u00a0": false, "\xff": false, "😀": false,
	} {
		w := newWorld()
		_, err := w.Send(t.Context(), grace, chat.Draft{Body: "Hello", ClientMessageID: &key})
		mustBe(t, "a key is taken", err == nil, want)
		if err != nil {
			mustBe(t, "the field", blamed(err), "clientMessageId")
			mustBe(t, "the trace", w.trace.take(), "")
		}
	}
}

// What is saved is what the Store may rely on, whatever was sent.
func FuzzWhatIsSavedKeepsTheRules(f *testing.F) {
	for _, seed := range []string{"Hello", " a\r\nb ", "\r\r\n", "a\x00", "\u2028\u200b", "\xff", "", strings.Repeat("a", 8001)} {
		f.Add(seed, "8c", "12.34", "42")
	}
	f.Add("Hello", "", "1.2\n", "")
	f.Add("Hello", "é", "1", "\xff")
	f.Fuzz(func(t *testing.T, body, key, socket, clientID string) {
		for _, who := range []chat.Identity{grace, ada} {
			w := newWorld()
			sent, err := w.Send(t.Context(), who, chat.Draft{ClientID: &clientID, Body: body, ClientMessageID: &key, SocketID: &socket, Create: true})
			if err != nil {
				if kind := chat.KindOf(err); kind != chat.Unprocessable && kind != chat.Forbidden || len(w.store.sends) > 0 {
					t.Errorf("%v, saved %d times", err, len(w.store.sends))
				}
				continue
			}
			p := w.store.sends[0]
			if !chat.ValidID(p.ClientID) || who == grace && p.ClientID != "42" || p.Sender != who {
				t.Errorf("%q writes to %q", who.ID, p.ClientID)
			}
			if n := utf8.RuneCountInString(p.Body); n < 1 || n > 8000 || !utf8.ValidString(p.Body) || strings.TrimRightFunc(p.Body, unicode.IsSpace) != p.Body {
				t.Errorf("a body of %d code points: %q", n, p.Body)
			}
			for _, r := range p.Body {
				if unicode.Is(unicode.Cc, r) && r < ' ' && r != '\t' && r != '\n' {
					t.Errorf("%q holds %U", p.Body, r)
				}
			}
			if chat.NormalizeBody(p.Body) != p.Body || p.Preview != chat.Preview(p.Body) || sent.Message.Body != p.Body {
				t.Errorf("%q is saved as %q", body, p.Body)
			}
			if k := *p.ClientMessageID; k != key || len(k) < 1 || len(k) > 64 {
				t.Errorf("the key %q is saved as %q", key, k)
			}
			if p.ExceptSocket != "" && (p.ExceptSocket != socket || !chat.ValidSocketID(socket)) {
				t.Errorf("the socket %q is saved as %q", socket, p.ExceptSocket)
			}
		}
	})
}
