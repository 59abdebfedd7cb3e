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

func TestALogHoldsAnIDAsItIsOnlyIfNoEmailCanBeInIt(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"42":                                   "42",
		"ada":                                  "ada",
		"019a3f6e-0000-7000-8000-0123456789ab": "019a3f6e-0000-7000-8000-0123456789ab",
		"guest-c5iibqvt3kq4cnmbhdscx2ybdm":     "guest-c5iibqvt3kq4cnmbhdscx2ybdm",
		"auth0|507f1f77bcf86cd799439011":       "auth0|507f1f77bcf86cd799439011",
		"urn:example:user/7_1.2":               "urn:example:user/7_1.2",
		"/api/messages/send":                   "/api/messages/send",
		"":                                     "",
		// printf %s ID | sha256sum | cut -c1-16
		"grace@example.com":         "sha256=b533d4547eaa5a0f",
		"mailto:grace@example.com":  "sha256=be78ccb8874a9ab3",
		"auth0|grace@example.com":   "sha256=d82fc75389e6077e",
		"grace%40example.com":       "sha256=0904d8e674e6fce7",
		"grace=40example.com":       "sha256=1b3b223333eb15c5",
		"grace＠example.com":         "sha256=a883c6bb34158802",
		"grace(at)example.com":      "sha256=680409051a2173d7",
		"sha256=b533d4547eaa5a0f":   "sha256=7a5b28ae36fc942d",
		"@":                         "sha256=c3641f8544d7c02f",
		"Zoë":                       "sha256=c6a12698582fc110",
		"a b":                       "sha256=c8687a08aa5d6ed2",
		"\u202e24":                  "sha256=c77b6cf73fb55be0",
		"/api/grace@example.com/no": "sha256=1f19923a6d51af4f",
	} {
		mustBe(t, "the log's "+id, chat.LogID(id), want)
	}
}

func TestTheLogTellsEveryIDFromEveryOther(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringOfN(rapid.RuneFrom([]rune("ab0@=|:/é%\u200d")), 0, 4, -1).Draw(t, "id")
		logged := chat.LogID(id)
		if other, found := seen[logged]; found && other != id {
			t.Errorf("%q and %q are both logged as %q", id, other, logged)
		}
		seen[logged] = id
		if strings.ContainsAny(logged, "@%é") {
			t.Errorf("%q is logged as %q", id, logged)
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
