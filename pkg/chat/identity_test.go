package chat_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"devinbox/pkg/chat"
)

func TestAnIDHasUpTo120BytesAndNoControlCharacter(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"42": true, " ": true, "a:b/c?d#e": true, "é": true, "😀": true, "\u2028": true, "\u200b": true, "\ufeff": true,
		strings.Repeat("a", 120): true, strings.Repeat("é", 60): true, strings.Repeat("😀", 30): true,
		"": false, strings.Repeat("a", 121): false, strings.Repeat("é", 61): false, strings.Repeat("é", 60) + "a": false,
		"\x00": false, "a\x00": false, "a\tb": false, "a\n": false, "\x1f": false, "\x7f": false, "\u0080": false, "\u0085": false, "\u009f": false,
		"\xff": false, "a\xc3": false, "\xed\xa0\x80": false, "\xc0\x80": false,
	} {
		mustBe(t, "an id "+id, chat.ValidID(id), want)
	}
}

func TestValidIDIsItsRule(t *testing.T) {
	t.Parallel()
	rule := regexp.MustCompile(`\A[^\p{Cc}]+\z`)
	rapid.Check(t, func(t *rapid.T) {
		id := string(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "bytes")) + rapid.StringN(0, 125, 130).Draw(t, "text")
		mustBe(t, "an id", chat.ValidID(id), rule.MatchString(id) && utf8.ValidString(id) && len(id) <= 120)
	})
}

func TestANameIsTrimmedAndCut(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                                "",
		"Grace":                           "Grace",
		" \t\u00a0Grace Hopper\u3000\r\n": "Grace Hopper",
		strings.Repeat("é", 120):          strings.Repeat("é", 120),
		strings.Repeat("é", 121):          strings.Repeat("é", 120),
		strings.Repeat("😀", 500):          strings.Repeat("😀", 120),
		strings.Repeat("a", 119) + " bcd": strings.Repeat("a", 119),
		" " + strings.Repeat("a", 120):    strings.Repeat("a", 120),
		"Grace\x00":                       "",
		"Gra\nce":                         "",
		"Gra\x1b[31mce":                   "",
		"Gra\u009bce":                     "",
		"Gra\xffce":                       "",
		"\u202eecarG":                     "\u202eecarG",
	} {
		mustBe(t, "the name", chat.CutName(name), want)
	}
}

func TestANameThatIsKeptStaysAsItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := chat.CutName(texts().Draw(t, "name"))
		mustBe(t, "cut twice", chat.CutName(name), name)
		if n := utf8.RuneCountInString(name); n > 120 {
			t.Errorf("%d code points", n)
		}
	})
}

func TestOnlyADeveloperPassesForOne(t *testing.T) {
	t.Parallel()
	for who, want := range map[chat.Identity]error{
		ada: nil, grace: chat.ErrNotYours, nobody: chat.ErrNotYours, {ID: "ada"}: chat.ErrNotYours, {ID: "ada", Role: "Developer"}: chat.ErrNotYours,
	} {
		if err := who.RequireDeveloper(); err != want {
			t.Errorf("%+v: %v", who, err)
		}
	}
}

func TestAClientListensToItsOwnConversationAndADeveloperToAll(t *testing.T) {
	t.Parallel()
	own, other, inbox := chat.Place{ClientID: "42"}, chat.Place{ClientID: "43"}, chat.Place{Inbox: true}
	for _, test := range []struct {
		who               chat.Identity
		own, other, inbox bool
	}{
		{grace, true, false, false},
		{ada, true, true, true},
		{nobody, false, false, false},
		{chat.Identity{ID: "42", Role: "admin"}, false, false, false},
		{chat.Identity{Role: chat.Client}, false, false, false},
	} {
		mustBe(t, test.who.ID+" to its own", test.who.MayListen(own), test.own)
		mustBe(t, test.who.ID+" to another", test.who.MayListen(other), test.other)
		mustBe(t, test.who.ID+" to the inbox", test.who.MayListen(inbox), test.inbox)
	}
	if (chat.Identity{Role: chat.Client}).MayListen(chat.Place{}) {
		t.Error("nobody may listen nowhere")
	}
}

func TestASideHasAnother(t *testing.T) {
	t.Parallel()
	mustBe(t, "the other of a client", chat.Client.Other(), chat.Developer)
	mustBe(t, "the other of a developer", chat.Developer.Other(), chat.Client)
	marks := chat.Marks{Client: 1, Developer: 2}
	mustBe(t, "the client's", marks.Of(chat.Client), 1)
	mustBe(t, "the developers'", marks.Of(chat.Developer), 2)
}
